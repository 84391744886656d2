#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <understudy/translate/translator.hpp>

/// What a client's request uses, found in one pass without a document: for the capability guard,
/// for first-token timeouts and for what may be done after a broken stream.
namespace understudy::translate {

struct request_features {
  bool stream = false;
  bool tools = false;               ///< offered, or calls and results in the conversation
  bool non_function_tools = false;  ///< provider's own tools: web search, computer use, MCP …
  bool unknown_tools = false;       ///< of these, any that is not Gemini's (`google_search` …)
  bool legacy_functions = false;    ///< OpenAI's `functions`
  bool web_search = false;          ///< OpenAI's `web_search_options`
  bool images = false;
  bool remote_images = false;  ///< named by URL or file id instead of carried
  bool audio = false;          ///< as input
  bool audio_output = false;
  bool files = false;         ///< documents and uploads
  bool remote_files = false;  ///< of these, any named by URL or file id
  bool kept_files = false;    ///< images and files named by an id, files named by URL
  bool tool_media = false;    ///< Responses: images and files as a tool's result
  bool other_parts = false;   ///< content parts of a type that is not known here
  bool json_mode = false;     ///< any valid JSON
  bool json_schema = false;
  bool reasoning = false;  ///< asked for, by whatever name
  bool logprobs = false;
  bool echo = false;          ///< completions: the prompt comes back in the answer
  bool server_state = false;  ///< refers to what one provider keeps (`previous_response_id` …)
  bool ends_with_assistant = false;  ///< the last message is the assistant's
  std::uint32_t n = 1;               ///< choices asked for; `best_of` where it is greater
  std::uint32_t inputs = 1;          ///< prompts of a completion, texts to embed
  std::optional<std::uint64_t> max_tokens;
  /// A quarter of the bytes that are not images, audio or files: rather too many for prose.
  std::uint64_t approximate_input_tokens = 0;
};

/// Nothing when `body` is no JSON object. A member of an unexpected type is as if absent: judging
/// is the provider's. Operations that carry no conversation have only the general members.
std::optional<request_features> scan_features(operation op, std::string_view body);

/// The first feature that this pair can't carry, in the user's words (`tools`, `image URLs`), or
/// nothing. Both what a translator refuses and what it would leave out count, except for hints
/// that leave the answer an answer (seeds, penalties, user, metadata). A pair that does not exist
/// names the operation.
std::optional<std::string> would_drop(const request_features& features, operation op,
                                      schema upstream, operation_set served = {});

inline bool asks_for_reasoning(const request_features& features) { return features.reasoning; }

}  // namespace understudy::translate
