cmake_minimum_required(VERSION 3.25)
# Writes HEADER, if it would change: NSQ_COMMIT, empty where nobody knows it, and NSQ_SOURCE_DATE.
function(ask_git variable)
  execute_process(COMMAND ${GIT} -C ${SOURCE} ${ARGN}
    OUTPUT_VARIABLE answer RESULT_VARIABLE status ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(status EQUAL 0)
    set(${variable} "${answer}" PARENT_SCOPE)
  endif()
endfunction()

# A checkout within somebody else's repository is not that repository's commit.
if(GIT AND EXISTS ${SOURCE}/.git)
  if(NOT COMMIT)
    ask_git(COMMIT describe --always --dirty=-modified --abbrev=12 --exclude=*)
  endif()
  if(NOT DATE)
    ask_git(DATE log -1 --format=%cs)
  endif()
endif()
if(NOT DATE)
  string(TIMESTAMP DATE "%Y-%m-%d" UTC)  # that of SOURCE_DATE_EPOCH, where it is set
endif()
file(CONFIGURE OUTPUT ${HEADER} @ONLY CONTENT
  "#define NSQ_COMMIT \"@COMMIT@\"\n#define NSQ_SOURCE_DATE \"@DATE@\"\n")
