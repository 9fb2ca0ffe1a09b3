# GLSL -> SPIR-V -> float arithmetic pinned -> allow-list check -> an array in a header that the kernels room includes as
# "spirv/NAME.h". A module outside the deterministic subset fails the build.
add_executable(p2c2r_check_modules
  ${CMAKE_CURRENT_LIST_DIR}/check_modules.cpp
  ${PROJECT_SOURCE_DIR}/src/gpu/module_check.cpp
  ${PROJECT_SOURCE_DIR}/src/gpu/allow_list.cpp
  ${PROJECT_SOURCE_DIR}/src/gpu/float_modes.cpp
  ${PROJECT_SOURCE_DIR}/src/core/status.cpp)
target_include_directories(p2c2r_check_modules PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(p2c2r_check_modules PRIVATE p2c2r_settings SPIRV-Tools-static Threads::Threads)
set_target_properties(p2c2r_check_modules PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/shaders)

set(p2c2r_shader_headers "")
# p2c2r_shader(NAME SOURCE ARRAY INCLUDES [glslang options...]); SOURCE and each of the list INCLUDES
# lie in shaders/ unless their path is absolute.
function(p2c2r_shader name source array includes)
  set(module ${PROJECT_BINARY_DIR}/shaders/${name}.spv)
  set(header ${PROJECT_BINARY_DIR}/shaders/spirv/${name}.h)
  set(folder ${PROJECT_SOURCE_DIR}/shaders)
  set(files ${source} ${includes})
  list(TRANSFORM files PREPEND ${folder}/ REGEX "^[a-z_0-9.]+$")
  list(GET files 0 source)
  add_custom_command(OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/shaders/spirv
    COMMAND Vulkan::glslangValidator --quiet -V --target-env vulkan1.1 -g0 -I${folder}
            -I${PROJECT_SOURCE_DIR} ${ARGN} ${source} -o ${module}
    COMMAND p2c2r_check_modules ${module} ${header} ${array}
    DEPENDS ${files} p2c2r_check_modules
    COMMENT "Shader ${name}" VERBATIM)
  set(p2c2r_shader_headers ${p2c2r_shader_headers} ${header} PARENT_SCOPE)
endfunction()

p2c2r_shader(upscale_first_rgb upscale_first.comp kUpscaleFirstRgbSpirv upscale.h -DCHANNELS=3)
p2c2r_shader(upscale_first_rgba upscale_first.comp kUpscaleFirstRgbaSpirv upscale.h -DCHANNELS=4)
p2c2r_shader(upscale_second upscale_second.comp kUpscaleSecondSpirv upscale.h)
p2c2r_shader(raytrace raytrace.comp kRaytraceSpirv
             "raytrace.h;raytrace_gbuffer.h;raytrace_meet.h;raytrace_layout.h;exact.h")
foreach(pass measure sharpen soften)
  string(SUBSTRING ${pass} 0 1 first)
  string(TOUPPER ${first} first)
  string(SUBSTRING ${pass} 1 -1 rest)
  p2c2r_shader(edge_${pass}_rgb edge_${pass}.comp kEdge${first}${rest}RgbSpirv
               "upscale_edge.h;edge_image.glsl" -DCHANNELS=3)
  p2c2r_shader(edge_${pass}_rgba edge_${pass}.comp kEdge${first}${rest}RgbaSpirv
               "upscale_edge.h;edge_image.glsl" -DCHANNELS=4)
endforeach()
p2c2r_shader(path_relax path_relax.comp kPathRelaxSpirv path.h)
p2c2r_shader(path_directions path_directions.comp kPathDirectionsSpirv path.h)
p2c2r_shader(loop_probe loop_probe.comp kLoopProbeSpirv loop_probe.h)

set(physics_includes physics_buffers.h physics_report.h physics.h exact.h)
foreach(pass Carry Move Sort_near Sort_far Slots Scan Push Settle Bounce)
  string(TOLOWER physics_${pass} name)
  string(REPLACE "_n" "N" array kPhysics${pass}Spirv)
  string(REPLACE "_f" "F" array ${array})
  p2c2r_shader(${name} ${name}.comp ${array} "${physics_includes}")
endforeach()
p2c2r_shader(physics_count physics_contacts.comp kPhysicsCountSpirv "${physics_includes}" -DFILL=0 -DLARGE=0)
p2c2r_shader(physics_fill physics_contacts.comp kPhysicsFillSpirv "${physics_includes}" -DFILL=1 -DLARGE=0)
p2c2r_shader(physics_large_count physics_contacts.comp kPhysicsLargeCountSpirv "${physics_includes}" -DFILL=0 -DLARGE=1)
p2c2r_shader(physics_large_fill physics_contacts.comp kPhysicsLargeFillSpirv "${physics_includes}" -DFILL=1 -DLARGE=1)

add_custom_target(p2c2r_shaders DEPENDS ${p2c2r_shader_headers})
if(TARGET p2c2r_room_kernels)
  # Only of those that need it: all others are the same to a compiler cache in any build folder.
  file(GLOB with_modules CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/kernels/*_gpu.cpp)
  list(APPEND with_modules ${PROJECT_SOURCE_DIR}/src/kernels/conformance.cpp)
  set_source_files_properties(${with_modules} PROPERTIES
                              INCLUDE_DIRECTORIES ${PROJECT_BINARY_DIR}/shaders)
  add_dependencies(p2c2r_room_kernels p2c2r_shaders)
endif()
