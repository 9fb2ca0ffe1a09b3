# Runs the host in a root folder that holds itself and the libraries it is linked with, and nothing
# else: no Vulkan loader, no driver, no manifest. With LOADER that one file is there too. Needs
# PROGRAM and REASON.
include(${CMAKE_CURRENT_LIST_DIR}/helpers.cmake)
if(DEFINED LOADER AND NOT EXISTS "${LOADER}")
  message(STATUS "skipped: this machine has no Vulkan loader to put there")
  return()
endif()
set(root ${FOLDER}/root)
find_program(chroot chroot PATHS /usr/sbin /sbin)
set(enter ${chroot} ${root})
execute_process(COMMAND id -u OUTPUT_VARIABLE user OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT user EQUAL 0)
  set(enter unshare --map-root-user ${enter})
  execute_process(COMMAND unshare --map-root-user ${chroot} / true RESULT_VARIABLE refused
                  ERROR_VARIABLE why)
  if(NOT refused EQUAL 0)
    message(STATUS "skipped: only root may change the root folder here: ${why}")
    return()
  endif()
endif()

file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${PROGRAM} LIBRARIES ${LOADER}
     RESOLVED_DEPENDENCIES_VAR libraries)
list(FILTER libraries EXCLUDE REGEX "/libvulkan")
file(COPY ${PROGRAM} DESTINATION ${root})
file(COPY ${libraries} ${LOADER} DESTINATION ${root}/lib FOLLOW_SYMLINK_CHAIN)
get_filename_component(program ${PROGRAM} NAME)
file(GLOB linker RELATIVE ${root} ${root}/lib/ld-*)
list(GET linker 0 linker)
must_run("without Vulkan" ${enter} /${linker} --library-path /lib /${program} no-vulkan "${REASON}")
