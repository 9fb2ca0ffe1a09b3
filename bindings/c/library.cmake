# The library, shared and static, from the objects of all rooms; its install rules and package files.
# Included by the top CMakeLists.txt once every room is known (room_objects, P2C2R_LINK_LIBRARIES).

# ---- the two forms ----------------------------------------------------------------------------
add_library(p2c2r SHARED ${room_objects})
add_library(p2c2r_static STATIC ${room_objects})
add_library(p2c2r::p2c2r ALIAS p2c2r)
add_library(p2c2r::static ALIAS p2c2r_static)
set_target_properties(p2c2r PROPERTIES
  OUTPUT_NAME p2c2r VERSION ${PROJECT_VERSION} SOVERSION 0 EXPORT_NAME p2c2r
  LINKER_LANGUAGE CXX)
set_target_properties(p2c2r_static PROPERTIES
  OUTPUT_NAME p2c2r EXPORT_NAME static LINKER_LANGUAGE CXX)

# The one target of ours among the private libraries is replaced by what stands behind it, so that
# the package files name only targets that a consumer can find.
get_target_property(p2c2r_msgpack_target p2c2r_msgpack INTERFACE_LINK_LIBRARIES)
set(p2c2r_private_libraries ${P2C2R_LINK_LIBRARIES})
list(TRANSFORM p2c2r_private_libraries REPLACE "^p2c2r_msgpack$" "${p2c2r_msgpack_target}")

foreach(form p2c2r p2c2r_static)
  target_include_directories(${form} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${form} PRIVATE ${p2c2r_private_libraries}
                        $<BUILD_INTERFACE:p2c2r_settings>)
endforeach()
target_compile_definitions(p2c2r_static INTERFACE P2C2R_STATIC)

# ---- what the shared form shows ---------------------------------------------------------------
# exports.map names each exported function, one a line; everything else is local, that of the
# libraries linked into it included. nodelete: threads and thread-local data may outlive a dlclose.
set(p2c2r_exports ${CMAKE_CURRENT_LIST_DIR}/exports.map)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${p2c2r_exports})
file(STRINGS ${p2c2r_exports} p2c2r_export_names REGEX "^p2c2r_")
list(JOIN p2c2r_export_names ";\n    " p2c2r_export_text)
set(p2c2r_version_script ${PROJECT_BINARY_DIR}/p2c2r.version)
file(CONFIGURE OUTPUT ${p2c2r_version_script}
     CONTENT "{\n  global:\n    @p2c2r_export_text@;\n  local:\n    *;\n};\n" @ONLY)
if(CMAKE_SYSTEM_NAME MATCHES "Linux|BSD")
  target_link_options(p2c2r PRIVATE
    "LINKER:--version-script=${p2c2r_version_script}" LINKER:--exclude-libs,ALL LINKER:-z,nodelete
    LINKER:--as-needed)
  if(NOT P2C2R_SANITIZE)  # a sanitizer's runtime is found only in the program
    target_link_options(p2c2r PRIVATE LINKER:-z,defs)
  endif()
  set_property(TARGET p2c2r APPEND PROPERTY LINK_DEPENDS ${p2c2r_version_script})
endif()

# Below another project: what was found here must also be visible where p2c2r::static is linked.
if(NOT PROJECT_IS_TOP_LEVEL)
  foreach(library IN LISTS p2c2r_private_libraries ITEMS ZLIB::ZLIB)
    if(TARGET ${library})
      get_target_property(is_imported ${library} IMPORTED)
      get_target_property(is_global ${library} IMPORTED_GLOBAL)
      if(is_imported AND NOT is_global)
        set_target_properties(${library} PROPERTIES IMPORTED_GLOBAL TRUE)
      endif()
    endif()
  endforeach()
endif()

# ---- install ----------------------------------------------------------------------------------
if(NOT P2C2R_INSTALL)
  return()
endif()
include(CMakePackageConfigHelpers)

# The C++ runtime, for consumers whose own language is C: what the C++ compiler adds by itself.
set(p2c2r_cxx_runtime ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(REMOVE_ITEM p2c2r_cxx_runtime ${CMAKE_C_IMPLICIT_LINK_LIBRARIES})
list(REMOVE_DUPLICATES p2c2r_cxx_runtime)

install(TARGETS p2c2r EXPORT p2c2r_shared
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS p2c2r_static EXPORT p2c2r_static ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/p2c2r DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/src/ATTRIBUTIONS.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(p2c2r_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/p2c2r)
install(EXPORT p2c2r_shared NAMESPACE p2c2r:: FILE p2c2rTargets.cmake
        DESTINATION ${p2c2r_package_dir})
install(EXPORT p2c2r_static NAMESPACE p2c2r:: FILE p2c2rStaticTargets.cmake
        DESTINATION ${p2c2r_package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/cmake/p2c2rConfig.cmake.in
  ${PROJECT_BINARY_DIR}/p2c2rConfig.cmake INSTALL_DESTINATION ${p2c2r_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/p2c2rConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/p2c2rConfig.cmake ${PROJECT_BINARY_DIR}/p2c2rConfigVersion.cmake
        DESTINATION ${p2c2r_package_dir})
if(p2c2r_ipsec_mb)
  install(FILES ${CMAKE_CURRENT_LIST_DIR}/cmake/FindIPSec_MB.cmake DESTINATION ${p2c2r_package_dir})
endif()

# pkg-config, relative to where the file lies, so that an installed tree can be moved.
file(RELATIVE_PATH p2c2r_pc_prefix "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" p2c2r_pc_prefix "${p2c2r_pc_prefix}")
set(p2c2r_pc_requires "libuv libxxhash libturbojpeg libpng libssl libcrypto")
if(p2c2r_zstd)
  string(APPEND p2c2r_pc_requires " libzstd")
endif()
# Libraries that have no dependable .pc file, by their own name; then the C++ runtime.
set(p2c2r_pc_libs "")
foreach(library IN LISTS p2c2r_msgpack_target p2c2r_ipsec_mb ITEMS SPIRV-Tools ${CMAKE_DL_LIBS}
        pthread ${p2c2r_cxx_runtime})
  string(REGEX REPLACE "^.*::|-static$" "" library "${library}")
  if(NOT library MATCHES "^gcc")
    string(APPEND p2c2r_pc_libs " -l${library}")
  endif()
endforeach()
string(STRIP "${p2c2r_pc_libs}" p2c2r_pc_libs)
configure_file(${CMAKE_CURRENT_LIST_DIR}/cmake/p2c2r.pc.in ${PROJECT_BINARY_DIR}/p2c2r.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/p2c2r.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
