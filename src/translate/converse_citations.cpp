#include "translate/converse_citations.hpp"

#include <array>
#include <utility>

namespace understudy::translate {
namespace {

/// A place inside a document or a search result: its name there and here.
struct place {
  const char* name;
  const char* type;
  std::pair<const char*, const char*> index, start, end;
};

constexpr std::array places{
    place{"documentChar",
          "char_location",
          {"documentIndex", "document_index"},
          {"start", "start_char_index"},
          {"end", "end_char_index"}},
    place{"documentPage",
          "page_location",
          {"documentIndex", "document_index"},
          {"start", "start_page_number"},
          {"end", "end_page_number"}},
    place{"documentChunk",
          "content_block_location",
          {"documentIndex", "document_index"},
          {"start", "start_block_index"},
          {"end", "end_block_index"}},
    place{"searchResultLocation",
          "search_result_location",
          {"searchResultIndex", "search_result_index"},
          {"start", "start_block_index"},
          {"end", "end_block_index"}},
};

std::string cited_text(const json& converse) {
  std::string out;
  if (const json* parts = member(converse, "sourceContent"); parts && parts->is_array())
    for (const auto& part : *parts) out += text_member(part, "text");
  return out;
}

json number_in(const json& location, const char* name) {
  const json* found = member(location, name);
  return found != nullptr && found->is_number_integer() ? *found : json(0);
}

}  // namespace

std::optional<json> anthropic_citation(const json& converse) {
  const json* where = member(converse, "location");
  if (where == nullptr) return std::nullopt;
  const auto title = text_member(converse, "title");
  const json titled = title.empty() ? json(nullptr) : json(title);
  if (const json* web = member(*where, "web"))
    return json{{"type", "web_search_result_location"},
                {"cited_text", cited_text(converse)},
                {"url", text_member(*web, "url")},
                {"title", titled},
                {"encrypted_index", ""}};
  for (const auto& known : places) {
    const json* at = member(*where, known.name);
    if (at == nullptr) continue;
    json out{{"type", known.type}, {"cited_text", cited_text(converse)}};
    for (const auto& [theirs, ours] : {known.index, known.start, known.end})
      out[ours] = number_in(*at, theirs);
    if (out.contains("search_result_index")) {
      out["source"] = text_member(converse, "source");
      out["title"] = titled;
    } else {
      out["document_title"] = titled;
    }
    return out;
  }
  return std::nullopt;
}

std::optional<json> url_citation(const json& converse) {
  const json* where = member(converse, "location");
  const json* web = where == nullptr ? nullptr : member(*where, "web");
  const auto url = web == nullptr ? std::string_view{} : text_member(*web, "url");
  if (url.empty()) return std::nullopt;
  return json{{"url", url}, {"title", text_member(converse, "title")}};
}

}  // namespace understudy::translate
