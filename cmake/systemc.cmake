# Debian's SystemC 2.3.4 has no CMake package. It was built as C++17, and its headers check that the
# program agrees: SC_CPLUSPLUS says so for our C++20 build.
find_path(SYSTEMC_INCLUDE_DIR systemc.h REQUIRED)
find_library(SYSTEMC_LIBRARY systemc REQUIRED)
add_library(systemc::systemc UNKNOWN IMPORTED)
set_target_properties(systemc::systemc PROPERTIES
  IMPORTED_LOCATION ${SYSTEMC_LIBRARY}
  INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${SYSTEMC_INCLUDE_DIR}
  INTERFACE_COMPILE_DEFINITIONS "SC_CPLUSPLUS=201703L;SC_INCLUDE_DYNAMIC_PROCESSES")
