# Intel's Multi-Buffer Crypto library, which brings no package file of its own: IPSec_MB::IPSec_MB,
# IPSec_MB_FOUND and IPSec_MB_VERSION. Installed beside p2c2rConfig.cmake, for those who link
# p2c2r::static.
find_path(IPSec_MB_INCLUDE_DIR intel-ipsec-mb.h)
find_library(IPSec_MB_LIBRARY IPSec_MB)
mark_as_advanced(IPSec_MB_INCLUDE_DIR IPSec_MB_LIBRARY)
if(IPSec_MB_INCLUDE_DIR)
  file(STRINGS ${IPSec_MB_INCLUDE_DIR}/intel-ipsec-mb.h IPSec_MB_version_line
       REGEX "define IMB_VERSION_STR")
  string(REGEX MATCH "[0-9]+\\.[0-9]+(\\.[0-9]+)?" IPSec_MB_VERSION "${IPSec_MB_version_line}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(IPSec_MB VERSION_VAR IPSec_MB_VERSION
                                  REQUIRED_VARS IPSec_MB_LIBRARY IPSec_MB_INCLUDE_DIR)
if(IPSec_MB_FOUND AND NOT TARGET IPSec_MB::IPSec_MB)
  add_library(IPSec_MB::IPSec_MB UNKNOWN IMPORTED)
  set_target_properties(IPSec_MB::IPSec_MB PROPERTIES
    IMPORTED_LOCATION "${IPSec_MB_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${IPSec_MB_INCLUDE_DIR}")
endif()
