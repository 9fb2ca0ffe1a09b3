# A host built by one call of the C compiler with what pkg-config says. Needs FORM, PKG_CONFIG and
# C_COMPILER. The linker takes a shared library where there are both, so the static form is tried in
# a tree without the shared one.
include(${CMAKE_CURRENT_LIST_DIR}/helpers.cmake)
file(COPY ${TAKEN}/ DESTINATION ${FOLDER}/tree)
set(question --cflags --libs p2c2r)
if(FORM STREQUAL "static")
  file(GLOB shared ${FOLDER}/tree/${LIBDIR}/libp2c2r.so*)
  file(REMOVE ${shared})
  list(PREPEND question --static)
endif()
set(folder ${FOLDER}/tree/${LIBDIR})
execute_process(COMMAND ${CMAKE_COMMAND} -E env PKG_CONFIG_PATH=${folder}/pkgconfig ${PKG_CONFIG}
                        ${question}
                OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "pkg-config: ${result}")
endif()
message(STATUS "pkg-config says ${flags}")
separate_arguments(flags UNIX_COMMAND "${flags}")
must_run("compile" ${C_COMPILER} -std=c99 ${HERE}/consumer.c -o ${FOLDER}/consumer ${flags})
set(TAKEN ${FOLDER}/tree)
check_form(${FOLDER}/consumer ${FORM} ${FOLDER}/tree)
must_run("consumer" ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${folder} ${FOLDER}/consumer)
