#include <array>

#include <understudy/codec/text.hpp>

#include "translate/converse_builder.hpp"

namespace understudy::translate {
namespace {

json text_block(std::string_view text) { return {{"text", text}}; }

void append_text(std::string_view text, json& blocks) {
  if (!is_blank(text)) blocks.push_back(text_block(text));
}

/// `png` of `image/png`, or empty.
std::string_view image_format_of_mime(std::string_view mime) {
  struct entry {
    std::string_view mime, format;
  };
  constexpr std::array known{entry{"image/png", "png"}, entry{"image/jpeg", "jpeg"},
                             entry{"image/jpg", "jpeg"}, entry{"image/gif", "gif"},
                             entry{"image/webp", "webp"}};
  for (const auto& e : known)
    if (base::iequals(e.mime, mime)) return e.format;
  return {};
}

}  // namespace

void append_cache_point(const json& part, json& blocks) {
  const json* control = member(part, "cache_control");
  if (control == nullptr || text_member(*control, "type") != "ephemeral") return;
  json point{{"type", "default"}};
  if (text_member(*control, "ttl") == "1h") point["ttl"] = "1h";
  blocks.push_back({{"cachePoint", std::move(point)}});
}

/// Converse refuses two messages of one role in a row and messages without content.
void converse_builder::append(std::string_view role, json blocks) {
  if (blocks.empty()) return;
  auto& messages = out_["messages"];
  if (messages.empty() || messages.back()["role"] != role) {
    messages.push_back({{"role", role}, {"content", std::move(blocks)}});
    return;
  }
  for (auto& block : blocks) messages.back()["content"].push_back(std::move(block));
}

bool converse_builder::add_messages(const json& request) {
  const json* messages = member(request, "messages");
  if (messages == nullptr || !messages->is_array()) return refuse("`messages` is not a list", 400);
  for (const auto& message : *messages)
    if (!add_message(message)) return false;
  return true;
}

bool converse_builder::add_message(const json& message) {
  static const json none = nullptr;
  const auto role = text_member(message, "role");
  const json* content = member(message, "content");
  if (content == nullptr) content = &none;
  if (role != "tool" && is_asked_for(message, "name")) losses_.drop("name");
  if (role == "user") return add_user(*content);
  if (role == "assistant") return add_assistant(message);
  if (role == "system" || role == "developer") return add_system(*content);
  if (role == "tool") return add_tool_result(message);
  return refuse("unexpected role: " + std::string{role});
}

bool converse_builder::add_text_parts(const json& content, std::string_view role, json& blocks) {
  if (content.is_string()) {
    append_text(view_of(content), blocks);
    return true;
  }
  if (!content.is_array())
    return refuse("content of a " + std::string{role} + " message is neither text nor a list");
  for (const auto& part : content) {
    if (text_member(part, "type") != "text")
      return refuse("content of a " + std::string{role} + " message may only hold text parts");
    const auto text = text_member(part, "text");
    if (is_blank(text)) continue;
    blocks.push_back(text_block(text));
    append_cache_point(part, blocks);
  }
  return true;
}

bool converse_builder::add_system(const json& content) {
  json blocks = json::array();
  if (!add_text_parts(content, "system", blocks)) return false;
  for (auto& block : blocks) out_["system"].push_back(std::move(block));
  return true;
}

bool converse_builder::add_user(const json& content) {
  json blocks = json::array();
  if (content.is_string()) {
    append_text(view_of(content), blocks);
  } else if (content.is_array()) {
    for (const auto& part : content)
      if (!add_user_part(part, blocks)) return false;
  } else {
    return refuse("content of a user message is neither text nor a list");
  }
  append("user", std::move(blocks));
  return true;
}

bool converse_builder::add_user_part(const json& part, json& blocks) {
  const auto type = text_member(part, "type");
  if (type == "text") {
    const auto text = text_member(part, "text");
    if (is_blank(text)) return true;
    blocks.push_back(text_block(text));
  } else if (type == "image_url") {
    if (!add_image(part, blocks)) return false;
  } else {
    return lose(type,
                "content part of type " + std::string{type} + " is not supported by this backend");
  }
  append_cache_point(part, blocks);
  return true;
}

bool converse_builder::add_image(const json& part, json& blocks) {
  const json* image = member(part, "image_url");
  const auto url = image == nullptr ? std::string_view{} : text_member(*image, "url");
  const auto comma = url.find(',');
  if (!base::istarts_with(url, "data:") || comma == std::string_view::npos)
    return lose("image_url",
                "invalid image data URI: this backend takes images only as data: URIs");
  const auto detail = text_member(*image, "detail");
  if (!detail.empty() && detail != "auto") losses_.drop("detail");
  const auto header = url.substr(5, comma - 5);
  const auto mime = header.substr(0, header.find(';'));
  const auto data = url.substr(comma + 1);
  const bool is_base64 = base::lower(header).ends_with(";base64") && codec::is_base64(data);
  if (!is_base64 || data.empty()) return refuse("invalid image data URI: not base64");
  const auto format = image_format_of_mime(mime);
  if (format.empty()) return lose("image_url", "unsupported image format " + std::string{mime});
  blocks.push_back({{"image", {{"format", format}, {"source", {{"bytes", data}}}}}});
  return true;
}

bool converse_builder::add_assistant(const json& message) {
  json blocks = json::array();
  // What our own answers carry beside the text comes back first, as the model gave it.
  const json* thoughts = member(message, "thinking_blocks");
  if (thoughts != nullptr && is_signed_by_google(message)) {
    losses_.drop("thinking_blocks");
  } else if (thoughts != nullptr && thoughts->is_array()) {
    for (const auto& thought : *thoughts)
      if (!add_thinking(thought, blocks)) return false;
  }
  const json* content = member(message, "content");
  if (content != nullptr && content->is_string()) {
    append_text(view_of(*content), blocks);
  } else if (content != nullptr && content->is_array()) {
    for (const auto& part : *content)
      if (!add_assistant_part(part, blocks)) return false;
  } else if (content != nullptr) {
    return refuse("content of an assistant message is neither text nor a list");
  }
  for (const char* name : {"audio", "function_call"})
    if (is_asked_for(message, name) &&
        !lose(name, std::string{"`"} + name + "` in an assistant message is not supported"))
      return false;
  append_text(text_member(message, "refusal"), blocks);
  if (!add_tool_calls(message, blocks)) return false;
  append("assistant", std::move(blocks));
  return true;
}

bool converse_builder::add_assistant_part(const json& part, json& blocks) {
  const auto type = text_member(part, "type");
  if (type == "thinking" || type == "redacted_thinking") {
    if (!add_thinking(part, blocks)) return false;
  } else if (type == "text" || type == "refusal") {
    const auto text = text_member(part, type == "text" ? "text" : "refusal");
    if (is_blank(text)) return true;
    blocks.push_back(text_block(text));
  } else {
    return lose(type, "content part of type " + std::string{type} + " in an assistant message");
  }
  append_cache_point(part, blocks);
  return true;
}

bool converse_builder::add_thinking(const json& part, json& blocks) {
  if (text_member(part, "type") == "redacted_thinking") {
    const auto data = text_member(part, "data");
    if (data.empty() || !codec::is_base64(data))
      return refuse("`data` of redacted thinking is not base64");
    blocks.push_back({{"reasoningContent", {{"redactedContent", data}}}});
    return true;
  }
  auto text = text_member(part, "thinking");
  if (text.empty()) text = text_member(part, "text");
  json value{{"text", text}};
  if (const auto signature = text_member(part, "signature"); !signature.empty())
    value["signature"] = signature;
  // Claude accepts only signed thinking back; without text and signature there is nothing to say.
  const bool is_signed = value.contains("signature");
  if (is_claude_ && !is_signed)
    losses_.drop("thinking_blocks");
  else if (!text.empty() || is_signed)
    blocks.push_back({{"reasoningContent", {{"reasoningText", std::move(value)}}}});
  return true;
}

bool converse_builder::add_tool_calls(const json& message, json& blocks) {
  const json* calls = member(message, "tool_calls");
  if (calls == nullptr) return true;
  if (!calls->is_array()) return refuse("`tool_calls` is not a list", 400);
  for (const auto& call : *calls) {
    const json* function = member(call, "function");
    if (function == nullptr) {
      if (!lose("tool_calls", "a tool call that is no function call")) return false;
      continue;
    }
    const auto id = text_member(call, "id");
    if (id.empty()) return refuse("a tool call has no id");
    const auto name = text_member(*function, "name");
    const auto arguments = text_member(*function, "arguments");
    std::optional<json> input = json::object();
    if (!is_blank(arguments)) input = parse_json(arguments);
    if (!input || !input->is_object())
      return refuse("arguments of the tool call " + std::string{id} + " are not a JSON object");
    blocks.push_back(
        {{"toolUse", {{"name", name}, {"toolUseId", id}, {"input", std::move(*input)}}}});
    used_tools_.emplace_back(name);
    has_tool_history_ = true;
  }
  return true;
}

bool converse_builder::add_tool_result(const json& message) {
  const auto id = text_member(message, "tool_call_id");
  if (id.empty()) return refuse("a tool message has no tool_call_id");
  json content = json::array();
  const json* given = member(message, "content");
  if (given != nullptr && !add_text_parts(*given, "tool", content)) return false;
  json points = json::array();
  json texts = json::array();
  for (auto& block : content) (block.contains("cachePoint") ? points : texts).push_back(block);
  // A result of nothing: Converse wants at least one block, and no blank text.
  if (texts.empty()) texts.push_back({{"text", "(empty)"}});
  json blocks = json::array();
  blocks.push_back({{"toolResult", {{"toolUseId", id}, {"content", std::move(texts)}}}});
  for (auto& point : points) blocks.push_back(std::move(point));
  append_cache_point(message, blocks);
  append("user", std::move(blocks));
  has_tool_history_ = true;
  return true;
}

}  // namespace understudy::translate
