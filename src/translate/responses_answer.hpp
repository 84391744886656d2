#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/translate/translator.hpp>

#include "translate/json.hpp"

/// The response object of OpenAI's Responses API, written from what a chat has said. Texts are
/// kept as the insides of JSON strings, as they came: nothing is unescaped and escaped again.
namespace understudy::translate {

struct response_part {
  enum class kind : std::uint8_t { text, refusal, reasoning };
  kind what = kind::text;
  std::string text;         ///< inside of a JSON string
  std::string logprobs;     ///< elements of a JSON list
  std::string annotations;  ///< the same
  std::size_t annotation_count = 0;
};

struct response_item {
  enum class kind : std::uint8_t { reasoning, message, call };
  kind what = kind::message;
  std::string id;
  std::vector<response_part> parts;
  std::string call_id, name, arguments;  ///< of a call: insides of JSON strings
  std::string sealed;                    ///< of reasoning: `encrypted_content`
  bool is_open = true;
};

/// Everything of a response object that does not depend on how it went.
struct response_frame {
  std::string suffix;  ///< of all ids: what is the upstream's own in its id
  std::string model;   ///< inside of a JSON string
  std::int64_t created = 0;
  std::string echo;  ///< chat_request::echo
};

/// How an answer stands.
struct response_state {
  std::string_view status = "in_progress";
  std::string_view incomplete_reason;  ///< empty: null
  std::string_view service_tier;       ///< inside of a JSON string; empty: null
  token_usage usage;
};

/// `abc` of `chatcmpl-abc`: letters, digits and `-_.`, at most 64 of them.
std::string id_suffix(std::string_view upstream_id, std::int64_t created);
std::string item_id(const response_item& item, std::string_view suffix, std::size_t index);

void append_part(std::string& out, const response_part& part);
/// With its parts, or `is_empty`: as an item that has just begun.
void append_item(std::string& out, const response_item& item, std::string_view status,
                 bool is_empty = false);
/// `items` null: none yet.
void append_response(std::string& out, const response_frame& frame, const response_state& state,
                     const std::vector<response_item>* items);

/// Status, and the reason where it is incomplete, of a chat's finish reason.
response_state state_of_finish(std::string_view finish_reason);
/// Of the item at `index` once the answer has come to its end: the last one is what was cut off.
std::string_view item_status(const response_state& state, std::size_t index, std::size_t count);

/// A chat's `usage`. What was written to a cache counts as input already.
token_usage chat_usage(std::string_view usage_object);

/// Thinking with its signatures travels through a client as `encrypted_content`: opaque to the
/// client, as the API promises, though nothing in it is secret.
std::string seal_thinking(std::string_view blocks_json);
/// The blocks, when the text is one that seal_thinking() made.
std::optional<json> unseal_thinking(std::string_view sealed);

}  // namespace understudy::translate
