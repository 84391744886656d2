#include "translate/gemini_stream.hpp"

#include <algorithm>
#include <utility>

#include <understudy/codec/json_scan.hpp>

#include "translate/error_event.hpp"
#include "translate/gemini_helper.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {
namespace {

using codec::json_kind;

constexpr std::size_t max_kept_bytes = std::size_t{1} << 20;
constexpr std::size_t max_choices = 64;

void append_finish(std::string& out, std::string_view reason) {
  out += R"(,"finish_reason":)";
  if (reason.empty())
    out += "null";
  else
    codec::append_json_string(out, reason);
}

}  // namespace

gemini_stream::gemini_stream(head head)
    : scanner_{max_event_bytes}, head_{std::move(head)}, ids_{head_.id} {}

/// Id and model of the answer, as its first chunk has them.
void gemini_stream::open(const chunk& chunk) {
  if (const auto id = unquote(chunk.id); !id.empty()) {
    head_.id = id;
    ids_ = gemini_call_ids{id};
  }
  if (const auto model = unquote(chunk.model); !model.empty()) head_.model = model;
  opening_ = R"(data: {"id":)";
  codec::append_json_string(opening_, head_.id);
  opening_ += R"(,"object":"chat.completion.chunk","created":)";
  opening_ += std::to_string(head_.created);
  opening_ += R"(,"model":)";
  codec::append_json_string(opening_, head_.model);
  opening_ += R"(,"choices":[)";
}

void gemini_stream::append_chunk(std::string& out, std::string_view choices) const {
  out.append(opening_).append(choices) += ']';
  if (head_.asked.has_usage_chunk) out += R"(,"usage":null)";
  out += "}\n\n";
}

bool gemini_stream::fail(std::string_view type, std::string_view code, std::string_view message,
                         std::string& out) {
  if (!has_failed_) append_error_event(out, operation::chat_completions, type, code, message);
  has_failed_ = true;
  return false;
}

void gemini_stream::abort(std::string_view message, std::string& out) {
  fail({}, {}, message, out);
}

bool gemini_stream::feed(std::string_view bytes, std::string& out) {
  using enum codec::sse_scanner::step;
  while (!has_failed_) {
    codec::sse_event event;
    const auto step = scanner_.next(bytes, event);
    if (step == need_more) return true;
    if (step == too_large) return fail({}, {}, "an event of the upstream is too large", out);
    if (!on_event(event, out)) return false;
  }
  return false;
}

/// False unless the text is an object without an error.
bool gemini_stream::read_chunk(std::string_view text, chunk& out) {
  codec::json_cursor at{text};
  if (at.kind() != json_kind::object || !at.enter()) return false;
  while (at.next()) {
    const auto kind = at.kind();
    if (at.is_key("candidates") && kind == json_kind::array) {
      const auto begin = at.offset();
      at.enter();
      for (out.candidate_count = 0; at.next(); ++out.candidate_count)
        if (out.candidate_count == 0) candidate_.read(at, 0);
      out.candidates = text.substr(begin, at.offset() - begin);
    } else if (at.is_key("usageMetadata") && kind == json_kind::object) {
      out.usage = at.take();
    } else if (at.is_key("responseId") && kind == json_kind::string) {
      out.id = at.take();
    } else if (at.is_key("modelVersion") && kind == json_kind::string) {
      out.model = at.take();
    } else if (at.is_key("promptFeedback") && kind == json_kind::object) {
      out.feedback = at.take();
    } else if (at.is_key("error")) {
      out.has_error = kind != json_kind::null;
    }
  }
  return at.finish() && !out.has_error;
}

bool gemini_stream::on_event(const codec::sse_event& event, std::string& out) {
  if (event.data.empty() || event.data == "[DONE]") return true;
  chunk read;
  const bool is_fine = event.type != "error" && read_chunk(event.data, read);
  return is_fine ? on_chunk(read, out) : on_fault(event, out);
}

bool gemini_stream::on_fault(const codec::sse_event& event, std::string& out) {
  const auto data = event.data;
  if (const auto error = codec::check_json(data))
    return fail({}, {}, malformed_event_text(*error), out);
  if (const auto error = gemini_error_of(data))
    return fail(
        error->type, error->code,
        error->message.empty() ? "the upstream broke the stream off with an error" : error->message,
        out);
  if (event.type == "error") return fail({}, {}, quoted_error_text(502, data), out);
  return fail({}, {}, "malformed event from the upstream: expected an object", out);
}

bool gemini_stream::on_chunk(const chunk& chunk, std::string& out) {
  if (opening_.empty()) open(chunk);
  if (!chunk.usage.empty())
    if (const auto usage = gemini_usage_of(chunk.usage); usage.total) usage_ = usage;
  if (!on_candidates(chunk, out)) return false;
  if (choices_.empty()) on_block(chunk.feedback, out);
  return true;
}

bool gemini_stream::on_candidates(const chunk& chunk, std::string& out) {
  if (chunk.candidate_count == 1) {
    if (!on_candidate(candidate_, out)) return false;
  } else if (chunk.candidate_count > 1) {
    codec::json_reader reader{chunk.candidates};
    for (std::size_t position = 0; reader.next(); ++position) {
      auto candidate = read_gemini_candidate(reader.value().text, position);
      if (!on_candidate(candidate, out)) return false;
    }
  }
  if (!made_choices_.empty()) append_chunk(out, made_choices_);
  empty_buffer(made_choices_);
  empty_buffer(candidate_.text);
  empty_buffer(candidate_.thoughts);
  empty_buffer(candidate_.finish_message);
  return true;
}

/// Appends to the choices what this part of the answer says; to `out` only errors.
bool gemini_stream::on_candidate(gemini_candidate& candidate, std::string& out) {
  if (candidate.index >= max_choices)
    return fail({}, {}, "the upstream's answer has too many candidates", out);
  if (candidate.index >= choices_.size()) choices_.resize(candidate.index + 1);
  auto& of = choices_[candidate.index];
  if (!keep_text(candidate, of, out)) return false;
  std::string_view finish;
  const bool is_end = !candidate.finish_reason.empty() && !of.has_finished;
  if (is_end) {
    const auto& reason = candidate.finish_reason;
    const auto known = gemini_finish_of(reason, of.calls + candidate.calls.size() != 0);
    if (!known) {
      auto message = "the model's output was malformed (" + reason + ")";
      if (!candidate.finish_message.empty()) message += ": " + candidate.finish_message;
      return fail(reason, {}, message, out);
    }
    finish = *known;
    of.has_finished = true;
  }
  std::string extra;
  if (!candidate.grounding.empty()) {
    std::string citations;
    append_gemini_annotations(citations, candidate.grounding, codec::unescape_json(of.text));
    if (!citations.empty()) extra = R"(,"annotations":)" + citations;
  }
  if (of.has_role && !is_end && extra.empty() && !candidate.says_something()) return true;
  made_choices_ += made_choices_.empty() ? R"({"index":)" : R"(,{"index":)";
  made_choices_.append(std::to_string(candidate.index)).append(R"(,"delta":)");
  append_gemini_delta(made_choices_, candidate, ids_, !of.has_role, of.calls, extra);
  if (!candidate.logprobs.empty()) {
    made_choices_ += R"(,"logprobs":)";
    append_gemini_logprobs(made_choices_, candidate.logprobs);
  }
  append_finish(made_choices_, finish);
  made_choices_ += "}";
  of.has_role = true;
  of.calls += candidate.calls.size();
  return true;
}

/// Text that comes as a JSON string is held back up to its end, and then goes out without quotes.
bool gemini_stream::keep_text(gemini_candidate& candidate, choice& of, std::string& out) {
  if (!head_.asked.is_quoted && !head_.asked.is_searched) return true;
  const bool has_room = of.text.size() + candidate.text.size() <= max_kept_bytes;
  if (has_room) of.text += candidate.text;
  if (!head_.asked.is_quoted) return true;
  if (!has_room) return fail({}, {}, "the upstream's answer is too long to be unquoted", out);
  candidate.text.clear();
  if (candidate.finish_reason.empty() || of.has_finished) return true;
  const auto quoted = quoted_gemini_text(of.text);
  candidate.text = quoted.empty() ? of.text : quoted.substr(1, quoted.size() - 2);
  return true;
}

void gemini_stream::on_block(std::string_view feedback, std::string& out) {
  const auto text = gemini_block_text(feedback);
  if (text.empty()) return;
  choices_.resize(1);
  choices_.front().has_role = choices_.front().has_finished = true;
  std::string choices = R"({"index":0,"delta":{"role":"assistant","content":"","refusal":)";
  codec::append_json_string(choices, text);
  choices += "}";
  append_finish(choices, "content_filter");
  append_chunk(out, choices + "}");
}

bool gemini_stream::finish(std::string& out) {
  if (has_failed_) return false;
  // The blank line behind the last event may be missing.
  if (!scanner_.is_between_events() && !feed("\n\n", out)) return false;
  const auto is_done = [](const choice& c) { return !c.has_role || c.has_finished; };
  const bool is_whole = !choices_.empty() && std::ranges::all_of(choices_, is_done);
  if (!is_whole)
    return fail({}, {}, "the upstream's stream ended before the model's answer did", out);
  if (head_.asked.has_usage_chunk && usage_.total) {
    out.append(opening_) += R"(],"usage":)";
    append_gemini_usage(out, usage_);
    out += "}\n\n";
  }
  out += "data: [DONE]\n\n";
  return true;
}

}  // namespace understudy::translate
