#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <understudy/translate/translator.hpp>

/// OpenAI Responses request → chat completion request (OpenAI's API reference of both).
///
/// The backend keeps nothing, so `store` does not act; what refers to something kept at one
/// provider (`previous_response_id`, `conversation`, `prompt`, `background`, `item_reference`,
/// file ids) is refused with 422, and so are tools that are no functions and the items of their
/// calls. Hints without a word in a chat (`truncation: auto`, `reasoning.summary`, …) are left out
/// and told. Reasoning comes back in where it is an answer of this translator's own
/// (responses_answer.hpp) or is told in plain text.
namespace understudy::translate {

struct chat_request {
  std::string json;
  /// Members of the response object that repeat the request: JSON, without the braces.
  std::string echo;
  bool has_sealed_reasoning = false;  ///< `include` asks for reasoning.encrypted_content
  std::vector<std::string> dropped;
};

base::result<chat_request, refusal> chat_request_of(const request_view& original,
                                                    std::string_view model, bool may_drop);

}  // namespace understudy::translate
