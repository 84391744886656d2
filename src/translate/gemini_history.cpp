#include <understudy/codec/text.hpp>

#include "translate/gemini_builder.hpp"

/// The assistant's messages. Thought signatures come back where the answers put them
/// (gemini_answer.hpp), or where Google's own OpenAI endpoint does.
namespace understudy::translate {
namespace {

/// Documented by Google for calls that another model has made.
constexpr std::string_view stand_in_signature = "skip_thought_signature_validator";

/// `extra_content.google.thought_signature`
std::string_view own_signature(const json& of) {
  const json* extra = member(of, "extra_content");
  const json* google = extra == nullptr ? nullptr : member(*extra, "google");
  const auto found =
      google == nullptr ? std::string_view{} : text_member(*google, "thought_signature");
  return codec::is_base64(found) || found == stand_in_signature ? found : std::string_view{};
}

}  // namespace

bool gemini_builder::add_assistant(const json& message) {
  json thoughts = json::array(), texts = json::array(), parts = json::array();
  signature_.clear();
  if (const json* blocks = member(message, "thinking_blocks"); blocks && blocks->is_array())
    for (const auto& block : *blocks)
      if (!add_thought(block, thoughts)) return false;
  const json* content = member(message, "content");
  if (content != nullptr && content->is_string()) {
    append_text(*content, view_of(*content), texts);
  } else if (content != nullptr && content->is_array()) {
    for (const auto& part : *content)
      if (!add_assistant_part(part, thoughts, texts)) return false;
  } else if (content != nullptr) {
    return refuse("content of an assistant message is neither text nor a list");
  }
  append_text(message, text_member(message, "refusal"), texts);
  if (const json* audio = member(message, "audio"); audio != nullptr)
    if (!lose("audio", "audio of an earlier answer is not known to this backend")) return false;
  if (!add_tool_calls(message, parts)) return false;
  if (const auto signature = own_signature(message); !signature.empty() && !texts.empty())
    texts.back()["thoughtSignature"] = signature;
  for (auto& part : parts) thoughts.push_back(std::move(part));
  for (auto& part : texts) thoughts.push_back(std::move(part));
  append_content("model", std::move(thoughts));
  return true;
}

bool gemini_builder::add_assistant_part(const json& part, json& thoughts, json& texts) {
  const auto type = text_member(part, "type");
  if (type == "thinking" || type == "redacted_thinking") return add_thought(part, thoughts);
  if (type != "text" && type != "refusal")
    return lose(type, "content part of type " + std::string{type} + " in an assistant message");
  append_text(part, text_member(part, type == "text" ? "text" : "refusal"), texts);
  return true;
}

bool gemini_builder::add_thought(const json& part, json& thoughts) {
  if (text_member(part, "type") == "redacted_thinking") {
    // Sealed by another provider; nobody but that one can read it.
    tell_dropped("redacted_thinking");
    return true;
  }
  auto text = text_member(part, "thinking");
  if (text.empty()) text = text_member(part, "text");
  if (!text.empty()) thoughts.push_back({{"text", text}, {"thought", true}});
  const auto signature = text_member(part, "signature");
  if (signature_.empty() && codec::is_base64(signature)) signature_ = signature;
  return true;
}

bool gemini_builder::add_tool_calls(const json& message, json& parts) {
  if (member(message, "function_call") != nullptr)
    return refuse("`function_call` in a message is not supported by this backend");
  const json* calls = member(message, "tool_calls");
  if (calls == nullptr) return true;
  if (!calls->is_array()) return refuse("`tool_calls` is not a list", 400);
  bool is_foreign = false;
  for (const auto& call : *calls) {
    const json* function = member(call, "function");
    if (function == nullptr) return refuse("a tool call that is no function call");
    const auto id = text_member(call, "id");
    if (id.empty()) return refuse("a tool call has no id");
    const auto name = text_member(*function, "name");
    if (name.empty()) return refuse("the tool call " + std::string{id} + " has no name");
    const auto arguments = text_member(*function, "arguments");
    std::optional<json> args = json::object();
    if (!is_blank(arguments)) args = parse_json(arguments);
    if (!args || !args->is_object())
      return refuse("arguments of the tool call " + std::string{id} + " are not a JSON object");
    json part{{"functionCall", {{"name", name}, {"args", std::move(*args)}}}};
    if (const auto signature = own_signature(call); !signature.empty())
      part["thoughtSignature"] = signature;
    // Anthropic's ids: its thoughts are signed, too, for nobody else.
    is_foreign = is_foreign || id.starts_with("toolu_") || id.starts_with("tooluse_");
    parts.push_back(std::move(part));
    calls_.insert_or_assign(std::string{id}, known_call{std::string{name}, call_count_++});
  }
  if (!parts.empty()) sign_first_call(parts, is_foreign);
  return true;
}

/// Of several calls in one answer only the first is signed.
void gemini_builder::sign_first_call(json& parts, bool is_foreign) const {
  auto& first = parts.front();
  if (first.contains("thoughtSignature")) return;
  if (!signature_.empty() && !is_foreign)
    first["thoughtSignature"] = signature_;
  else if (model_.has_levels())
    first["thoughtSignature"] = stand_in_signature;
}

}  // namespace understudy::translate
