#include <algorithm>
#include <array>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/text.hpp>

#include "translate/converse_builder.hpp"
#include "translate/messages_converse_builder.hpp"

namespace understudy::translate {
namespace {

void append_text(std::string_view text, const json& block, json& blocks) {
  if (is_blank(text)) return;
  blocks.push_back({{"text", text}});
  append_cache_point(block, blocks);
}

std::string_view image_format_of_media_type(std::string_view mime) {
  for (const std::string_view format : {"png", "jpeg", "gif", "webp"})
    if (mime.starts_with("image/") && base::iequals(mime.substr(6), format)) return format;
  return {};
}

bool has_citations(const json& block) {
  const json* citations = member(block, "citations");
  if (citations == nullptr) return false;
  const json* enabled = member(*citations, "enabled");
  return citations->is_array() ? !citations->empty() : enabled != nullptr && *enabled == true;
}

json text_sources(const json* content) {
  json out = json::array();
  if (content != nullptr && content->is_string()) out.push_back({{"text", view_of(*content)}});
  if (content != nullptr && content->is_array())
    for (const auto& part : *content)
      if (const auto text = text_member(part, "text"); !is_blank(text))
        out.push_back({{"text", text}});
  return out;
}

bool holds(const json& blocks, const char* kind) {
  return std::any_of(blocks.begin(), blocks.end(),
                     [kind](const json& block) { return block.contains(kind); });
}

}  // namespace

/// Converse refuses two messages of one role in a row, messages without content, and documents
/// without a text beside them.
void messages_converse_builder::append(std::string_view role, json blocks) {
  if (blocks.empty()) return;
  if (holds(blocks, "document") && !holds(blocks, "text"))
    blocks.push_back({{"text", "(see the document)"}});
  auto& messages = out_["messages"];
  if (messages.empty() || messages.back()["role"] != role) {
    messages.push_back({{"role", role}, {"content", std::move(blocks)}});
    return;
  }
  for (auto& block : blocks) messages.back()["content"].push_back(std::move(block));
}

bool messages_converse_builder::add_system(const json& content) {
  if (!content.is_string() && !content.is_array())
    return refuse("`system` is neither text nor a list", 400);
  json blocks = json::array();
  if (content.is_string()) append_text(view_of(content), content, blocks);
  if (content.is_array())
    for (const auto& block : content) append_text(text_member(block, "text"), block, blocks);
  for (auto& block : blocks) out_["system"].push_back(std::move(block));
  return true;
}

bool messages_converse_builder::add_messages(const json& request) {
  const json* messages = member(request, "messages");
  if (messages == nullptr || !messages->is_array()) return refuse("`messages` is not a list", 400);
  return std::all_of(messages->begin(), messages->end(),
                     [this](const json& message) { return add_message(message); });
}

bool messages_converse_builder::add_message(const json& message) {
  const auto role = text_member(message, "role");
  const json* content = member(message, "content");
  if (content == nullptr || (!content->is_string() && !content->is_array()))
    return refuse("`content` of a message is neither text nor a list", 400);
  // Converse has system texts at the top only.
  if (role == "system") return add_system(*content);
  if (role != "user" && role != "assistant")
    return refuse("unexpected role: " + std::string{role}, 400);
  json blocks = json::array();
  if (content->is_string()) append_text(view_of(*content), *content, blocks);
  if (content->is_array())
    for (const auto& block : *content)
      if (!add_block(block, role, blocks)) return false;
  append(role, std::move(blocks));
  return true;
}

bool messages_converse_builder::add_block(const json& block, std::string_view role, json& blocks) {
  const auto type = text_member(block, "type");
  const bool is_user = role == "user";
  const bool may_cite = is_claude_ && (type == "document" || type == "search_result");
  if (has_citations(block) && !may_cite) drop("citations");
  if (type == "text") {
    append_text(text_member(block, "text"), block, blocks);
    return true;
  }
  bool is_fine = true;
  if (is_user && type == "image") {
    is_fine = add_image(block, blocks);
  } else if (is_user && type == "document") {
    is_fine = add_document(block, blocks);
  } else if (is_user && type == "tool_result") {
    is_fine = add_tool_result(block, blocks);
  } else if (is_user && type == "search_result") {
    add_search_result(block, blocks);
  } else if (!is_user && type == "tool_use") {
    is_fine = add_tool_use(block, blocks);
  } else if (!is_user && (type == "thinking" || type == "redacted_thinking")) {
    add_thought(block, blocks);
  } else {
    return drop_or_refuse("messages.content",
                          "a content block of type " + std::string{type} + " is");
  }
  if (is_fine) append_cache_point(block, blocks);
  return is_fine;
}

bool messages_converse_builder::add_image(const json& block, json& blocks) {
  const json* source = member(block, "source");
  const auto kind = source == nullptr ? std::string_view{} : text_member(*source, "type");
  if (kind != "base64")
    return drop_or_refuse("images", "an image of source type " + std::string{kind} + " is");
  const auto mime = text_member(*source, "media_type");
  const auto data = text_member(*source, "data");
  const auto format = image_format_of_media_type(mime);
  if (format.empty()) return refuse("unsupported image format " + std::string{mime});
  if (data.empty() || !codec::is_base64(data)) return refuse("an image is not base64", 400);
  blocks.push_back({{"image", {{"format", format}, {"source", {{"bytes", data}}}}}});
  return true;
}

/// Letters, digits, blanks (never two), hyphens, parentheses and brackets; each name once.
std::string messages_converse_builder::document_name(std::string_view title) {
  std::string out;
  for (const char c : title.substr(0, 150)) {
    const bool is_letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') ||
                           std::string_view{"-()[]"}.find(c) != std::string_view::npos;
    if (is_letter)
      out.push_back(c);
    else if (!out.empty() && out.back() != ' ')
      out.push_back(' ');
  }
  while (out.ends_with(' ')) out.pop_back();
  ++documents_;
  if (out.empty()) out = "document";
  return out + " " + std::to_string(documents_);
}

bool messages_converse_builder::add_document(const json& block, json& blocks) {
  const json* source = member(block, "source");
  const auto kind = source == nullptr ? std::string_view{} : text_member(*source, "type");
  json document{{"name", document_name(text_member(block, "title"))}};
  if (kind == "base64") {
    const auto data = text_member(*source, "data");
    if (data.empty() || !codec::is_base64(data)) return refuse("a document is not base64", 400);
    document["format"] = "pdf";
    document["source"] = {{"bytes", data}};
  } else if (kind == "text") {
    document["format"] = "txt";
    document["source"] = {{"bytes", codec::base64_encode(text_member(*source, "data"))}};
  } else if (kind == "content") {
    document["source"] = {{"content", text_sources(member(*source, "content"))}};
  } else {
    return drop_or_refuse("documents", "a document of source type " + std::string{kind} + " is");
  }
  if (const auto context = text_member(block, "context"); !context.empty())
    document["context"] = context;
  if (is_claude_ && has_citations(block)) document["citations"] = {{"enabled", true}};
  blocks.push_back({{"document", std::move(document)}});
  return true;
}

/// Claude's own on Converse; other models read it as text.
void messages_converse_builder::add_search_result(const json& block, json& blocks) {
  auto sources = text_sources(member(block, "content"));
  if (is_claude_ && !sources.empty()) {
    json result{{"source", text_member(block, "source")},
                {"title", text_member(block, "title")},
                {"content", std::move(sources)}};
    if (has_citations(block)) result["citations"] = {{"enabled", true}};
    blocks.push_back({{"searchResult", std::move(result)}});
    return;
  }
  std::string text;
  for (const char* name : {"title", "source"})
    if (const auto line = text_member(block, name); !line.empty()) text.append(line).append("\n");
  for (const auto& part : sources) text.append("\n").append(text_member(part, "text")).append("\n");
  if (!is_blank(text)) blocks.push_back({{"text", std::move(text)}});
}

void messages_converse_builder::add_thought(const json& block, json& blocks) {
  if (text_member(block, "type") == "redacted_thinking") {
    const auto data = text_member(block, "data");
    if (data.empty() || !codec::is_base64(data)) return drop("messages.thinking");
    blocks.push_back({{"reasoningContent", {{"redactedContent", data}}}});
    return;
  }
  const auto text = text_member(block, "thinking");
  const auto signature = text_member(block, "signature");
  // Another model's thinking: Claude refuses what it has not signed.
  if (signature.empty() && (is_claude_ || text.empty())) return drop("messages.thinking");
  json value{{"text", text}};
  if (!signature.empty()) value["signature"] = signature;
  blocks.push_back({{"reasoningContent", {{"reasoningText", std::move(value)}}}});
}

bool messages_converse_builder::add_tool_use(const json& block, json& blocks) {
  const auto id = text_member(block, "id");
  const auto name = text_member(block, "name");
  if (id.empty() || name.empty()) return refuse("a tool_use has no id or no name", 400);
  const json* input = member(block, "input");
  if (input != nullptr && !input->is_object())
    return refuse("a tool_use's input is no object", 400);
  blocks.push_back({{"toolUse",
                     {{"toolUseId", id},
                      {"name", name},
                      {"input", input == nullptr ? json::object() : *input}}}});
  used_tools_.emplace_back(name);
  has_tool_history_ = true;
  return true;
}

bool messages_converse_builder::add_tool_result(const json& block, json& blocks) {
  const auto id = text_member(block, "tool_use_id");
  if (id.empty()) return refuse("a tool_result has no tool_use_id", 400);
  const json* content = member(block, "content");
  json parts = json::array();
  json points = json::array();
  if (content != nullptr && content->is_string()) append_text(view_of(*content), *content, parts);
  if (content != nullptr && content->is_array())
    for (const auto& part : *content) {
      const auto type = text_member(part, "type");
      if (type == "tool_result" || !add_block(part, "user", parts))
        return refusal_.message.empty() ? refuse("a tool_result in a tool_result", 400) : false;
    }
  json inside = json::array();
  for (auto& part : parts) (part.contains("cachePoint") ? points : inside).push_back(part);
  // A result of nothing: Converse wants at least one block, and no blank text.
  if (inside.empty()) inside.push_back({{"text", "(empty)"}});
  json result{{"toolUseId", id}, {"content", std::move(inside)}};
  const json* is_error = member(block, "is_error");
  if (is_error != nullptr && *is_error == true) result["status"] = "error";
  blocks.push_back({{"toolResult", std::move(result)}});
  for (auto& point : points) blocks.push_back(std::move(point));
  has_tool_history_ = true;
  return true;
}

}  // namespace understudy::translate
