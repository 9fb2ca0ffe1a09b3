# A larger project that has the sources as a part of itself. Needs WHOLE (the sources), GENERATOR,
# BUILD_TYPE, compilers, and the options with which the compiler cache knows the files.
include(${CMAKE_CURRENT_LIST_DIR}/helpers.cmake)
set(options P2C2R_WARNINGS=ON)
foreach(name CMAKE_C_FLAGS CMAKE_CXX_FLAGS CMAKE_C_COMPILER_LAUNCHER CMAKE_CXX_COMPILER_LAUNCHER
        P2C2R_WARNINGS_AS_ERRORS)
  list(APPEND options "${name}=${${name}}")
endforeach()
build(${HERE}/subdirectory WHOLE=${WHOLE} ${options})
foreach(form shared static)
  check_form(${FOLDER}/consumer_${form} ${form} ${FOLDER}/parts/p2c2r)
  must_run("consumer_${form}" ${FOLDER}/consumer_${form})
endforeach()
# A part leaves alone what belongs to the whole: it installs nothing and has no tests.
must_run("install" ${CMAKE_COMMAND} --install ${FOLDER} --prefix ${FOLDER}/prefix)
if(EXISTS ${FOLDER}/prefix OR EXISTS ${FOLDER}/CTestTestfile.cmake)
  message(FATAL_ERROR "the library installs something, or has tests, as a part of another project")
endif()
