#include <utility>

#include "translate/responses_answer.hpp"
#include "translate/responses_builder.hpp"

namespace understudy::translate {
namespace {

/// Joined texts of the parts of that type.
std::string texts_of(const json& item, const char* list, std::string_view type) {
  std::string out;
  const json* parts = member(item, list);
  if (parts == nullptr || !parts->is_array()) return out;
  for (const auto& part : *parts) {
    if (text_member(part, "type") != type) continue;
    if (!out.empty()) out += "\n\n";
    out += text_member(part, "text");
  }
  return out;
}

std::string named(std::string_view what, std::string_view type) {
  return std::string{what} + " of type `" + std::string{type} +
         "` are not supported by this backend";
}

}  // namespace

json content_of(json parts) {
  if (parts.empty()) return "";
  if (parts.size() == 1 && text_member(parts[0], "type") == "text")
    return std::move(parts[0]["text"]);
  return parts;
}

bool responses_builder::add_input(const json& request) {
  if (const json* text = member(request, "instructions")) {
    if (!text->is_string()) return refuse("`instructions` is not a text", 400);
    out_["messages"].push_back({{"role", "system"}, {"content", *text}});
  }
  const json* input = member(request, "input");
  if (input != nullptr && input->is_string()) {
    out_["messages"].push_back({{"role", "user"}, {"content", *input}});
    return true;
  }
  if (input == nullptr || !input->is_array())
    return refuse("`input` is neither text nor a list", 400);
  for (const auto& item : *input)
    if (!add_item(item)) return false;
  end_turn();
  return true;
}

bool responses_builder::add_item(const json& item) {
  if (!item.is_object()) return refuse("an item of `input` is no object", 400);
  const auto type = text_member(item, "type");
  if (type == "message" || (type.empty() && member(item, "role") != nullptr))
    return add_message(item);
  if (type == "function_call") return add_call(item);
  if (type == "function_call_output") return add_call_output(item);
  if (type == "reasoning") {
    add_reasoning(item);
    return true;
  }
  if (type == "item_reference" || type.empty())
    return refuse("an `item_reference` names what another provider keeps; send the item itself");
  return lose("input." + std::string{type}, named("items", type));
}

bool responses_builder::add_message(const json& item) {
  static const json none = nullptr;
  const auto role = text_member(item, "role");
  const json* given = member(item, "content");
  const json& content = given == nullptr ? none : *given;
  if (role == "assistant") return add_parts(content, role, turn_.parts);
  if (role != "user" && role != "system" && role != "developer")
    return refuse("unexpected role: " + std::string{role});
  end_turn();
  json parts = json::array();
  if (!add_parts(content, role, parts)) return false;
  // Models that are not OpenAI's own have no developer.
  out_["messages"].push_back(
      {{"role", role == "user" ? "user" : "system"}, {"content", content_of(std::move(parts))}});
  return true;
}

bool responses_builder::add_parts(const json& content, std::string_view role, json& parts) {
  if (content.is_string()) {
    parts.push_back({{"type", "text"}, {"text", content}});
    return true;
  }
  if (!content.is_array())
    return refuse("content of a " + std::string{role} + " message is neither text nor a list", 400);
  for (const auto& part : content)
    if (!add_part(part, role, parts)) return false;
  return true;
}

bool responses_builder::add_part(const json& part, std::string_view role, json& parts) {
  const auto type = text_member(part, "type");
  if (type == "input_text" || type == "output_text" || type == "text") {
    parts.push_back({{"type", "text"}, {"text", text_member(part, "text")}});
    return true;
  }
  if (type == "refusal" && role == "assistant") {
    turn_.refusal += text_member(part, "refusal");
    return true;
  }
  if (role == "user") {
    if (type == "input_image") return add_image(part, parts);
    if (type == "input_file") return add_file(part, parts);
    if (type == "input_audio" && member(part, "input_audio") != nullptr) {
      parts.push_back({{"type", type}, {"input_audio", part["input_audio"]}});
      return true;
    }
  }
  return lose("input." + std::string{type},
              named("content parts in a " + std::string{role} + " message", type));
}

bool responses_builder::add_image(const json& part, json& parts) {
  const auto url = text_member(part, "image_url");
  if (url.empty())
    return lose("input.input_image",
                "an image that is named by `file_id` is kept by another provider; send it as "
                "`image_url`");
  json image{{"url", url}};
  if (const json* detail = member(part, "detail")) image["detail"] = *detail;
  parts.push_back({{"type", "image_url"}, {"image_url", std::move(image)}});
  return true;
}

bool responses_builder::add_file(const json& part, json& parts) {
  const auto data = text_member(part, "file_data");
  if (data.empty())
    return lose("input.input_file",
                "a file that is named by `file_id` or `file_url` is not supported by this "
                "backend; send it as `file_data`");
  json file{{"file_data", data}};
  if (const json* name = member(part, "filename")) file["filename"] = *name;
  parts.push_back({{"type", "file"}, {"file", std::move(file)}});
  return true;
}

bool responses_builder::add_call(const json& item) {
  const auto id = text_member(item, "call_id");
  const auto name = text_member(item, "name");
  if (id.empty() || name.empty())
    return refuse("a `function_call` has no `call_id` or no `name`", 400);
  const auto arguments = text_member(item, "arguments");
  turn_.tool_calls.push_back(
      {{"id", id}, {"type", "function"}, {"function", {{"name", name}, {"arguments", arguments}}}});
  return true;
}

bool responses_builder::add_call_output(const json& item) {
  end_turn();
  const auto id = text_member(item, "call_id");
  if (id.empty()) return refuse("a `function_call_output` has no `call_id`", 400);
  json parts = json::array();
  const json* output = member(item, "output");
  if (output == nullptr) return refuse("a `function_call_output` has no `output`", 400);
  if (!add_parts(*output, "tool", parts)) return false;
  out_["messages"].push_back(
      {{"role", "tool"}, {"tool_call_id", id}, {"content", content_of(std::move(parts))}});
  return true;
}

/// Only what can be read: the rest belongs to the provider that sealed it.
void responses_builder::add_reasoning(const json& item) {
  const auto text = texts_of(item, "content", "reasoning_text");
  if (!text.empty() && !turn_.reasoning.empty()) turn_.reasoning += "\n\n";
  turn_.reasoning += text;
  const auto blocks = unseal_thinking(text_member(item, "encrypted_content"));
  if (blocks)
    for (const auto& block : *blocks) turn_.thinking_blocks.push_back(block);
  else if (text.empty())
    tell("input.reasoning");
}

void responses_builder::end_turn() {
  auto turn = std::exchange(turn_, {});
  if (turn.parts.empty() && turn.tool_calls.empty() && turn.refusal.empty()) {
    // A chat has no message that only thinks.
    if (!turn.reasoning.empty() || !turn.thinking_blocks.empty()) tell("input.reasoning");
    return;
  }
  json message{{"role", "assistant"}, {"content", nullptr}};
  if (!turn.parts.empty()) message["content"] = content_of(std::move(turn.parts));
  if (!turn.refusal.empty()) message["refusal"] = std::move(turn.refusal);
  if (!turn.reasoning.empty()) message["reasoning_content"] = std::move(turn.reasoning);
  if (!turn.thinking_blocks.empty()) message["thinking_blocks"] = std::move(turn.thinking_blocks);
  if (!turn.tool_calls.empty()) message["tool_calls"] = std::move(turn.tool_calls);
  out_["messages"].push_back(std::move(message));
}

}  // namespace understudy::translate
