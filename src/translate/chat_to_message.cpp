#include "translate/chat_to_message.hpp"

#include <algorithm>
#include <charconv>

#include "translate/json.hpp"
#include "translate/message_answer.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {
namespace {

using codec::json_kind;

std::optional<std::uint64_t> count_of(std::string_view object, std::string_view name) {
  const auto raw = raw_member(object, name, json_kind::number);
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), out);
  if (raw.empty() || error != std::errc{} || end != raw.data() + raw.size()) return std::nullopt;
  return out;
}

void add_thinking(const json& message, json& content) {
  if (const json* blocks = member(message, "thinking_blocks"); blocks && blocks->is_array()) {
    for (const auto& block : *blocks) {
      if (const auto data = text_member(block, "data"); !data.empty())
        content.push_back({{"type", "redacted_thinking"}, {"data", data}});
      else
        content.push_back({{"type", "thinking"},
                           {"thinking", text_member(block, "thinking")},
                           {"signature", text_member(block, "signature")}});
    }
    if (!blocks->empty()) return;
  }
  auto text = text_member(message, "reasoning_content");
  if (text.empty()) text = text_member(message, "reasoning");
  if (!text.empty())
    content.push_back({{"type", "thinking"}, {"thinking", text}, {"signature", ""}});
}

void add_content(const json& message, json& content) {
  const json* given = member(message, "content");
  if (given == nullptr) return;
  if (given->is_string()) return append_answer_text(view_of(*given), content);
  std::string text;
  if (given->is_array())
    for (const auto& part : *given) text += text_member(part, "text");
  append_answer_text(text, content);
}

/// False: a call whose arguments are no object.
bool add_calls(const json& message, bool is_cut, std::string_view id, json& content) {
  const json* calls = member(message, "tool_calls");
  if (calls == nullptr || !calls->is_array()) return true;
  for (std::size_t i = 0; i < calls->size(); ++i) {
    const auto& call = (*calls)[i];
    const json* function = member(call, "function");
    const auto name = function == nullptr ? std::string_view{} : text_member(*function, "name");
    if (name.empty()) return false;
    std::optional<json> input = json::object();
    if (const json* given = member(*function, "arguments"); given && given->is_object())
      input = *given;
    const auto arguments = base::trim(text_member(*function, "arguments"));
    if (!arguments.empty() && arguments != "null") input = parse_json(arguments);
    const bool is_whole = input && input->is_object();
    if (!is_whole && !is_cut) return false;
    std::string call_id{text_member(call, "id")};
    if (call_id.empty()) call_id = "toolu_" + std::string{id} + "_" + std::to_string(i);
    content.push_back({{"type", "tool_use"},
                       {"id", call_id},
                       {"name", name},
                       {"input", is_whole ? std::move(*input) : json::object()}});
  }
  return true;
}

void set_stop(const json& choice, std::string_view reason, bool has_refusal,
              const std::vector<std::string>& stops, json& out) {
  std::string_view met;
  for (const auto* name : {"stop_reason", "matched_stop"})
    if (std::ranges::find(stops, text_member(choice, name)) != stops.end())
      met = text_member(choice, name);
  if (has_refusal && reason == "end_turn") reason = "refusal";
  out["stop_reason"] = reason;
  if (reason != "end_turn" || met.empty()) return;
  out["stop_reason"] = "stop_sequence";
  out["stop_sequence"] = met;
}

}  // namespace

std::optional<std::string_view> stop_reason_of(std::string_view finish_reason, bool has_calls) {
  if (finish_reason == "error") return std::nullopt;
  if (finish_reason == "length") return "max_tokens";
  if (finish_reason == "content_filter") return "refusal";
  // A call that `tool_choice` has named ends with `stop`.
  return has_calls ? "tool_use" : "end_turn";
}

token_usage chat_usage_of(std::string_view usage) {
  token_usage out;
  out.input = count_of(usage, "prompt_tokens");
  out.output = count_of(usage, "completion_tokens");
  out.total = count_of(usage, "total_tokens");
  const auto details = raw_object_of(usage, "prompt_tokens_details");
  out.cached_input = count_of(details, "cached_tokens");
  out.cache_creation_input = count_of(details, "cache_creation_input_tokens");
  const auto more = raw_object_of(usage, "completion_tokens_details");
  out.reasoning = count_of(more, "reasoning_tokens");
  return out;
}

base::result<message_of_chat, refusal> message_of_completion(
    std::string_view body, std::string_view model, const std::vector<std::string>& stops) {
  const auto response = parse_json(body);
  const json* choices = response ? member(*response, "choices") : nullptr;
  const json* message = nullptr;
  if (choices != nullptr && choices->is_array() && !choices->empty())
    message = member(choices->front(), "message");
  if (message == nullptr || !message->is_object())
    return refusal{502, "the upstream's answer holds no message"};
  const auto& choice = choices->front();
  const json* calls = member(*message, "tool_calls");
  const bool has_calls = calls != nullptr && calls->is_array() && !calls->empty();
  const auto reason = stop_reason_of(text_member(choice, "finish_reason"), has_calls);
  if (!reason) return refusal{502, "the model's answer ended in an error"};
  const auto id = message_id_of(text_member(*response, "id"));
  const auto told = text_member(*response, "model");
  json out = message_frame(id, told.empty() ? model : told);
  auto& content = out["content"];
  add_thinking(*message, content);
  add_content(*message, content);
  const auto refused = text_member(*message, "refusal");
  append_answer_text(refused, content);
  const bool is_cut = *reason == "max_tokens" || *reason == "refusal";
  if (!add_calls(*message, is_cut, id, content))
    return refusal{502, "the model's tool call has arguments that are no JSON object"};
  set_stop(choice, *reason, !refused.empty(), stops, out);
  message_of_chat made;
  if (const auto usage = codec::find_member(body, "usage")) made.usage = chat_usage_of(usage->text);
  out["usage"] =
      parse_json(
          anthropic_usage(made.usage, anthropic_tier_of(text_member(*response, "service_tier"))))
          .value_or(json::object());
  made.json = dump_json(out);
  return made;
}

}  // namespace understudy::translate
