# Which commit the source is at, for `nsq version` and the date of manual pages. Looked at with every
# build, because commits come without CMake being run; the header changes only when the answer does.
#
#   NSQ_COMMIT, NSQ_COMMIT_DATE   say it where there is no .git, as in an image or a package
set(NSQ_COMMIT "" CACHE STRING "the commit that is built; by default git is asked")
set(NSQ_COMMIT_DATE "" CACHE STRING "its day, like 2026-11-21; by default git is asked")
find_package(Git QUIET)
set(NSQ_COMMIT_HEADER_DIRECTORY ${PROJECT_BINARY_DIR}/commit)
add_custom_target(nsq_commit
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DGIT=${GIT_EXECUTABLE}
    -DCOMMIT=${NSQ_COMMIT} -DDATE=${NSQ_COMMIT_DATE}
    -DHEADER=${NSQ_COMMIT_HEADER_DIRECTORY}/nsq_commit.h
    -P ${CMAKE_CURRENT_LIST_DIR}/write_commit.cmake
  BYPRODUCTS ${NSQ_COMMIT_HEADER_DIRECTORY}/nsq_commit.h
  VERBATIM)
