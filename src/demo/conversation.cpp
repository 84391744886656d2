#include "demo/conversation.hpp"

#include <understudy/base/ascii.hpp>

namespace understudy::demo {

bool wants_tool(const conversation& talk) {
  return !talk.first_tool.empty() && !talk.has_tool_result &&
         base::lower(talk.last_user_text).find("weather") != std::string::npos;
}

std::string reply_text(const conversation& talk, std::string_view who) {
  constexpr std::size_t max_quoted_bytes = 60;
  std::string text = "Hello from the " + std::string{who} + ".";
  if (talk.has_tool_result) return text + " Thank you for the tool's result: mild, light wind.";
  if (talk.last_user_text.empty()) return text;
  if (talk.last_user_text.size() > max_quoted_bytes) return text + " That was a long question.";
  return text + " You said: \"" + talk.last_user_text + "\".";
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const auto space = text.find(' ');
    const auto length = space == std::string_view::npos ? text.size() : space + 1;
    pieces.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return pieces;
}

}  // namespace understudy::demo
