#include <understudy/codec/text.hpp>

#include "translate/anthropic_builder.hpp"

namespace understudy::translate {

void append_text_block(std::string_view text, json& blocks) {
  if (!is_blank(text)) blocks.push_back({{"type", "text"}, {"text", text}});
}

void keep_cache_control(const json& from, json& block) {
  const json* control = member(from, "cache_control");
  if (control == nullptr || text_member(*control, "type") != "ephemeral") return;
  json kept{{"type", "ephemeral"}};
  if (const auto ttl = text_member(*control, "ttl"); !ttl.empty()) kept["ttl"] = ttl;
  block["cache_control"] = std::move(kept);
}

bool is_id_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

std::string tool_id(std::string_view id) {
  std::string out;
  for (const char c : id)
    if (is_id_character(c))
      out += c;
    else
      out += "_" + codec::hex({&c, 1});
  return out;
}

/// Two messages of one role become one. Results of tools stand before anything else that the user
/// says: Anthropic wants them right behind the calls.
void anthropic_builder::append(std::string_view role, json blocks) {
  if (blocks.empty()) return;
  if (messages_.empty() || messages_.back()["role"] != role) {
    messages_.push_back({{"role", role}, {"content", std::move(blocks)}});
    return;
  }
  auto& content = messages_.back()["content"];
  auto at = content.end();
  if (text_member(blocks.front(), "type") == "tool_result") {
    at = content.begin();
    while (at != content.end() && text_member(*at, "type") == "tool_result") ++at;
  }
  content.insert(at, blocks.begin(), blocks.end());
}

bool anthropic_builder::add_messages(const json& request) {
  const json* messages = member(request, "messages");
  if (messages == nullptr || !messages->is_array()) return refuse("`messages` is not a list", 400);
  for (const auto& message : *messages)
    if (!add_message(message)) return false;
  trim_prefill();
  return true;
}

/// Anthropic refuses a begin of the answer that ends in white space.
void anthropic_builder::trim_prefill() {
  if (messages_.empty() || messages_.back()["role"] != "assistant") return;
  auto& last = messages_.back()["content"].back();
  if (text_member(last, "type") != "text") return;
  const auto text = text_member(last, "text");
  last["text"] = std::string{text.substr(0, text.find_last_not_of(" \t\r\n\v\f") + 1)};
}

bool anthropic_builder::add_message(const json& message) {
  static const json none = nullptr;
  const auto role = text_member(message, "role");
  if (role == "user") {
    const json* content = member(message, "content");
    return add_user(content == nullptr ? none : *content);
  }
  if (role == "assistant") return add_assistant(message);
  if (role == "system" || role == "developer") return add_system(message);
  if (role == "tool") return add_tool_result(message);
  return refuse("unexpected role: " + std::string{role});
}

bool anthropic_builder::add_system(const json& message) {
  const json* content = member(message, "content");
  json blocks = json::array();
  if (content != nullptr && content->is_array())
    for (const auto& part : *content)
      if (text_member(part, "type") != "text")
        return refuse("content of a system message may only hold text parts");
  if (content == nullptr) return refuse("content of a system message is neither text nor a list");
  if (!add_content(*content, "system", blocks)) return false;
  if (!blocks.empty()) keep_cache_control(message, blocks.back());
  system_.insert(system_.end(), blocks.begin(), blocks.end());
  return true;
}

/// A text, or a list of parts.
bool anthropic_builder::add_content(const json& content, std::string_view role, json& blocks) {
  if (content.is_string()) {
    append_text_block(view_of(content), blocks);
    return true;
  }
  if (!content.is_array())
    return refuse("content of a " + std::string{role} + " message is neither text nor a list");
  for (const auto& part : content)
    if (!add_part(part, role, blocks)) return false;
  return true;
}

bool anthropic_builder::add_user(const json& content) {
  json blocks = json::array();
  if (!add_content(content, "user", blocks)) return false;
  append("user", std::move(blocks));
  return true;
}

bool anthropic_builder::add_assistant(const json& message) {
  json blocks = json::array();
  // What our own answers carry beside the text comes back first, as the model gave it.
  add_thinking_blocks(message, blocks);
  const json* content = member(message, "content");
  if (content != nullptr && content->is_string()) {
    append_text_block(view_of(*content), blocks);
  } else if (content != nullptr && content->is_array()) {
    for (const auto& part : *content)
      if (!add_assistant_part(part, blocks)) return false;
  } else if (content != nullptr) {
    return refuse("content of an assistant message is neither text nor a list");
  }
  append_text_block(text_member(message, "refusal"), blocks);
  if (member(message, "audio") != nullptr &&
      !lose("audio", "earlier audio of the assistant is not supported by this backend"))
    return false;
  if (member(message, "function_call") != nullptr &&
      !lose("function_call", "`function_call` is not supported by this backend"))
    return false;
  if (!add_tool_calls(message, blocks)) return false;
  if (!blocks.empty()) keep_cache_control(message, blocks.back());
  append("assistant", std::move(blocks));
  return true;
}

bool anthropic_builder::add_assistant_part(const json& part, json& blocks) {
  const auto type = text_member(part, "type");
  if (type == "thinking" || type == "redacted_thinking") {
    auto text = text_member(part, "thinking");
    if (text.empty()) text = text_member(part, "text");
    add_thinking(part, text, blocks);
    return true;
  }
  if (type != "text" && type != "refusal")
    return refuse("content part of type " + std::string{type} + " in an assistant message");
  const auto text = text_member(part, type == "text" ? "text" : "refusal");
  if (is_blank(text)) return true;
  append_text_block(text, blocks);
  keep_cache_control(part, blocks.back());
  return true;
}

void anthropic_builder::add_thinking_blocks(const json& message, json& blocks) {
  const json* thoughts = member(message, "thinking_blocks");
  if (thoughts == nullptr || !thoughts->is_array()) return;
  if (is_signed_by_google(message)) return drop("thinking_blocks");
  // A stream's text came as `reasoning_content`, and its one block with the signature alone.
  const auto reasoning = text_member(message, "reasoning_content");
  for (const auto& thought : *thoughts) {
    auto text = text_member(thought, "thinking");
    if (text.empty() && thoughts->size() == 1) text = reasoning;
    add_thinking(thought, text, blocks);
  }
}

/// Only signed thinking is accepted back; other vendors' has no signature.
void anthropic_builder::add_thinking(const json& part, std::string_view text, json& blocks) {
  if (text_member(part, "type") == "redacted_thinking") {
    if (const auto data = text_member(part, "data"); !data.empty())
      blocks.push_back({{"type", "redacted_thinking"}, {"data", data}});
    return;
  }
  const auto signature = text_member(part, "signature");
  if (signature.empty()) return drop("thinking_blocks");
  blocks.push_back({{"type", "thinking"}, {"thinking", text}, {"signature", signature}});
}

bool anthropic_builder::add_tool_calls(const json& message, json& blocks) {
  const json* calls = member(message, "tool_calls");
  if (calls == nullptr) return true;
  if (!calls->is_array()) return refuse("`tool_calls` is not a list", 400);
  for (const auto& call : *calls) {
    const json* function = member(call, "function");
    if (function == nullptr) return refuse("a tool call that is no function call");
    const auto id = text_member(call, "id");
    if (id.empty()) return refuse("a tool call has no id");
    const auto name = text_member(*function, "name");
    const auto arguments = text_member(*function, "arguments");
    std::optional<json> input = json::object();
    if (!is_blank(arguments)) input = parse_json(arguments);
    if (!input || !input->is_object())
      return refuse("arguments of the tool call " + std::string{id} + " are not a JSON object");
    blocks.push_back(
        {{"type", "tool_use"}, {"id", tool_id(id)}, {"name", name}, {"input", std::move(*input)}});
    keep_cache_control(call, blocks.back());
    used_tools_.emplace_back(name);
  }
  return true;
}

namespace {

/// OpenAI has no word for it: a result that is an object with an `error` is taken for one.
bool is_error_result(const json& message) {
  if (const json* said = member(message, "is_error")) return *said == true;
  const auto text = text_member(message, "content");
  const auto error = codec::find_member(text, "error");
  if (!error || error->kind == codec::json_kind::null || error->text == "false" ||
      error->text == R"("")")
    return false;
  return !codec::check_json(text);
}

}  // namespace

bool anthropic_builder::add_tool_result(const json& message) {
  const auto id = text_member(message, "tool_call_id");
  if (id.empty()) return refuse("a tool message has no tool_call_id");
  json content = json::array();
  const json* given = member(message, "content");
  if (given != nullptr && !add_content(*given, "tool", content)) return false;
  json result{{"type", "tool_result"}, {"tool_use_id", tool_id(id)}};
  // The mark stands on the result: what is inside it can't be cached apart.
  for (auto& block : content) {
    keep_cache_control(block, result);
    block.erase("cache_control");
  }
  keep_cache_control(message, result);
  if (!content.empty()) result["content"] = std::move(content);
  if (is_error_result(message)) result["is_error"] = true;
  append("user", json::array({std::move(result)}));
  return true;
}

}  // namespace understudy::translate
