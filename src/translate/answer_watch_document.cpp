#include <algorithm>
#include <cstring>

#include "translate/watch_parts.hpp"

namespace understudy::translate {
namespace {

using codec::json_kind;

/// What a top-level member of a unary answer is to us.
enum class member : std::uint8_t {
  other,
  answer,
  error,
  tag,
  status,
  message,
  usage,
  feedback,
  model,
  id
};

template <std::size_t N>
bool is(const char* name, const char (&known)[N]) {
  return std::memcmp(name, known, N - 1) == 0;
}

/// By length, so that an unknown name costs next to nothing. Nobody escapes these.
member member_of(std::string_view name) {
  const char* at = name.data();
  const auto answer_if = [](bool is_answer) { return is_answer ? member::answer : member::other; };
  switch (name.size()) {
    case 2:
      return is(at, "id") ? member::id : member::other;
    case 4:
      if (is(at, "type")) return member::tag;
      return answer_if(is(at, "data") || is(at, "text"));
    case 5:
      if (is(at, "error")) return member::error;
      if (is(at, "usage")) return member::usage;
      if (is(at, "model")) return member::model;
      return answer_if(is(at, "count"));
    case 6:
      if (is(at, "object")) return member::tag;
      if (is(at, "status")) return member::status;
      if (is(at, "__type")) return member::message;
      return answer_if(is(at, "output") || is(at, "tokens"));
    case 7:
      if (is(at, "message") || is(at, "Message")) return member::message;
      return answer_if(is(at, "choices") || is(at, "content") || is(at, "results"));
    case 9:
      return answer_if(is(at, "embedding"));
    case 10:
      if (is(at, "responseId")) return member::id;
      return answer_if(is(at, "candidates") || is(at, "embeddings"));
    case 11:
      return answer_if(is(at, "predictions") || is(at, "inputTokens") || is(at, "totalTokens"));
    case 12:
      if (is(at, "modelVersion")) return member::model;
      return answer_if(is(at, "input_tokens"));
    case 13:
      return is(at, "usageMetadata") ? member::usage : member::other;
    case 14:
      return is(at, "promptFeedback") ? member::feedback : member::other;
    default:
      return member::other;
  }
}

struct findings {
  void add(member m, const codec::json_value& value) {
    switch (m) {
      case member::other:
        break;
      case member::answer:
        has_answer = has_answer || says_something(value);
        break;
      case member::error:
        has_error = has_error || says_something(value);
        break;
      case member::tag:
        has_error = has_error || is_string(value, "error");
        break;
      case member::status:
        has_failed = is_string(value, "failed");
        break;
      case member::message:
        has_message = says_something(value);
        break;
      case member::usage:
        usage = value.text;
        break;
      case member::feedback:
        feedback = value.text;
        break;
      case member::model:
        if (value.kind == json_kind::string) model = value.raw_string();
        break;
      case member::id:
        if (value.kind == json_kind::string) id = value.raw_string();
        break;
    }
  }

  bool has_answer = false;
  bool has_error = false;
  bool has_failed = false;
  bool has_message = false;
  std::string_view usage, feedback, model, id;
};

}  // namespace

void watch_document(answer_progress& progress, std::string_view document, bool is_bedrock) {
  codec::json_reader reader{document};
  if (!reader.failure() && reader.kind() == json_kind::array) {
    // Gemini's stream without server-sent events.
    if (reader.next() && reader.value().kind == json_kind::object)
      return watch_document(progress, reader.value().text, is_bedrock);
    return progress.on_unintelligible("the answer is not an object");
  }
  findings found;
  while (reader.next()) found.add(member_of(reader.raw_key()), reader.value());
  if (reader.failure()) return progress.on_unintelligible("the answer is not JSON");
  progress.on_identity(found.model, found.id);
  if (found.usage.starts_with('{')) read_usage(progress.usage, found.usage);
  if (found.has_error && (!found.has_answer || found.has_failed)) {
    report_error_event(progress, {}, document);
    return;
  }
  if (is_bedrock && found.has_message && !found.has_answer) {
    report_error_event(progress, "error", document);
    return;
  }
  if (found.has_answer || !report_gemini_block(progress, found.feedback)) progress.on_end();
}

bool watch_plain_document(answer_progress& progress, std::string_view document) {
  codec::json_reader reader{document};
  findings found;
  std::size_t kept = 0;
  while (reader.next()) {
    const auto name = reader.raw_key();
    const auto& value = reader.value();
    const auto m = member_of(name);
    const bool is_read = m != member::other && m != member::answer;
    if (is_read && value.text.size() > json_digest::max_value_bytes) return false;
    kept += name.size() + std::min(value.text.size(), json_digest::max_value_bytes) + 4;
    if (kept > json_digest::max_bytes / 2 || name.size() > json_digest::max_value_bytes / 4)
      return false;
    found.add(m, value);
  }
  if (reader.failure() || reader.kind() != json_kind::object) return false;
  if (found.has_error || found.has_message || !found.feedback.empty()) return false;
  progress.on_identity(found.model, found.id);
  if (found.usage.starts_with('{')) read_usage(progress.usage, found.usage);
  progress.on_end();
  return true;
}

}  // namespace understudy::translate
