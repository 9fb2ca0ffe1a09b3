# How long kernels hold a device at a time; no peer is needed.
add_executable(slice_bench slice_bench.cpp slice_cases.cpp)
foreach(room kernels codec gpu exec model core)
  target_sources(slice_bench PRIVATE $<TARGET_OBJECTS:p2c2r_room_${room}>)
endforeach()
target_include_directories(slice_bench PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}
                           ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(slice_bench PRIVATE p2c2r_settings ${P2C2R_LINK_LIBRARIES}
                      nlohmann_json::nlohmann_json)
