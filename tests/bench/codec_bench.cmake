add_executable(codec_bench codec_bench.cpp $<TARGET_OBJECTS:p2c2r_room_wire>
  $<TARGET_OBJECTS:p2c2r_room_core>)
target_include_directories(codec_bench PRIVATE ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(codec_bench PRIVATE p2c2r_settings ${P2C2R_LINK_LIBRARIES})
