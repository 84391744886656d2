# embed_text(TARGET FILE NAMESPACE VARIABLE): compiles FILE into TARGET as
# `extern const std::string_view NAMESPACE::VARIABLE`. Pieces stay below the length that every
# compiler takes for one literal.
function(embed_text target file namespace variable)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} text)
  string(LENGTH "${text}" length)
  set(literals "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8000 piece)
    string(APPEND literals "R\"EMBED(${piece})EMBED\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  if(length EQUAL 0)
    set(literals "\"\"")
  endif()
  set(output ${CMAKE_BINARY_DIR}/embedded/${variable}.cpp)
  file(CONFIGURE OUTPUT ${output} @ONLY CONTENT
"#include <string_view>
namespace @namespace@ {
extern const std::string_view @variable@;
const std::string_view @variable@{
@literals@};
}
")
  target_sources(${target} PRIVATE ${output})
endfunction()

# embed_page(TARGET FOLDER NAMESPACE VARIABLE SCRIPTS…): index.html with style.css between its
# <style></style> and the scripts, in their order, between its <script></script>: one text, as above.
function(embed_page target folder namespace variable)
  file(READ ${folder}/index.html page)
  file(READ ${folder}/style.css style)
  set(script "")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/index.html
    ${folder}/style.css)
  foreach(name ${ARGN})
    file(READ ${folder}/${name} piece)
    string(APPEND script "${piece}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${name})
  endforeach()
  string(REPLACE "<style></style>" "<style>${style}</style>" page "${page}")
  string(REPLACE "<script></script>" "<script>${script}</script>" page "${page}")
  set(whole ${CMAKE_BINARY_DIR}/embedded/${variable}.html)
  file(CONFIGURE OUTPUT ${whole} @ONLY CONTENT "${page}")
  embed_text(${target} ${whole} ${namespace} ${variable})
endfunction()
