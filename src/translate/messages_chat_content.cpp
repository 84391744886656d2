#include <understudy/base/ascii.hpp>

#include "translate/messages_chat_builder.hpp"

namespace understudy::translate {
namespace {

bool is_enabled(const json& block, const char* name) {
  const json* found = member(block, name);
  if (found == nullptr) return false;
  if (found->is_array()) return !found->empty();
  const json* enabled = member(*found, "enabled");
  return enabled != nullptr && *enabled == true;
}

/// What a document or a search result is called, above its text.
std::string heading_of(const json& block) {
  std::string out;
  for (const char* name : {"title", "source", "context"})
    if (const auto text = text_member(block, name); !text.empty())
      out.append(out.empty() ? "" : "\n").append(text);
  return out;
}

/// Of a string, or the texts of a list of blocks, a blank line between them.
std::string joined_texts(const json* content) {
  if (content == nullptr) return {};
  if (content->is_string()) return std::string{view_of(*content)};
  std::string out;
  if (content->is_array())
    for (const auto& block : *content)
      if (const auto text = text_member(block, "text"); !is_blank(text))
        out.append(out.empty() ? "" : "\n\n").append(text);
  return out;
}

bool is_text_only(const json& parts) {
  for (const auto& part : parts)
    if (text_member(part, "type") != "text") return false;
  return true;
}

std::string data_uri_of(const json& source) {
  std::string out = "data:";
  out.append(text_member(source, "media_type")).append(";base64,");
  return out.append(text_member(source, "data"));
}

}  // namespace

void messages_chat_builder::keep_cache_control(const json& from, json& to) {
  const json* control = member(from, "cache_control");
  if (control == nullptr) return;
  if (is_extended_)
    to["cache_control"] = *control;
  else
    drop("cache_control");
}

void messages_chat_builder::add_text(std::string_view text, const json& block, json& parts) {
  if (is_blank(text)) return;
  json part{{"type", "text"}, {"text", text}};
  keep_cache_control(block, part);
  parts.push_back(std::move(part));
}

/// One plain text is a string, which every server takes.
json messages_chat_builder::content_of(json parts) const {
  if (parts.size() == 1 && is_text_only(parts) && !parts[0].contains("cache_control"))
    return std::move(parts[0]["text"]);
  return parts;
}

bool messages_chat_builder::add_system(const json& request) {
  out_["messages"] = json::array();
  const json* system = member(request, "system");
  if (system == nullptr) return true;
  if (!system->is_string() && !system->is_array())
    return refuse("`system` is neither text nor a list", 400);
  json parts = json::array();
  if (system->is_string()) add_text(view_of(*system), *system, parts);
  if (system->is_array())
    for (const auto& block : *system) add_text(text_member(block, "text"), block, parts);
  if (parts.empty()) return true;
  // Not every server reads a list here.
  if (!is_extended_) parts = json::array({{{"type", "text"}, {"text", joined_texts(&parts)}}});
  out_["messages"].push_back({{"role", "system"}, {"content", content_of(std::move(parts))}});
  return true;
}

bool messages_chat_builder::add_messages(const json& request) {
  const json* messages = member(request, "messages");
  if (messages == nullptr || !messages->is_array()) return refuse("`messages` is not a list", 400);
  static const json none = nullptr;
  for (const auto& message : *messages) {
    const auto role = text_member(message, "role");
    const json* content = member(message, "content");
    if (content == nullptr) content = &none;
    if (!content->is_string() && !content->is_array())
      return refuse("`content` of a message is neither text nor a list", 400);
    if (role == "user") {
      if (!add_user(*content)) return false;
    } else if (role == "assistant") {
      if (!add_assistant(*content)) return false;
    } else if (role == "system") {
      if (auto text = joined_texts(content); !is_blank(text))
        out_["messages"].push_back({{"role", "system"}, {"content", std::move(text)}});
    } else {
      return refuse("unexpected role: " + std::string{role}, 400);
    }
  }
  return true;
}

bool messages_chat_builder::add_user(const json& content) {
  json parts = json::array();
  json attached = json::array();  // what results hold beside text, behind all results
  if (content.is_string()) add_text(view_of(content), content, parts);
  if (content.is_array())
    for (const auto& block : content) {
      const bool is_result = text_member(block, "type") == "tool_result";
      if (!(is_result ? add_tool_result(block, attached) : add_user_block(block, parts)))
        return false;
    }
  for (auto& part : parts) attached.push_back(std::move(part));
  if (attached.empty()) return true;
  out_["messages"].push_back({{"role", "user"}, {"content", content_of(std::move(attached))}});
  return true;
}

bool messages_chat_builder::add_user_block(const json& block, json& parts) {
  const auto type = text_member(block, "type");
  if (type == "text") {
    add_text(text_member(block, "text"), block, parts);
    return true;
  }
  if (type == "image") return add_image(block, parts);
  if (type == "document") return add_document(block, parts);
  if (type == "search_result") {
    add_search_result(block, parts);
    return true;
  }
  return drop_or_refuse("messages.content", "a content block of type " + std::string{type} + " is");
}

bool messages_chat_builder::add_image(const json& block, json& parts) {
  const json* source = member(block, "source");
  const auto kind = source == nullptr ? std::string_view{} : text_member(*source, "type");
  std::string url;
  if (kind == "base64")
    url = data_uri_of(*source);
  else if (kind == "url")
    url = text_member(*source, "url");
  else
    return drop_or_refuse("images", "an image of source type " + std::string{kind} + " is");
  json part{{"type", "image_url"}, {"image_url", {{"url", std::move(url)}}}};
  keep_cache_control(block, part);
  parts.push_back(std::move(part));
  return true;
}

bool messages_chat_builder::add_document(const json& block, json& parts) {
  const json* source = member(block, "source");
  const auto kind = source == nullptr ? std::string_view{} : text_member(*source, "type");
  if (is_enabled(block, "citations")) drop("citations");
  auto heading = heading_of(block);
  if (kind == "text" || kind == "content") {
    const auto text = kind == "text" ? std::string{text_member(*source, "data")}
                                     : joined_texts(member(*source, "content"));
    if (!heading.empty()) heading += "\n\n";
    add_text(heading + text, block, parts);
    return true;
  }
  if (kind != "base64")
    return drop_or_refuse("documents", "a document of source type " + std::string{kind} + " is");
  const auto title = text_member(block, "title");
  json file{{"filename", title.empty() ? "document.pdf" : title},
            {"file_data", data_uri_of(*source)}};
  json part{{"type", "file"}, {"file", std::move(file)}};
  keep_cache_control(block, part);
  if (const auto context = text_member(block, "context"); !context.empty())
    parts.push_back({{"type", "text"}, {"text", context}});
  parts.push_back(std::move(part));
  return true;
}

void messages_chat_builder::add_search_result(const json& block, json& parts) {
  if (is_enabled(block, "citations")) drop("citations");
  auto text = heading_of(block);
  text.append(text.empty() ? "" : "\n\n").append(joined_texts(member(block, "content")));
  add_text(text, block, parts);
}

/// Tool messages hold text: images and files go into the user message behind them.
bool messages_chat_builder::add_tool_result(const json& block, json& attached) {
  const auto id = text_member(block, "tool_use_id");
  if (id.empty()) return refuse("a tool_result has no tool_use_id", 400);
  const json* content = member(block, "content");
  json parts = json::array();
  if (content != nullptr && content->is_string()) add_text(view_of(*content), *content, parts);
  if (content != nullptr && content->is_array())
    for (const auto& part : *content)
      if (!add_user_block(part, parts)) return false;
  std::string text;
  bool has_attachment = false;
  for (auto& part : parts) {
    if (text_member(part, "type") == "text") {
      text.append(text.empty() ? "" : "\n\n").append(text_member(part, "text"));
      continue;
    }
    has_attachment = true;
    attached.push_back(std::move(part));
  }
  const json* is_error = member(block, "is_error");
  if (is_error != nullptr && *is_error == true && !base::istarts_with(text, "error"))
    text = text.empty() ? "Error" : "Error: " + text;
  if (has_attachment)
    text.append(text.empty() ? "" : "\n\n").append("(What else it gave is in the next message.)");
  json message{{"role", "tool"}, {"tool_call_id", id}, {"content", std::move(text)}};
  keep_cache_control(block, message);
  out_["messages"].push_back(std::move(message));
  return true;
}

bool messages_chat_builder::add_assistant(const json& content) {
  json parts = json::array();
  json message{{"role", "assistant"}, {"content", nullptr}};
  if (content.is_string()) add_text(view_of(content), content, parts);
  if (content.is_array())
    for (const auto& block : content)
      if (!add_assistant_block(block, parts, message)) return false;
  if (!parts.empty()) message["content"] = content_of(std::move(parts));
  const bool says_something = message.size() > 2 || !message["content"].is_null();
  if (says_something) out_["messages"].push_back(std::move(message));
  return true;
}

bool messages_chat_builder::add_assistant_block(const json& block, json& parts, json& message) {
  const auto type = text_member(block, "type");
  if (type == "text") {
    add_text(text_member(block, "text"), block, parts);
    if (is_enabled(block, "citations")) drop("citations");
    return true;
  }
  if (type == "thinking" || type == "redacted_thinking") {
    add_thought(block, message);
    return true;
  }
  if (type == "tool_use") return add_tool_use(block, message);
  return drop_or_refuse("messages.content", "a content block of type " + std::string{type} + " is");
}

/// Signed thinking is of use only to who has signed it. What has no signature came from a chat's
/// `reasoning_content`, and goes back as it came.
void messages_chat_builder::add_thought(const json& block, json& message) {
  const auto signature = text_member(block, "signature");
  const auto text = text_member(block, "thinking");
  const bool is_hidden = text_member(block, "type") == "redacted_thinking";
  if (is_extended_) {
    json thought = is_hidden
                       ? json{{"type", "redacted_thinking"}, {"data", text_member(block, "data")}}
                       : json{{"type", "thinking"}, {"thinking", text}, {"signature", signature}};
    message["thinking_blocks"].push_back(std::move(thought));
  } else if (is_hidden || !signature.empty()) {
    return drop("messages.thinking");
  }
  if (is_hidden || text.empty()) return;
  std::string all{text_member(message, "reasoning_content")};
  all.append(all.empty() ? "" : "\n\n").append(text);
  message["reasoning_content"] = std::move(all);
}

bool messages_chat_builder::add_tool_use(const json& block, json& message) {
  const auto id = text_member(block, "id");
  const auto name = text_member(block, "name");
  if (id.empty() || name.empty()) return refuse("a tool_use has no id or no name", 400);
  const json* input = member(block, "input");
  json call{
      {"id", id},
      {"type", "function"},
      {"function", {{"name", name}, {"arguments", input == nullptr ? "{}" : dump_json(*input)}}}};
  keep_cache_control(block, call);
  message["tool_calls"].push_back(std::move(call));
  return true;
}

}  // namespace understudy::translate
