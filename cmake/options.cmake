option(UNDERSTUDY_TESTS "build the unit tests" ON)
option(UNDERSTUDY_FUZZ "build the libFuzzer targets (clang only)" OFF)
option(UNDERSTUDY_WERROR "warnings are errors" OFF)
option(UNDERSTUDY_UNITY "compile four sources of a room at a time; ON in release builds" OFF)
set(UNDERSTUDY_SANITIZE "" CACHE STRING "address,undefined | thread | empty")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

include(CheckCXXCompilerFlag)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  check_cxx_compiler_flag(-fcf-protection=full UNDERSTUDY_HAS_CET)
endif()

add_library(understudy_flags INTERFACE)
target_compile_options(understudy_flags INTERFACE
  -Wall -Wextra -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  $<$<BOOL:${UNDERSTUDY_WERROR}>:-Werror>
  -fstack-protector-strong -fstack-clash-protection
  # Indirect branches of x86-64 land where they are meant to (CET). Whether the whole binary carries
  # the mark for it is the start-up objects' business, which Debian's don't.
  $<$<BOOL:${UNDERSTUDY_HAS_CET}>:-fcf-protection=full>)
target_link_options(understudy_flags INTERFACE
  -Wl,-z,relro,-z,now,-z,noexecstack $<$<CONFIG:Release>:-Wl,--gc-sections>)
# Ubuntu's compiler sets a FORTIFY level of its own: replace it rather than collide with it.
target_compile_options(understudy_flags INTERFACE
  $<$<CONFIG:Release>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -ffunction-sections>)
target_compile_definitions(understudy_flags INTERFACE
  $<$<NOT:$<CONFIG:Release>>:_GLIBCXX_ASSERTIONS>
  UNDERSTUDY_VERSION="${PROJECT_VERSION}")
if(UNDERSTUDY_SANITIZE)
  target_compile_options(understudy_flags INTERFACE
    -fsanitize=${UNDERSTUDY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(understudy_flags INTERFACE -fsanitize=${UNDERSTUDY_SANITIZE})
endif()
if(UNDERSTUDY_FUZZ)
  target_compile_options(understudy_flags INTERFACE
    -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer
    -fno-sanitize-recover=undefined)
  target_link_options(understudy_flags INTERFACE -fsanitize=address,undefined)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()
# -O2 builds quicker than the -O3 that is the default.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

# Half of a cold build is reading the same headers: four sources of a room are compiled as one. So
# that any four can stand together, names are unique in a whole room, in unnamed namespaces too.
# The preset for development compiles file by file: a change costs one of them, and a source that
# lives on its neighbour's includes is found.
function(compile_in_batches target)
  if(UNDERSTUDY_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 4)
    # g++ takes a source that is included for a header, where such members would be a mistake.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

find_program(CCACHE ccache)
if(CCACHE AND NOT DEFINED ENV{UNDERSTUDY_NO_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# g++ takes Asio's recycling of coroutine frames for a mismatched delete, in this file's inlining.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set_source_files_properties(src/credentials/store.cpp PROPERTIES
    COMPILE_OPTIONS -Wno-mismatched-new-delete)
endif()
