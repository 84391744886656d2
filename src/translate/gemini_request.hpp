#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <understudy/translate/translator.hpp>

/// OpenAI chat completion request → body of Vertex AI's generateContent (spec/gateway-config.md
/// §4.4, §9; reference of the v1 API's GenerateContentRequest).
///
/// Not expressible, and so refused with 422 (or, where the backend may drop, left out and told):
/// audio output, legacy `functions`, tools that are neither functions nor Gemini's own, files by
/// id, more than five stop sequences, `n` above 8, grammars. `web_search_options` becomes the
/// google_search tool. Calls and results carry no ids: Vertex refuses them and pairs by order, so
/// results go out in the order of their calls. A call that comes back without its thought
/// signature gets Google's documented stand-in where the model (Gemini 3) insists on one.
namespace understudy::translate {

/// What the reader of the answer must know of the request.
struct gemini_asked {
  bool has_usage_chunk = false;  ///< `stream_options.include_usage`
  bool is_quoted = false;        ///< the text comes as a JSON string (`guided_regex`)
  bool is_searched = false;      ///< a search tool is offered: sources may come
};

struct gemini_body {
  std::string json;
  gemini_asked asked;
  std::vector<std::string> dropped;
};

/// `model` decides what only some model families take.
base::result<gemini_body, refusal> gemini_request(std::string_view openai_body,
                                                  std::string_view model, bool may_drop);

}  // namespace understudy::translate
