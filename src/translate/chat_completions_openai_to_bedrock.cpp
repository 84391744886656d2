#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/text.hpp>

#include "translate/converse_helper.hpp"
#include "translate/converse_request.hpp"
#include "translate/converse_stream.hpp"
#include "translate/error_event.hpp"
#include "translate/json.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

/// Parts of an answer's content blocks.
struct answer {
  std::string text;
  std::string reasoning;
  json thinking_blocks = json::array();
  json tool_calls = json::array();
};

void take_reasoning(const json& block, answer& out) {
  if (const json* text = member(block, "reasoningText")) {
    const auto thought = text_member(*text, "text");
    out.reasoning += thought;
    out.thinking_blocks.push_back({{"type", "thinking"},
                                   {"thinking", thought},
                                   {"signature", text_member(*text, "signature")}});
  }
  if (const auto data = text_member(block, "redactedContent"); !data.empty())
    out.thinking_blocks.push_back({{"type", "redacted_thinking"}, {"data", data}});
}

void take_citations(const json& block, answer& out) {
  const json* content = member(block, "content");
  if (content == nullptr || !content->is_array()) return;
  for (const auto& part : *content) out.text += text_member(part, "text");
}

void take_tool_use(const json& block, answer& out) {
  const json* input = member(block, "input");
  out.tool_calls.push_back({{"id", text_member(block, "toolUseId")},
                            {"type", "function"},
                            {"function",
                             {{"name", text_member(block, "name")},
                              {"arguments", input == nullptr ? "{}" : dump_json(*input)}}}});
}

answer read_content(const json& message) {
  answer out;
  const json* content = member(message, "content");
  if (content == nullptr || !content->is_array()) return out;
  for (const auto& block : *content) {
    out.text += text_member(block, "text");
    if (const json* tool = member(block, "toolUse")) take_tool_use(*tool, out);
    if (const json* reasoning = member(block, "reasoningContent")) take_reasoning(*reasoning, out);
    if (const json* cited = member(block, "citationsContent")) take_citations(*cited, out);
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
  if (has_calls) out["tool_calls"] = std::move(from.tool_calls);
  return out;
}

bool is_identity(const codec::response_head& head) {
  return base::iequals(head.fields.find("content-encoding").value_or("identity"), "identity");
}

class chat_completions_openai_to_bedrock final : public translator {
 public:
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
  base::result<std::string, refusal> completion(std::string_view body);

  std::string model_;
  std::string id_;
  std::int64_t created_ = 0;
  bool is_stream_ = false;
  bool has_usage_chunk_ = false;
  std::optional<converse_stream> stream_;
  token_usage usage_;
};

base::result<upstream_request, refusal> chat_completions_openai_to_bedrock::request(
    const request_view& original, const backend_view& backend) {
  model_ = backend.model_override.empty() ? original.model : backend.model_override;
  if (model_.empty()) return refusal{400, "invalid request body: `model` is missing"};
  // Dot segments would be resolved away and name another path.
  if (model_ == "." || model_ == "..") return refusal{400, "invalid request body: invalid `model`"};
  auto body = converse_request(original.body, model_, backend.may_drop);
  if (!body) return body.error();
  is_stream_ = original.stream;
  has_usage_chunk_ = body->has_usage_chunk;
  upstream_request out;
  out.target =
      "/model/" + codec::path_escape(model_) + (is_stream_ ? "/converse-stream" : "/converse");
  out.body = std::move(body->json);
  out.dropped = std::move(body->dropped);
  const auto accept =
      is_stream_ ? codec::event_stream_content_type : std::string_view{"application/json"};
  // The answer is read here, so it must not come compressed.
  out.set = {{"content-type", "application/json"},
             {"accept", std::string{accept}},
             {"accept-encoding", "identity"}};
  return out;
}

response_plan chat_completions_openai_to_bedrock::head(const codec::response_head& head,
                                                       base::wall_time now) {
  created_ = codec::unix_seconds(now);
  id_ = head.fields.find("x-amzn-requestid").value_or("");
  if (id_.empty()) id_ = "chatcmpl-" + std::to_string(now.time_since_epoch().count());
  const auto type = base::trim(head.fields.find("content-type").value_or(""));
  const bool is_event_stream = base::istarts_with(type, codec::event_stream_content_type);
  if (is_stream_ && head.status == 200 && is_event_stream && is_identity(head)) {
    stream_.emplace(converse_stream::head{id_, model_, created_, has_usage_chunk_});
    return {body_mode::stream, {{"content-type", "text/event-stream"}}};
  }
  return {body_mode::whole, {{"content-type", "application/json"}}};
}

bool chat_completions_openai_to_bedrock::feed(std::string_view bytes, std::string& out) {
  return stream_ && stream_->feed(bytes, out);
}

bool chat_completions_openai_to_bedrock::finish(std::string& out) {
  return stream_ && stream_->finish(out);
}

void chat_completions_openai_to_bedrock::abort(std::string_view message, std::string& out) {
  if (stream_) stream_->abort(message, out);
}

base::result<reply, refusal> chat_completions_openai_to_bedrock::whole(
    const codec::response_head& head, std::string_view body) {
  reply out{head.status, {{"content-type", "application/json"}}, {}};
  if (!is_identity(head)) return refusal{502, "the upstream's answer is compressed unasked"};
  if (head.status < 200 || head.status >= 300) {
    out.body = bedrock_error_body(head, body);
    return out;
  }
  if (is_stream_) return refusal{502, "the upstream did not answer with an event stream"};
  auto text = completion(body);
  if (!text) return text.error();
  out.body = std::move(*text);
  return out;
}

base::result<std::string, refusal> chat_completions_openai_to_bedrock::completion(
    std::string_view body) {
  const auto response = parse_json(body);
  const json* output = response ? member(*response, "output") : nullptr;
  const json* message = output == nullptr ? nullptr : member(*output, "message");
  if (message == nullptr) return refusal{502, "the upstream's answer holds no message"};
  const auto reason = text_member(*response, "stopReason");
  const auto finish = finish_reason_of(reason);
  if (!finish)
    return refusal{502, "the model's output was malformed (" + std::string{reason} + ")"};
  json out{{"id", id_}, {"object", "chat.completion"}, {"created", created_}, {"model", model_}};
  out["choices"].push_back(
      {{"index", 0}, {"message", message_of(read_content(*message))}, {"finish_reason", *finish}});
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
