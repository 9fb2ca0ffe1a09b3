# Writes HEADER with the commit that SOURCE is at; touches it only when that has changed.
find_package(Git QUIET)
set(commit "unknown")
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE} describe --always --dirty --abbrev=12
                          --exclude=*
                  OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(described)
    set(commit ${described})
  endif()
endif()
set(text "#pragma once\ninline constexpr const char* kCommit = \"${commit}\";\n")
set(known "")
if(EXISTS ${HEADER})
  file(READ ${HEADER} known)
endif()
if(NOT known STREQUAL text)
  file(WRITE ${HEADER} "${text}")
endif()
