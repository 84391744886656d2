#pragma once
#include <optional>

#include "translate/json.hpp"

/// Citations of Converse (`Citation` and `CitationsDelta` of its model) in Anthropic's and OpenAI's
/// words.
namespace understudy::translate {

/// One of the `citations` of a text block; nothing where it names no place.
std::optional<json> anthropic_citation(const json& converse);

/// `{url, title}` of a page on the web; those of the client's own documents have no counterpart.
std::optional<json> url_citation(const json& converse);

}  // namespace understudy::translate
