#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/text.hpp>

#include "translate/anthropic_chat_stream.hpp"
#include "translate/anthropic_helper.hpp"
#include "translate/anthropic_request.hpp"
#include "translate/converse_helper.hpp"
#include "translate/error_event.hpp"
#include "translate/json.hpp"
#include "translate/same_schema.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

/// Parts of an answer's content blocks.
struct answer {
  std::string text;
  std::string reasoning;
  json thinking_blocks = json::array();
  json tool_calls = json::array();
  json annotations = json::array();
};

void take_text(const json& block, answer& out) {
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

void take_tool_use(const json& block, answer& out) {
  const json* input = member(block, "input");
  out.tool_calls.push_back({{"id", text_member(block, "id")},
                            {"type", "function"},
                            {"function",
                             {{"name", text_member(block, "name")},
                              {"arguments", input == nullptr ? "{}" : dump_json(*input)}}}});
}

void take_thinking(const json& block, answer& out) {
  const auto thought = text_member(block, "thinking");
  out.reasoning += thought;
  out.thinking_blocks.push_back({{"type", "thinking"},
                                 {"thinking", thought},
                                 {"signature", text_member(block, "signature")}});
}

/// What the provider did itself (server_tool_use and its results) is no part of a chat message.
answer read_content(const json& content) {
  answer out;
  for (const auto& block : content) {
    const auto type = text_member(block, "type");
    if (type == "text")
      take_text(block, out);
    else if (type == "tool_use")
      take_tool_use(block, out);
    else if (type == "thinking")
      take_thinking(block, out);
    else if (type == "redacted_thinking")
      out.thinking_blocks.push_back(
          {{"type", "redacted_thinking"}, {"data", text_member(block, "data")}});
  }
  return out;
}

json message_of(answer&& from) {
  const bool has_calls = !from.tool_calls.empty();
  json out{{"role", "assistant"}};
  if (from.text.empty() && has_calls)
    out["content"] = nullptr;
  else
    out["content"] = std::move(from.text);
  if (!from.reasoning.empty()) out["reasoning_content"] = std::move(from.reasoning);
  if (!from.thinking_blocks.empty()) out["thinking_blocks"] = std::move(from.thinking_blocks);
  if (!from.annotations.empty()) out["annotations"] = std::move(from.annotations);
  if (has_calls) out["tool_calls"] = std::move(from.tool_calls);
  return out;
}

bool is_identity(const codec::response_head& head) {
  return base::iequals(head.fields.find("content-encoding").value_or("identity"), "identity");
}

std::string_view or_default(std::string_view given, std::string_view otherwise) {
  return given.empty() ? otherwise : given;
}

/// Anthropic's own API, and Claude as Vertex AI and Bedrock (InvokeModel) serve it: one dialect
/// with three envelopes.
class chat_completions_openai_to_anthropic final : public translator {
 public:
  explicit chat_completions_openai_to_anthropic(schema target) : schema_{target} {}

  base::result<upstream_request, refusal> request(const request_view& original,
                                                  const backend_view& backend) override;
  response_plan head(const codec::response_head& head, base::wall_time now) override;
  bool feed(std::string_view bytes, std::string& out) override;
  bool finish(std::string& out) override;
  void abort(std::string_view message, std::string& out) override;
  base::result<reply, refusal> whole(const codec::response_head& head,
                                     std::string_view body) override;
  token_usage usage() const override { return stream_ ? stream_->usage() : usage_; }

 private:
  bool is_aws() const { return schema_ == schema::aws_anthropic; }
  std::string_view body_version(const backend_view& backend) const;
  std::string target(const backend_view& backend) const;
  void add_version_field(const request_view& original, const backend_view& backend,
                         upstream_request& out) const;
  base::result<std::string, refusal> completion(std::string_view body);

  schema schema_;
  std::string model_;
  std::string id_;
  std::int64_t created_ = 0;
  bool is_stream_ = false;
  bool has_usage_chunk_ = false;
  std::optional<anthropic_chat_stream> stream_;
  token_usage usage_;
};

std::string_view chat_completions_openai_to_anthropic::body_version(
    const backend_view& backend) const {
  return or_default(backend.version, is_aws() ? "bedrock-2023-05-31" : "vertex-2023-10-16");
}

std::string chat_completions_openai_to_anthropic::target(const backend_view& backend) const {
  if (schema_ == schema::anthropic) return join_path(backend.prefix, "messages");
  const auto model = codec::path_escape(model_);
  if (is_aws())
    return "/model/" + model + (is_stream_ ? "/invoke-with-response-stream" : "/invoke");
  return "publishers/anthropic/models/" + model +
         (is_stream_ ? ":streamRawPredict" : ":rawPredict");
}

/// A client that gives Anthropic's version itself keeps it.
void chat_completions_openai_to_anthropic::add_version_field(const request_view& original,
                                                             const backend_view& backend,
                                                             upstream_request& out) const {
  if (schema_ != schema::anthropic) return;
  if (original.fields != nullptr && original.fields->find("anthropic-version")) return;
  out.set.push_back({"anthropic-version", std::string{or_default(backend.version, "2023-06-01")}});
}

base::result<upstream_request, refusal> chat_completions_openai_to_anthropic::request(
    const request_view& original, const backend_view& backend) {
  model_ = backend.model_override.empty() ? original.model : backend.model_override;
  if (model_.empty()) return refusal{400, "invalid request body: `model` is missing"};
  // Dot segments would be resolved away and name another path.
  if (model_ == "." || model_ == "..") return refusal{400, "invalid request body: invalid `model`"};
  is_stream_ = original.stream;
  auto body = anthropic_request(
      original.body, {schema_, model_, body_version(backend), is_stream_, backend.may_drop});
  if (!body) return body.error();
  has_usage_chunk_ = body->has_usage_chunk;
  upstream_request out;
  out.target = target(backend);
  out.body = std::move(body->json);
  out.dropped = std::move(body->dropped);
  std::string_view accept = "application/json";
  if (is_stream_) accept = is_aws() ? codec::event_stream_content_type : "text/event-stream";
  // The answer is read here, so it must not come compressed.
  out.set = {{"content-type", "application/json"},
             {"accept", std::string{accept}},
             {"accept-encoding", "identity"}};
  add_version_field(original, backend, out);
  return out;
}

response_plan chat_completions_openai_to_anthropic::head(const codec::response_head& head,
                                                         base::wall_time now) {
  created_ = codec::unix_seconds(now);
  id_ = head.fields.find("x-amzn-requestid").value_or("");
  if (id_.empty()) id_ = "chatcmpl-" + std::to_string(now.time_since_epoch().count());
  const auto type = base::trim(head.fields.find("content-type").value_or(""));
  const auto expected = is_aws() ? codec::event_stream_content_type : "text/event-stream";
  if (is_stream_ && head.status == 200 && base::istarts_with(type, expected) && is_identity(head)) {
    stream_.emplace(anthropic_chat_stream::head{id_, model_, created_, has_usage_chunk_, is_aws()});
    return {body_mode::stream, {{"content-type", "text/event-stream"}}};
  }
  return {body_mode::whole, {{"content-type", "application/json"}}};
}

bool chat_completions_openai_to_anthropic::feed(std::string_view bytes, std::string& out) {
  return stream_ && stream_->feed(bytes, out);
}

bool chat_completions_openai_to_anthropic::finish(std::string& out) {
  return stream_ && stream_->finish(out);
}

void chat_completions_openai_to_anthropic::abort(std::string_view message, std::string& out) {
  if (stream_) stream_->abort(message, out);
}

base::result<reply, refusal> chat_completions_openai_to_anthropic::whole(
    const codec::response_head& head, std::string_view body) {
  reply out{head.status, {{"content-type", "application/json"}}, {}};
  if (!is_identity(head)) return refusal{502, "the upstream's answer is compressed unasked"};
  if (head.status < 200 || head.status >= 300) {
    out.body = claude_error_body(head, body);
    return out;
  }
  if (is_stream_) return refusal{502, "the upstream did not answer with an event stream"};
  auto text = completion(body);
  if (!text) return text.error();
  out.body = std::move(*text);
  return out;
}

base::result<std::string, refusal> chat_completions_openai_to_anthropic::completion(
    std::string_view body) {
  const auto response = parse_json(body);
  const json* content = response ? member(*response, "content") : nullptr;
  if (content == nullptr || !content->is_array())
    return refusal{502, "the upstream's answer holds no message"};
  const auto id = or_default(text_member(*response, "id"), id_);
  const auto model = or_default(text_member(*response, "model"), model_);
  json out{{"id", id}, {"object", "chat.completion"}, {"created", created_}, {"model", model}};
  const auto reason = finish_reason_of_claude(text_member(*response, "stop_reason"));
  out["choices"].push_back(
      {{"index", 0}, {"message", message_of(read_content(*content))}, {"finish_reason", reason}});
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
