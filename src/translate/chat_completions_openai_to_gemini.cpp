#include <understudy/codec/json_scan.hpp>
#include <understudy/codec/text.hpp>

#include "translate/error_event.hpp"
#include "translate/gemini_answer.hpp"
#include "translate/gemini_helper.hpp"
#include "translate/gemini_request.hpp"
#include "translate/gemini_stream.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

using codec::append_json_string;

bool is_identity(const codec::response_head& head) {
  return base::iequals(head.fields.find("content-encoding").value_or("identity"), "identity");
}

class chat_completions_openai_to_gemini final : public translator {
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
  base::result<std::string, refusal> choices_of(std::string_view candidates,
                                                const gemini_call_ids& ids) const;
  std::optional<refusal> append_choice(std::string& out, gemini_candidate candidate,
                                       const gemini_call_ids& ids) const;

  std::string model_;
  std::string id_;
  std::int64_t created_ = 0;
  bool is_stream_ = false;
  gemini_asked asked_;
  std::optional<gemini_stream> stream_;
  token_usage usage_;
};

base::result<upstream_request, refusal> chat_completions_openai_to_gemini::request(
    const request_view& original, const backend_view& backend) {
  model_ = backend.model_override.empty() ? original.model : backend.model_override;
  if (model_.empty()) return refusal{400, "invalid request body: `model` is missing"};
  // Dot segments would be resolved away and name another path.
  if (model_ == "." || model_ == "..") return refusal{400, "invalid request body: invalid `model`"};
  auto body = gemini_request(original.body, model_, backend.may_drop);
  if (!body) return body.error();
  is_stream_ = original.stream;
  asked_ = body->asked;
  upstream_request out;
  // A colon in the name would begin another method.
  out.target = "publishers/google/models/" + codec::uri_escape(model_, false) +
               (is_stream_ ? ":streamGenerateContent?alt=sse" : ":generateContent");
  out.body = std::move(body->json);
  out.dropped = std::move(body->dropped);
  // The answer is read here, so it must not come compressed.
  out.set = {{"content-type", "application/json"},
             {"accept", is_stream_ ? "text/event-stream" : "application/json"},
             {"accept-encoding", "identity"}};
  return out;
}

response_plan chat_completions_openai_to_gemini::head(const codec::response_head& head,
                                                      base::wall_time now) {
  created_ = codec::unix_seconds(now);
  id_ = "chatcmpl-" + std::to_string(now.time_since_epoch().count());
  const auto type = base::trim(head.fields.find("content-type").value_or(""));
  const bool is_event_stream = base::istarts_with(type, "text/event-stream");
  if (is_stream_ && head.status == 200 && is_event_stream && is_identity(head)) {
    stream_.emplace(gemini_stream::head{id_, model_, created_, asked_});
    return {body_mode::stream, {{"content-type", "text/event-stream"}}};
  }
  return {body_mode::whole, {{"content-type", "application/json"}}};
}

bool chat_completions_openai_to_gemini::feed(std::string_view bytes, std::string& out) {
  return stream_ && stream_->feed(bytes, out);
}

bool chat_completions_openai_to_gemini::finish(std::string& out) {
  return stream_ && stream_->finish(out);
}

void chat_completions_openai_to_gemini::abort(std::string_view message, std::string& out) {
  if (stream_) stream_->abort(message, out);
}

base::result<reply, refusal> chat_completions_openai_to_gemini::whole(
    const codec::response_head& head, std::string_view body) {
  reply out{head.status, {{"content-type", "application/json"}}, {}};
  if (!is_identity(head)) return refusal{502, "the upstream's answer is compressed unasked"};
  if (head.status < 200 || head.status >= 300) {
    out.body = gemini_error_body(head, body);
    return out;
  }
  if (const auto error = gemini_error_of(body))
    return refusal{502,
                   error->message.empty() ? "the upstream answered with an error" : error->message};
  if (is_stream_) return refusal{502, "the upstream did not answer with an event stream"};
  auto text = completion(body);
  if (!text) return text.error();
  out.body = std::move(*text);
  return out;
}

base::result<std::string, refusal> chat_completions_openai_to_gemini::completion(
    std::string_view body) {
  if (codec::check_json(body) || codec::json_reader{body}.kind() != codec::json_kind::object)
    return refusal{502, "the upstream's answer is not a JSON object"};
  const auto own_id = plain_text(raw_string_of(body, "responseId"));
  const auto version = plain_text(raw_string_of(body, "modelVersion"));
  const auto& id = own_id.empty() ? id_ : own_id;
  std::string choices;
  const auto candidates = raw_array_of(body, "candidates");
  if (codec::json_reader list{candidates.empty() ? "[]" : candidates}; list.next()) {
    auto made = choices_of(candidates, gemini_call_ids{id});
    if (!made) return made.error();
    choices = std::move(*made);
  } else {
    const auto text = gemini_block_text(raw_object_of(body, "promptFeedback"));
    if (text.empty()) return refusal{502, "the upstream's answer holds no candidates"};
    choices = R"({"index":0,"message":{"role":"assistant","content":"","refusal":)";
    append_json_string(choices, text);
    choices += R"(},"finish_reason":"content_filter"})";
  }
  std::string out = R"({"id":)";
  append_json_string(out, id);
  out += R"(,"object":"chat.completion","created":)" + std::to_string(created_) + R"(,"model":)";
  append_json_string(out, version.empty() ? model_ : version);
  out += R"(,"choices":[)" + choices + "]";
  if (const auto metadata = raw_object_of(body, "usageMetadata"); !metadata.empty()) {
    usage_ = gemini_usage_of(metadata);
    if (usage_.total) append_gemini_usage(out += R"(,"usage":)", usage_);
  }
  return out + "}";
}

base::result<std::string, refusal> chat_completions_openai_to_gemini::choices_of(
    std::string_view candidates, const gemini_call_ids& ids) const {
  std::string out;
  codec::json_reader reader{candidates};
  for (std::size_t position = 0; reader.next(); ++position) {
    if (position != 0) out += ",";
    auto candidate = read_gemini_candidate(reader.value().text, position);
    if (auto broken = append_choice(out, std::move(candidate), ids)) return *broken;
  }
  return out;
}

std::optional<refusal> chat_completions_openai_to_gemini::append_choice(
    std::string& out, gemini_candidate candidate, const gemini_call_ids& ids) const {
  const bool is_empty = candidate.finish_reason.empty() && !candidate.says_something();
  if (is_empty) return refusal{502, "the upstream's answer holds an empty candidate"};
  const auto reason = candidate.finish_reason.empty() ? "STOP" : candidate.finish_reason;
  const auto finish = gemini_finish_of(reason, !candidate.calls.empty());
  if (!finish) {
    auto message = "the model's output was malformed (" + reason + ")";
    if (!candidate.finish_message.empty()) message += ": " + candidate.finish_message;
    return refusal{502, std::move(message)};
  }
  std::string extra;
  if (!candidate.grounding.empty()) {
    std::string citations;
    append_gemini_annotations(citations, candidate.grounding, codec::unescape_json(candidate.text));
    if (!citations.empty()) extra = R"(,"annotations":)" + citations;
  }
  if (asked_.is_quoted)
    if (const auto quoted = quoted_gemini_text(candidate.text); !quoted.empty())
      candidate.text = quoted.substr(1, quoted.size() - 2);
  out += R"({"index":)" + std::to_string(candidate.index) + R"(,"message":)";
  append_gemini_message(out, candidate, ids, extra);
  if (!candidate.logprobs.empty()) {
    out += R"(,"logprobs":)";
    append_gemini_logprobs(out, candidate.logprobs);
  }
  out += R"(,"finish_reason":)";
  append_json_string(out, *finish);
  out += "}";
  return std::nullopt;
}

}  // namespace

std::unique_ptr<translator> make_chat_completions_openai_to_gemini(operation /*op*/) {
  return std::make_unique<chat_completions_openai_to_gemini>();
}

}  // namespace understudy::translate
