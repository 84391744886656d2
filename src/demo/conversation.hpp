#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace understudy::demo {

/// What both dialects have in common once parsed.
struct conversation {
  std::string last_user_text;
  std::string first_tool;  ///< empty: the request has no tools
  bool has_tool_result = false;
};

/// True where the answer should be a call of the first tool: the user asks for the weather.
bool wants_tool(const conversation& talk);
/// Arguments of that call, as JSON.
inline constexpr std::string_view tool_arguments = R"({"city":"Reykjavik"})";
/// A few sentences that name who answers.
std::string reply_text(const conversation& talk, std::string_view who);
/// The text cut at its spaces, as a model streams it; joined, the pieces give the text back.
std::vector<std::string> words(std::string_view text);

}  // namespace understudy::demo
