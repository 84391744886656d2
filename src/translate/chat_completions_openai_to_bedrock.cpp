#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/text.hpp>

#include "translate/answer_translator.hpp"
#include "translate/anthropic_helper.hpp"
#include "translate/chat_message.hpp"
#include "translate/converse_citations.hpp"
#include "translate/converse_helper.hpp"
#include "translate/converse_request.hpp"
#include "translate/converse_stream.hpp"
#include "translate/json.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

void take_reasoning(const json& block, chat_message& out) {
  if (const json* text = member(block, "reasoningText"))
    out.add_thinking(text_member(*text, "text"), text_member(*text, "signature"));
  if (const auto data = text_member(block, "redactedContent"); !data.empty())
    out.add_redacted(data);
}

void take_citations(const json& block, chat_message& out) {
  const json* content = member(block, "content");
  if (content == nullptr || !content->is_array()) return;
  const auto begin = code_points(out.text, false);
  for (const auto& part : *content) out.text += text_member(part, "text");
  const json* given = member(block, "citations");
  if (given == nullptr || !given->is_array()) return;
  for (const auto& citation : *given)
    if (auto made = url_citation(citation)) {
      (*made)["start_index"] = begin;
      (*made)["end_index"] = code_points(out.text, false);
      out.annotations.push_back({{"type", "url_citation"}, {"url_citation", std::move(*made)}});
    }
}

chat_message read_converse_content(const json& message) {
  chat_message out;
  const json* content = member(message, "content");
  if (content == nullptr || !content->is_array()) return out;
  for (const auto& block : *content) {
    out.text += text_member(block, "text");
    if (const json* tool = member(block, "toolUse"))
      out.add_call(text_member(*tool, "toolUseId"), text_member(*tool, "name"),
                   member(*tool, "input"));
    if (const json* reasoning = member(block, "reasoningContent")) take_reasoning(*reasoning, out);
    if (const json* cited = member(block, "citationsContent")) take_citations(*cited, out);
  }
  return out;
}

class chat_completions_openai_to_bedrock final : public stream_translator<converse_stream> {
  base::result<upstream_request, refusal> ask(const request_view& original,
                                              const backend_view& backend) override;
  std::string_view stream_type() const override { return codec::event_stream_content_type; }
  void begin(const codec::response_head& head, base::wall_time now, response_plan& plan) override;
  void begin_stream() override {
    stream_.emplace(converse_stream::head{id_, model(), created_, has_usage_chunk_});
  }
  std::string error_answer(const codec::response_head& head, std::string_view body) override {
    return bedrock_error_body(head, body);
  }
  base::result<std::string, refusal> answer(std::string_view body) override;

  std::string id_;
  std::int64_t created_ = 0;
  bool has_usage_chunk_ = false;
};

base::result<upstream_request, refusal> chat_completions_openai_to_bedrock::ask(
    const request_view& original, const backend_view& backend) {
  auto body = converse_request(original.body, model(), backend.may_drop);
  if (!body) return body.error();
  has_usage_chunk_ = body->has_usage_chunk;
  upstream_request out;
  out.target = converse_path(model(), is_stream());
  out.body = std::move(body->json);
  out.dropped = std::move(body->dropped);
  return out;
}

void chat_completions_openai_to_bedrock::begin(const codec::response_head& head,
                                               base::wall_time now, response_plan& /*plan*/) {
  created_ = codec::unix_seconds(now);
  id_ = head.fields.find("x-amzn-requestid").value_or("");
  if (id_.empty()) id_ = completion_id_of(now);
}

base::result<std::string, refusal> chat_completions_openai_to_bedrock::answer(
    std::string_view body) {
  const auto response = parse_json(body);
  const json* output = response ? member(*response, "output") : nullptr;
  const json* message = output == nullptr ? nullptr : member(*output, "message");
  if (message == nullptr) return refusal{502, "the upstream's answer holds no message"};
  const auto reason = text_member(*response, "stopReason");
  const auto finish = finish_reason_of(reason);
  if (!finish)
    return refusal{502, "the model's output was malformed (" + std::string{reason} + ")"};
  json out{{"id", id_}, {"object", "chat.completion"}, {"created", created_}, {"model", model()}};
  out["choices"].push_back({{"index", 0},
                            {"message", read_converse_content(*message).take()},
                            {"finish_reason", *finish}});
  if (const auto usage = codec::find_member(body, "usage")) {
    usage_ = usage_of(usage->text);
    std::string text;
    append_usage(text, usage_);
    if (usage_.total) out["usage"] = parse_json(text).value_or(json::object());
  }
  if (const json* tier = member(*response, "serviceTier"))
    if (const auto type = text_member(*tier, "type"); !type.empty()) out["service_tier"] = type;
  return dump_json(out);
}

}  // namespace

std::unique_ptr<translator> make_chat_completions_openai_to_bedrock(operation /*op*/) {
  return std::make_unique<chat_completions_openai_to_bedrock>();
}

}  // namespace understudy::translate
