# The admin page: assets/admin, built by Vite in the build tree and compiled in. Sets
# NSQ_ADMIN_ASSETS to the source that holds it.
option(NSQ_ADMIN_UI "build the page of `nsq admin`; needs Node 18 or later, and npm" ON)

if(NOT NSQ_ADMIN_UI)
  set(NSQ_ADMIN_ASSETS no_page.cpp)
  return()
endif()

find_program(NSQ_NODE NAMES node nodejs)
find_program(NSQ_NPM npm)
if(NOT NSQ_NODE OR NOT NSQ_NPM)
  message(FATAL_ERROR "The admin page needs Node and npm; scripts/install-deps installs them. "
                      "NSQ_ADMIN_UI=OFF builds without the page.")
endif()
execute_process(COMMAND ${NSQ_NODE} --version OUTPUT_VARIABLE version
                OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX REPLACE "^v" "" version "${version}")
if(version VERSION_LESS 18)
  message(FATAL_ERROR "The admin page needs Node 18 or later; ${NSQ_NODE} is ${version}. "
                      "NSQ_ADMIN_UI=OFF builds without the page.")
endif()

set(source ${PROJECT_SOURCE_DIR}/assets/admin)
set(work ${PROJECT_BINARY_DIR}/admin/page)
set(NSQ_ADMIN_ASSETS ${PROJECT_BINARY_DIR}/admin/assets.cpp)
set(description package.json package-lock.json .npmrc)
set(configuration index.html vite.config.ts tsconfig.json embed.mjs)
list(TRANSFORM description PREPEND ${source}/)
list(TRANSFORM configuration PREPEND ${source}/)
file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${source}/src/*)

add_custom_command(
  OUTPUT ${work}/node_modules/.package-lock.json
  COMMAND ${CMAKE_COMMAND} -E make_directory ${work}
  COMMAND ${CMAKE_COMMAND} -E copy ${description} ${work}
  COMMAND ${CMAKE_COMMAND} -E chdir ${work} ${NSQ_NPM} ci --loglevel=error
  COMMAND ${CMAKE_COMMAND} -E touch ${work}/node_modules/.package-lock.json
  DEPENDS ${description}
  COMMENT "Fetching what the admin page is built with")

add_custom_command(
  OUTPUT ${NSQ_ADMIN_ASSETS}
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${work}/src ${work}/dist
  COMMAND ${CMAKE_COMMAND} -E copy ${configuration} ${work}
  COMMAND ${CMAKE_COMMAND} -E copy_directory ${source}/src ${work}/src
  COMMAND ${CMAKE_COMMAND} -E chdir ${work} ${NSQ_NPM} run --silent build
  COMMAND ${NSQ_NODE} ${work}/embed.mjs ${work}/dist ${NSQ_ADMIN_ASSETS}
  DEPENDS ${work}/node_modules/.package-lock.json ${configuration} ${sources}
  COMMENT "Building the admin page")
