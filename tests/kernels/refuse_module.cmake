# The build step that embeds shaders refuses one outside the deterministic subset, names the
# instruction and writes no header. Needs GLSLANG, CHECKER, SHADER and FOLDER.
file(MAKE_DIRECTORY ${FOLDER})
file(REMOVE ${FOLDER}/divides.h)
execute_process(COMMAND ${GLSLANG} --quiet -V --target-env vulkan1.1 ${SHADER} -o ${FOLDER}/divides.spv
                RESULT_VARIABLE compiled)
if(NOT compiled EQUAL 0)
  message(FATAL_ERROR "the shader does not compile: ${compiled}")
endif()
execute_process(COMMAND ${CHECKER} ${FOLDER}/divides.spv ${FOLDER}/divides.h kDivides
                RESULT_VARIABLE accepted ERROR_VARIABLE why)
if(accepted EQUAL 0)
  message(FATAL_ERROR "a module with a float division was accepted")
endif()
if(NOT why MATCHES "OpFDiv")
  message(FATAL_ERROR "the refusal does not name OpFDiv: ${why}")
endif()
if(EXISTS ${FOLDER}/divides.h)
  message(FATAL_ERROR "a header was written for a refused module")
endif()
