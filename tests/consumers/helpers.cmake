# What the scripts here share. They get HERE (this folder), FOLDER (theirs to use), TAKEN (the
# installed tree) and LIBDIR.
cmake_minimum_required(VERSION 3.22)

# Each starts from nothing, so that nothing of an earlier run helps it.
file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER})

# must_run(WHAT COMMAND...): runs it and fails with all it said, or prints its last line.
function(must_run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${what} failed (${result}):\n${said}")
  endif()
  string(STRIP "${said}" said)
  string(REGEX REPLACE ".*\n" "" last "${said}")
  message(STATUS "${what}: ${last}")
endfunction()

# build(SOURCE OPTIONS...): configures and builds a CMake project in FOLDER.
function(build source)
  list(TRANSFORM ARGN PREPEND -D OUTPUT_VARIABLE options)
  must_run("configure" ${CMAKE_COMMAND} -S ${source} -B ${FOLDER} -G ${GENERATOR}
           -DCMAKE_BUILD_TYPE=${BUILD_TYPE} -DCMAKE_C_COMPILER=${C_COMPILER}
           -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DCONSUMERS=${HERE} ${options})
  must_run("build" ${CMAKE_COMMAND} --build ${FOLDER} --parallel 2)
endfunction()

# check_form(PROGRAM FORM FOLDER): it loads the shared library, and from below this folder; or,
# static, it loads none.
function(check_form program form folder)
  file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${program} DIRECTORIES ${TAKEN}/${LIBDIR}
       RESOLVED_DEPENDENCIES_VAR libraries UNRESOLVED_DEPENDENCIES_VAR missing
       POST_EXCLUDE_REGEXES "^/(usr/)?lib")
  list(FILTER libraries INCLUDE REGEX "/libp2c2r\\.")
  if(form STREQUAL "static" AND libraries)
    message(FATAL_ERROR "${program} is static but loads ${libraries}")
  endif()
  if(form STREQUAL "shared")
    file(REAL_PATH "${folder}" folder)
    string(FIND "${libraries}" "${folder}/" at)
    if(NOT at EQUAL 0)
      message(FATAL_ERROR "${program} loads '${libraries}', not that of ${folder}; missing: "
                          "${missing}")
    endif()
  endif()
endfunction()
