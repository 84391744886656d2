# add_room(NAME [USES room…] [LINKS target…] [PRIVATE_LINKS target…])
# One static library a room, of every source in src/NAME. `tools/check_rooms` holds the includes
# against the same table.
function(add_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LINKS;PRIVATE_LINKS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/src/cli/main.cpp)
  list(TRANSFORM ROOM_USES PREPEND room_)
  if(sources)
    add_library(room_${name} STATIC ${sources})
    compile_in_batches(room_${name})
    target_include_directories(room_${name} PUBLIC ${CMAKE_SOURCE_DIR}/include)
    target_include_directories(room_${name} PRIVATE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(room_${name} PUBLIC understudy_flags Boost::headers ${ROOM_USES}
      ${ROOM_LINKS} PRIVATE ${ROOM_PRIVATE_LINKS})
  else()
    add_library(room_${name} INTERFACE)
    target_include_directories(room_${name} INTERFACE ${CMAKE_SOURCE_DIR}/include)
    target_link_libraries(room_${name} INTERFACE understudy_flags Boost::headers ${ROOM_USES}
      ${ROOM_LINKS} ${ROOM_PRIVATE_LINKS})
  endif()
endfunction()
