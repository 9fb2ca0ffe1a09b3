# Beside Bullet, where it is installed.
find_package(PkgConfig QUIET)
pkg_check_modules(BULLET QUIET IMPORTED_TARGET bullet)
if(BULLET_FOUND)
  add_executable(physics_bench physics_bench.cpp physics_peer.cpp)
  foreach(room kernels codec gpu exec model core)
    target_sources(physics_bench PRIVATE $<TARGET_OBJECTS:p2c2r_room_${room}>)
  endforeach()
  target_include_directories(physics_bench PRIVATE ${PROJECT_SOURCE_DIR}/src
                             ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(physics_bench PRIVATE p2c2r_settings ${P2C2R_LINK_LIBRARIES}
                        nlohmann_json::nlohmann_json PkgConfig::BULLET)
  # Bullet's headers convert freely.
  set_source_files_properties(physics_peer.cpp PROPERTIES COMPILE_OPTIONS "-w")
else()
  message(STATUS "physics_bench is not built: it needs Bullet (libbullet-dev)")
endif()
