#include <algorithm>

#include "translate/watch_keys.hpp"
#include "translate/watch_parts.hpp"

namespace understudy::translate {
namespace {

using codec::json_kind;

/// What a top-level member of a unary answer is to us.
enum class meaning : std::uint8_t {
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

/// By length, so that an unknown name costs next to nothing. Nobody escapes these.
meaning meaning_of(std::string_view name) {
  const char* at = name.data();
  const auto answer_if = [](bool is_answer) {
    return is_answer ? meaning::answer : meaning::other;
  };
  switch (name.size()) {
    case 2:
      return is_name(at, "id") ? meaning::id : meaning::other;
    case 4:
      if (is_name(at, "type")) return meaning::tag;
      return answer_if(is_name(at, "data") || is_name(at, "text"));
    case 5:
      if (is_name(at, "error")) return meaning::error;
      if (is_name(at, "usage")) return meaning::usage;
      if (is_name(at, "model")) return meaning::model;
      return answer_if(is_name(at, "count"));
    case 6:
      if (is_name(at, "object")) return meaning::tag;
      if (is_name(at, "status")) return meaning::status;
      if (is_name(at, "__type")) return meaning::message;
      return answer_if(is_name(at, "output") || is_name(at, "tokens"));
    case 7:
      if (is_name(at, "message") || is_name(at, "Message")) return meaning::message;
      return answer_if(is_name(at, "choices") || is_name(at, "content") || is_name(at, "results"));
    case 9:
      return answer_if(is_name(at, "embedding"));
    case 10:
      if (is_name(at, "responseId")) return meaning::id;
      return answer_if(is_name(at, "candidates") || is_name(at, "embeddings"));
    case 11:
      return answer_if(is_name(at, "predictions") || is_name(at, "inputTokens") ||
                       is_name(at, "totalTokens"));
    case 12:
      if (is_name(at, "modelVersion")) return meaning::model;
      return answer_if(is_name(at, "input_tokens"));
    case 13:
      return is_name(at, "usageMetadata") ? meaning::usage : meaning::other;
    case 14:
      return is_name(at, "promptFeedback") ? meaning::feedback : meaning::other;
    default:
      return meaning::other;
  }
}

struct findings {
  void add(meaning m, const codec::json_value& value) {
    switch (m) {
      case meaning::other:
        break;
      case meaning::answer:
        has_answer = has_answer || says_something(value);
        break;
      case meaning::error:
        has_error = has_error || says_something(value);
        break;
      case meaning::tag:
        has_error = has_error || is_string(value, "error");
        break;
      case meaning::status:
        has_failed = is_string(value, "failed");
        break;
      case meaning::message:
        has_message = says_something(value);
        break;
      case meaning::usage:
        usage = value.text;
        break;
      case meaning::feedback:
        feedback = value.text;
        break;
      case meaning::model:
        if (value.kind == json_kind::string) model = value.raw_string();
        break;
      case meaning::id:
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
  while (reader.next()) found.add(meaning_of(reader.raw_key()), reader.value());
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
    const auto m = meaning_of(name);
    const bool is_read = m != meaning::other && m != meaning::answer;
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
