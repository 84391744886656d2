#include "translate/chat_message.hpp"

namespace understudy::translate {

void chat_message::add_thinking(std::string_view thought, std::string_view signature) {
  reasoning += thought;
  thinking_blocks.push_back(
      {{"type", "thinking"}, {"thinking", thought}, {"signature", signature}});
}

void chat_message::add_redacted(std::string_view data) {
  thinking_blocks.push_back({{"type", "redacted_thinking"}, {"data", data}});
}

void chat_message::add_call(std::string_view id, std::string_view name, const json* input) {
  tool_calls.push_back(
      {{"id", id},
       {"type", "function"},
       {"function", {{"name", name}, {"arguments", input == nullptr ? "{}" : dump_json(*input)}}}});
}

json chat_message::take() {
  const bool has_calls = !tool_calls.empty();
  json out{{"role", "assistant"}};
  if (text.empty() && has_calls)
    out["content"] = nullptr;
  else
    out["content"] = std::move(text);
  if (!reasoning.empty()) out["reasoning_content"] = std::move(reasoning);
  if (!thinking_blocks.empty()) out["thinking_blocks"] = std::move(thinking_blocks);
  if (!annotations.empty()) out["annotations"] = std::move(annotations);
  if (has_calls) out["tool_calls"] = std::move(tool_calls);
  return out;
}

}  // namespace understudy::translate
