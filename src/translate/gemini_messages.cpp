#include <algorithm>

#include "translate/gemini_builder.hpp"

/// Turns of the conversation. The user's messages and the tools' results between two of the
/// assistant's are one turn, results first: Vertex pairs them with the calls by their order.
namespace understudy::translate {

void gemini_builder::append_content(std::string_view role, json parts) {
  if (parts.empty()) return;
  auto& contents = out_["contents"];
  if (contents.empty() || contents.back()["role"] != role) {
    contents.push_back({{"role", role}, {"parts", std::move(parts)}});
    return;
  }
  for (auto& part : parts) contents.back()["parts"].push_back(std::move(part));
}

void gemini_builder::flush_user() {
  std::ranges::stable_sort(pending_results_, {}, &call_result::order);
  json parts = json::array();
  for (auto& result : pending_results_) parts.push_back(std::move(result.part));
  for (auto& part : pending_parts_) parts.push_back(std::move(part));
  pending_results_.clear();
  pending_parts_ = json::array();
  append_content("user", std::move(parts));
}

bool gemini_builder::add_messages(const json& request) {
  const json* messages = member(request, "messages");
  if (messages == nullptr || !messages->is_array()) return refuse("`messages` is not a list", 400);
  for (const auto& message : *messages)
    if (!add_message(message)) return false;
  flush_user();
  return true;
}

bool gemini_builder::add_message(const json& message) {
  const auto role = text_member(message, "role");
  const json* content = member(message, "content");
  if (role == "user") return add_user(content);
  if (role == "assistant") {
    flush_user();
    return add_assistant(message);
  }
  if (role == "system" || role == "developer") return add_system(content);
  if (role == "tool") return add_tool_result(message);
  return refuse("unexpected role: " + std::string{role});
}

/// Vertex refuses empty texts.
void gemini_builder::append_text(const json& part, std::string_view text, json& parts) {
  if (member(part, "cache_control") != nullptr) tell_dropped("cache_control");
  if (!text.empty()) parts.push_back({{"text", text}});
}

bool gemini_builder::add_system(const json* content) {
  json parts = json::array();
  if (content != nullptr && content->is_string()) {
    append_text(*content, view_of(*content), parts);
  } else if (content != nullptr && content->is_array()) {
    for (const auto& part : *content) {
      if (text_member(part, "type") != "text")
        return refuse("content of a system message may only hold text parts");
      append_text(part, text_member(part, "text"), parts);
    }
  } else {
    return refuse("content of a system message is neither text nor a list");
  }
  for (auto& part : parts) out_["systemInstruction"]["parts"].push_back(std::move(part));
  return true;
}

bool gemini_builder::add_user(const json* content) {
  if (content != nullptr && content->is_string()) {
    append_text(*content, view_of(*content), pending_parts_);
    return true;
  }
  if (content == nullptr || !content->is_array())
    return refuse("content of a user message is neither text nor a list");
  return std::ranges::all_of(*content, [&](const json& part) { return add_user_part(part); });
}

bool gemini_builder::read_text(const json* content, std::string_view role, std::string& text) {
  if (content == nullptr) return true;
  if (content->is_string()) {
    text = view_of(*content);
    return true;
  }
  if (!content->is_array())
    return refuse("content of a " + std::string{role} + " message is neither text nor a list");
  for (const auto& part : *content) {
    if (text_member(part, "type") != "text")
      return refuse("content of a " + std::string{role} + " message may only hold text parts");
    text += text_member(part, "text");
  }
  return true;
}

bool gemini_builder::add_tool_result(const json& message) {
  const auto id = text_member(message, "tool_call_id");
  if (id.empty()) return refuse("a tool message has no tool_call_id");
  const auto call = calls_.find(id);
  if (call == calls_.end())
    return refuse("a tool message answers the call " + std::string{id} +
                  ", which no assistant message has made");
  std::string text;
  if (!read_text(member(message, "content"), "tool", text)) return false;
  auto response = parse_json(text);
  if (!response || !response->is_object()) response = json{{"output", text}};
  pending_results_.push_back(
      {call->second.order,
       {{"functionResponse", {{"name", call->second.name}, {"response", std::move(*response)}}}}});
  return true;
}

}  // namespace understudy::translate
