# Beside zimg and OpenCV, where both are installed.
pkg_check_modules(ZIMG IMPORTED_TARGET zimg)
find_package(OpenCV QUIET COMPONENTS core imgproc)
if(ZIMG_FOUND AND OpenCV_FOUND)
  add_executable(upscale_bench upscale_bench.cpp upscale_peers.cpp)
  foreach(room kernels codec gpu exec model core)
    target_sources(upscale_bench PRIVATE $<TARGET_OBJECTS:p2c2r_room_${room}>)
  endforeach()
  target_include_directories(upscale_bench PRIVATE ${PROJECT_SOURCE_DIR}/src
                             ${PROJECT_SOURCE_DIR})
  target_link_libraries(upscale_bench PRIVATE p2c2r_settings ${P2C2R_LINK_LIBRARIES}
                        nlohmann_json::nlohmann_json PkgConfig::ZIMG opencv_core opencv_imgproc)
  target_compile_definitions(upscale_bench PRIVATE P2C2R_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
else()
  message(STATUS "upscale_bench is not built: it needs zimg and OpenCV (libzimg-dev, libopencv-dev)")
endif()
