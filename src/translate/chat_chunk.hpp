#pragma once
#include <string_view>

#include <understudy/codec/json_cursor.hpp>

/// One chunk of a streamed chat completion, read in one pass over its bytes and without a document.
/// All views are values as they are written, quotes and brackets included; empty: absent.
namespace understudy::translate {

struct chat_chunk {
  struct delta_members {
    std::string_view content;  ///< a string, or a list of parts
    std::string_view reasoning_content, reasoning, thinking_blocks, refusal, tool_calls;
  };
  struct first_choice {
    bool is_there = false;
    std::string_view finish_reason, stop_reason, matched_stop;
    delta_members delta;
  };

  std::string_view id, model, service_tier;
  std::string_view usage;  ///< an object
  bool has_error = false;  ///< an `error` that is not null
  first_choice choice;

  /// False when `text` is no well-formed JSON. One that is no object has no members.
  bool read(std::string_view text);

 private:
  void read_choices(codec::json_cursor& at);
  void read_choice(codec::json_cursor& at);
  void read_delta(codec::json_cursor& at);
};

}  // namespace understudy::translate
