#include <understudy/codec/json_scan.hpp>
#include <understudy/codec/text.hpp>

#include "translate/answer_translator.hpp"
#include "translate/gemini_answer.hpp"
#include "translate/gemini_helper.hpp"
#include "translate/gemini_request.hpp"
#include "translate/gemini_stream.hpp"
#include "translate/raw_json.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

using codec::append_json_string;

class chat_completions_openai_to_gemini final : public stream_translator<gemini_stream> {
  base::result<upstream_request, refusal> ask(const request_view& original,
                                              const backend_view& backend) override;
  void begin(const codec::response_head& /*head*/, base::wall_time now,
             response_plan& /*plan*/) override {
    created_ = codec::unix_seconds(now);
    id_ = completion_id_of(now);
  }
  void begin_stream() override {
    stream_.emplace(gemini_stream::head{id_, model(), created_, asked_});
  }
  std::string error_answer(const codec::response_head& head, std::string_view body) override {
    return gemini_error_body(head, body);
  }
  std::optional<refusal> fault_in(std::string_view body) override;
  base::result<std::string, refusal> answer(std::string_view body) override;

  base::result<std::string, refusal> choices_of(std::string_view candidates,
                                                const gemini_call_ids& ids) const;
  std::optional<refusal> append_choice(std::string& out, gemini_candidate candidate,
                                       const gemini_call_ids& ids) const;

  std::string id_;
  std::int64_t created_ = 0;
  gemini_asked asked_;
};

base::result<upstream_request, refusal> chat_completions_openai_to_gemini::ask(
    const request_view& original, const backend_view& backend) {
  auto body = gemini_request(original.body, model(), backend.may_drop);
  if (!body) return body.error();
  asked_ = body->asked;
  upstream_request out;
  // A colon in the name would begin another method.
  out.target = "publishers/google/models/" + codec::uri_escape(model(), false) +
               (is_stream() ? ":streamGenerateContent?alt=sse" : ":generateContent");
  out.body = std::move(body->json);
  out.dropped = std::move(body->dropped);
  return out;
}

std::optional<refusal> chat_completions_openai_to_gemini::fault_in(std::string_view body) {
  const auto error = gemini_error_of(body);
  if (!error) return std::nullopt;
  return refusal{502,
                 error->message.empty() ? "the upstream answered with an error" : error->message};
}

base::result<std::string, refusal> chat_completions_openai_to_gemini::answer(
    std::string_view body) {
  if (codec::check_json(body) || codec::json_reader{body}.kind() != codec::json_kind::object)
    return refusal{502, "the upstream's answer is not a JSON object"};
  const auto own_id = unquote(raw_string_of(body, "responseId"));
  const auto version = unquote(raw_string_of(body, "modelVersion"));
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
  append_json_string(out, version.empty() ? model() : version);
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
