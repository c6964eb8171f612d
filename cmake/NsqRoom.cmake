# nsq_room(NAME [ROOMS room...] [LIBRARIES target...] SOURCES file...)
#
# One room: the library nsq_NAME from src/NAME. Headers are found as "NAME/file.h" only by rooms that
# list NAME under ROOMS, because each room's include directory holds nothing but a link to itself.
# A forbidden include therefore does not compile.
function(nsq_room name)
  cmake_parse_arguments(ROOM "" "" "ROOMS;LIBRARIES;PRIVATE_LIBRARIES;SOURCES" ${ARGN})
  set(view ${PROJECT_BINARY_DIR}/rooms/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src/${name} ${view}/${name} SYMBOLIC)

  add_library(nsq_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(nsq_${name} PUBLIC ${view})
  target_link_libraries(nsq_${name} PUBLIC nsq_compiler)
  nsq_precompile(sources nsq_${name})
  foreach(room IN LISTS ROOM_ROOMS)
    target_link_libraries(nsq_${name} PUBLIC nsq_${room})
  endforeach()
  target_link_libraries(nsq_${name} PUBLIC ${ROOM_LIBRARIES} PRIVATE ${ROOM_PRIVATE_LIBRARIES})
endfunction()
