#include "translate/converse_to_message.hpp"

#include "translate/converse_citations.hpp"
#include "translate/converse_helper.hpp"
#include "translate/json.hpp"
#include "translate/message_answer.hpp"

namespace understudy::translate {
namespace {

void add_reasoning(const json& block, json& content) {
  if (const json* text = member(block, "reasoningText"))
    content.push_back({{"type", "thinking"},
                       {"thinking", text_member(*text, "text")},
                       {"signature", text_member(*text, "signature")}});
  if (const auto data = text_member(block, "redactedContent"); !data.empty())
    content.push_back({{"type", "redacted_thinking"}, {"data", data}});
}

void add_block(const json& block, json& content) {
  append_answer_text(text_member(block, "text"), content);
  if (const json* tool = member(block, "toolUse")) {
    const json* input = member(*tool, "input");
    const bool is_object = input != nullptr && input->is_object();
    content.push_back({{"type", "tool_use"},
                       {"id", text_member(*tool, "toolUseId")},
                       {"name", text_member(*tool, "name")},
                       {"input", is_object ? *input : json::object()}});
  }
  if (const json* reasoning = member(block, "reasoningContent")) add_reasoning(*reasoning, content);
  if (const json* cited = member(block, "citationsContent")) {
    const json* parts = member(*cited, "content");
    std::string text;
    if (parts != nullptr && parts->is_array())
      for (const auto& part : *parts) text += text_member(part, "text");
    if (text.empty()) return;
    append_answer_text(text, content);
    if (const json* given = member(*cited, "citations"); given && given->is_array())
      for (const auto& citation : *given)
        if (auto made = anthropic_citation(citation))
          content.back()["citations"].push_back(std::move(*made));
  }
}

std::string_view tier_of(const json& response) {
  const json* tier = member(response, "serviceTier");
  return tier == nullptr ? std::string_view{} : anthropic_tier_of(text_member(*tier, "type"));
}

}  // namespace

std::optional<std::string_view> stop_reason_of_converse(std::string_view reason) {
  if (reason == "malformed_model_output" || reason == "malformed_tool_use") return std::nullopt;
  if (reason == "content_filtered" || reason == "guardrail_intervened") return "refusal";
  // Anthropic's own words.
  for (const std::string_view known :
       {"tool_use", "max_tokens", "stop_sequence", "model_context_window_exceeded"})
    if (reason == known) return known;
  return "end_turn";
}

base::result<message_of_converse, refusal> message_of_converse_answer(std::string_view body,
                                                                      std::string_view id,
                                                                      std::string_view model) {
  const auto response = parse_json(body);
  const json* output = response ? member(*response, "output") : nullptr;
  const json* message = output == nullptr ? nullptr : member(*output, "message");
  if (message == nullptr) return refusal{502, "the upstream's answer holds no message"};
  const auto reason = text_member(*response, "stopReason");
  const auto stop = stop_reason_of_converse(reason);
  if (!stop) return refusal{502, "the model's output was malformed (" + std::string{reason} + ")"};
  json out = message_frame(id, model);
  const json* content = member(*message, "content");
  if (content != nullptr && content->is_array())
    for (const auto& block : *content) add_block(block, out["content"]);
  out["stop_reason"] = *stop;
  const json* more = member(*response, "additionalModelResponseFields");
  const auto met = more == nullptr ? std::string_view{} : text_member(*more, "stop_sequence");
  if (*stop == "stop_sequence" && !met.empty()) out["stop_sequence"] = met;
  message_of_converse made;
  if (const auto usage = codec::find_member(body, "usage")) made.usage = usage_of(usage->text);
  out["usage"] =
      parse_json(anthropic_usage(made.usage, tier_of(*response))).value_or(json::object());
  made.json = dump_json(out);
  return made;
}

}  // namespace understudy::translate
