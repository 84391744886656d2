# Everything is a distribution package (Debian 12 and 13, Ubuntu 24.04); `./dev` installs them.
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Boost 1.81 QUIET)
if(NOT Boost_FOUND)
  message(FATAL_ERROR
    "Boost 1.81 or newer is needed (1.74 does not compile coroutines). "
    "On Debian 12: apt-get install libboost1.81-dev. ./dev build does it for you.")
endif()
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)

function(dependency name)
  add_library(deps_${name} INTERFACE)
  target_link_libraries(deps_${name} INTERFACE ${ARGN})
  add_library(deps::${name} ALIAS deps_${name})
endfunction()

# yaml-cpp 0.7 (Debian 12) has no namespaced target.
if(TARGET yaml-cpp::yaml-cpp)
  dependency(yaml yaml-cpp::yaml-cpp)
else()
  dependency(yaml yaml-cpp)
endif()
dependency(json nlohmann_json::nlohmann_json)
dependency(spdlog spdlog::spdlog)
dependency(cli11 CLI11::CLI11)
dependency(re2 PkgConfig::RE2)
dependency(crypto OpenSSL::Crypto)
dependency(asio Boost::headers OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
# g++ 12 mistakes the frames that Asio recycles for memory of another allocator.
target_compile_options(deps_asio INTERFACE
  $<$<CXX_COMPILER_ID:GNU>:-Wno-mismatched-new-delete>)
# Asio and Beast are compiled once, in the lowest room with them: src/credentials/{asio,beast}.cpp.
target_compile_definitions(deps_asio INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_BOOST_COROUTINE
  # Frames come from operator new, whose cache knows their sizes. Two are kept by Asio for the waits
  # within a stream; more, and it hands the large frames of a request to the small one that waits
  # for the next, for as long as that takes.
  BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN
  BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=2)
