#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/text.hpp>

#include "translate/answer_translator.hpp"
#include "translate/anthropic_chat_stream.hpp"
#include "translate/anthropic_helper.hpp"
#include "translate/anthropic_request.hpp"
#include "translate/chat_message.hpp"
#include "translate/converse_helper.hpp"
#include "translate/json.hpp"
#include "translate/same_schema.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

void take_text(const json& block, chat_message& out) {
  const auto begin = code_points(out.text, false);
  out.text += text_member(block, "text");
  const json* citations = member(block, "citations");
  if (citations == nullptr || !citations->is_array()) return;
  const auto end = code_points(out.text, false);
  for (const auto& citation : *citations) {
    // Those of the client's own documents have no counterpart.
    const auto url = text_member(citation, "url");
    if (url.empty()) continue;
    out.annotations.push_back({{"type", "url_citation"},
                               {"url_citation",
                                {{"url", url},
                                 {"title", text_member(citation, "title")},
                                 {"start_index", begin},
                                 {"end_index", end}}}});
  }
}

/// What the provider did itself (server_tool_use and its results) is no part of a chat message.
chat_message read_anthropic_content(const json& content) {
  chat_message out;
  for (const auto& block : content) {
    const auto type = text_member(block, "type");
    if (type == "text")
      take_text(block, out);
    else if (type == "tool_use")
      out.add_call(text_member(block, "id"), text_member(block, "name"), member(block, "input"));
    else if (type == "thinking")
      out.add_thinking(text_member(block, "thinking"), text_member(block, "signature"));
    else if (type == "redacted_thinking")
      out.add_redacted(text_member(block, "data"));
  }
  return out;
}

std::string_view or_default(std::string_view given, std::string_view otherwise) {
  return given.empty() ? otherwise : given;
}

/// Anthropic's own API, and Claude as Vertex AI and Bedrock (InvokeModel) serve it: one dialect
/// with three envelopes.
class chat_completions_openai_to_anthropic final : public stream_translator<anthropic_chat_stream> {
 public:
  explicit chat_completions_openai_to_anthropic(schema target) : schema_{target} {}

 private:
  base::result<upstream_request, refusal> ask(const request_view& original,
                                              const backend_view& backend) override;
  std::string_view stream_type() const override {
    return is_aws() ? codec::event_stream_content_type : std::string_view{"text/event-stream"};
  }
  void begin(const codec::response_head& head, base::wall_time now, response_plan& plan) override;
  void begin_stream() override {
    stream_.emplace(
        anthropic_chat_stream::head{id_, model(), created_, has_usage_chunk_, is_aws()});
  }
  std::string error_answer(const codec::response_head& head, std::string_view body) override {
    return claude_error_body(head, body);
  }
  base::result<std::string, refusal> answer(std::string_view body) override;

  bool is_aws() const { return schema_ == schema::aws_anthropic; }
  std::string_view body_version(const backend_view& backend) const;
  std::string target(const backend_view& backend) const;
  void add_version_field(const request_view& original, const backend_view& backend,
                         upstream_request& out) const;

  schema schema_;
  std::string id_;
  std::int64_t created_ = 0;
  bool has_usage_chunk_ = false;
};

std::string_view chat_completions_openai_to_anthropic::body_version(
    const backend_view& backend) const {
  return or_default(backend.version, is_aws() ? "bedrock-2023-05-31" : "vertex-2023-10-16");
}

std::string chat_completions_openai_to_anthropic::target(const backend_view& backend) const {
  if (schema_ == schema::anthropic) return join_path(backend.prefix, "messages");
  const auto name = codec::path_escape(model());
  if (is_aws())
    return "/model/" + name + (is_stream() ? "/invoke-with-response-stream" : "/invoke");
  return "publishers/anthropic/models/" + name +
         (is_stream() ? ":streamRawPredict" : ":rawPredict");
}

/// A client that gives Anthropic's version itself keeps it.
void chat_completions_openai_to_anthropic::add_version_field(const request_view& original,
                                                             const backend_view& backend,
                                                             upstream_request& out) const {
  if (schema_ != schema::anthropic) return;
  if (original.fields != nullptr && original.fields->find("anthropic-version")) return;
  out.set.push_back({"anthropic-version", std::string{or_default(backend.version, "2023-06-01")}});
}

base::result<upstream_request, refusal> chat_completions_openai_to_anthropic::ask(
    const request_view& original, const backend_view& backend) {
  auto body = anthropic_request(
      original.body, {schema_, model(), body_version(backend), is_stream(), backend.may_drop});
  if (!body) return body.error();
  has_usage_chunk_ = body->has_usage_chunk;
  upstream_request out;
  out.target = target(backend);
  out.body = std::move(body->json);
  out.dropped = std::move(body->dropped);
  add_version_field(original, backend, out);
  return out;
}

void chat_completions_openai_to_anthropic::begin(const codec::response_head& head,
                                                 base::wall_time now, response_plan& /*plan*/) {
  created_ = codec::unix_seconds(now);
  id_ = head.fields.find("x-amzn-requestid").value_or("");
  if (id_.empty()) id_ = completion_id_of(now);
}

base::result<std::string, refusal> chat_completions_openai_to_anthropic::answer(
    std::string_view body) {
  const auto response = parse_json(body);
  const json* content = response ? member(*response, "content") : nullptr;
  if (content == nullptr || !content->is_array())
    return refusal{502, "the upstream's answer holds no message"};
  const auto id = or_default(text_member(*response, "id"), id_);
  const auto told = or_default(text_member(*response, "model"), model());
  json out{{"id", id}, {"object", "chat.completion"}, {"created", created_}, {"model", told}};
  const auto reason = finish_reason_of_claude(text_member(*response, "stop_reason"));
  out["choices"].push_back({{"index", 0},
                            {"message", read_anthropic_content(*content).take()},
                            {"finish_reason", reason}});
  const auto usage = codec::find_member(body, "usage");
  if (!usage || usage->kind != codec::json_kind::object) return dump_json(out);
  claude_usage counted;
  counted.take(usage->text);
  usage_ = counted.total();
  std::string text;
  append_usage(text, usage_);
  if (usage_.total) out["usage"] = parse_json(text).value_or(json::object());
  if (!counted.service_tier().empty()) out["service_tier"] = counted.service_tier();
  return dump_json(out);
}

}  // namespace

std::unique_ptr<translator> make_chat_completions_openai_to_anthropic(operation /*op*/) {
  return std::make_unique<chat_completions_openai_to_anthropic>(schema::anthropic);
}
std::unique_ptr<translator> make_chat_completions_openai_to_gcp_anthropic(operation /*op*/) {
  return std::make_unique<chat_completions_openai_to_anthropic>(schema::gcp_anthropic);
}
std::unique_ptr<translator> make_chat_completions_openai_to_aws_anthropic(operation /*op*/) {
  return std::make_unique<chat_completions_openai_to_anthropic>(schema::aws_anthropic);
}

}  // namespace understudy::translate
