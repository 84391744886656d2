#pragma once
#include <string>
#include <string_view>

#include "translate/json.hpp"

/// The assistant's message of a chat completion, gathered from another vendor's content blocks.
namespace understudy::translate {

struct chat_message {
  std::string text;
  std::string reasoning;
  json thinking_blocks = json::array();
  json tool_calls = json::array();
  json annotations = json::array();

  void add_thinking(std::string_view thought, std::string_view signature);
  void add_redacted(std::string_view data);
  /// `input`: an object, or null for none.
  void add_call(std::string_view id, std::string_view name, const json* input);
  /// Once.
  json take();
};

}  // namespace understudy::translate
