#pragma once
#include <string_view>

#include <understudy/codec/json_cursor.hpp>

/// One chunk of a streamed chat completion, read in one pass over its bytes and without a document.
/// All views are values as they are written, quotes and brackets included; empty: absent.
namespace understudy::translate {

struct chat_chunk_delta {
  std::string_view content;  ///< a string, or a list of parts
  std::string_view reasoning_content, reasoning, thinking_blocks, refusal, tool_calls, annotations;

  /// Two names of one thing; some servers write both.
  std::string_view thought() const;
};

struct chat_chunk_choice {
  bool is_there = false;
  std::string_view index, logprobs;
  std::string_view finish_reason, stop_reason, matched_stop;  ///< strings
  chat_chunk_delta delta;

  /// Reads the value that the cursor stands on, and passes over it. What is no object isn't there.
  void read(codec::json_cursor& at);
};

struct chat_chunk {
  std::string_view id, model, created;
  std::string_view service_tier;  ///< a string
  std::string_view usage;         ///< an object
  std::string_view error;         ///< not null
  std::string_view choices;       ///< a list
  chat_chunk_choice first_choice;

  /// False when `text` is no well-formed JSON. One that is no object has no members.
  bool read(std::string_view text);
};

/// An element of `tool_calls`. `id`, `name` and `arguments` are strings that hold something.
struct chat_call_delta {
  bool is_object = false;
  std::string_view index;  ///< a number
  std::string_view id, name, arguments;

  /// Reads the value that the cursor stands on, and passes over it.
  void read(codec::json_cursor& at);
};

}  // namespace understudy::translate
