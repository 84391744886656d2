#include "translate/watch_keys.hpp"
#include "translate/watch_parts.hpp"

/// Chunks of Gemini's streamGenerateContent (alt=sse).
namespace understudy::translate {
namespace {

using codec::json_kind;

/// Once content has come: true for a chunk without an end, an error or another candidate. Every
/// chunk has usage; the one with the end has the last word.
bool pass_ordinary_candidate(answer_progress& progress, std::string_view data) {
  const char* begin = data.data();
  const char* end = begin + data.size();
  std::uint64_t characters = 0;
  const bool is_ordinary = all_keys(data, [&](const char* quote, const char* value) {
    switch (quote[-1]) {
      case 'n':
        return !ends_with(begin, quote, "\"finishReason") || is_null(value, end);
      case 'r':
        return !ends_with(begin, quote, "\"error") || is_null(value, end);
      case 'k':
        return !ends_with(begin, quote, "\"promptFeedback");
      case 'x':
        return !ends_with(begin, quote, "\"index") ||
               (end - value >= 2 && *value == '0' && (value[1] < '0' || value[1] > '9'));
      case 't':
        if (ends_with(begin, quote, "\"text")) characters += characters_of(value, end);
        return true;
      default:
        return true;
    }
  });
  if (is_ordinary) progress.on_content(characters);
  return is_ordinary;
}

void read_part(answer_progress& progress, std::string_view part) {
  codec::json_reader reader{part};
  if (reader.kind() != json_kind::object) return;
  while (reader.next()) {
    const auto& value = reader.value();
    if (reader.is_key("thought") || !says_something(value)) continue;
    const bool is_text = reader.is_key("text") && value.kind == json_kind::string;
    progress.on_content(is_text ? count_characters(value.raw_string()) : 0);
  }
}

void read_candidate(answer_progress& progress, std::string_view candidate, std::size_t position) {
  std::size_t index = position;
  std::string_view reason;
  codec::json_reader reader{candidate};
  if (reader.kind() != json_kind::object) return;
  while (reader.next()) {
    const auto& value = reader.value();
    if (reader.is_key("index")) {
      index = index_of(value);
    } else if (reader.is_key("finishReason") && value.kind == json_kind::string) {
      reason = value.raw_string();
    } else if (reader.is_key("content") && value.kind == json_kind::object) {
      const auto parts = nested(value.text, "parts");
      codec::json_reader each{parts.empty() ? "[]" : parts};
      while (each.next()) read_part(progress, each.value().text);
    }
  }
  progress.on_choice(index);
  if (!reason.empty() && reason != "FINISH_REASON_UNSPECIFIED") progress.on_finish(index, reason);
}

}  // namespace

bool report_gemini_block(answer_progress& progress, std::string_view feedback) {
  const auto reason = raw_text(feedback, "blockReason");
  if (reason.empty()) return false;
  auto fault =
      fault_named("content_filter", codec::unescape_json(raw_text(feedback, "blockReasonMessage")));
  fault.code = codec::unescape_json(reason.substr(0, 64));
  progress.on_fault(std::move(fault));
  return true;
}

void watch_gemini(answer_progress& progress, std::string_view type, std::string_view data) {
  const auto object = object_in(data);
  if (object.empty()) {
    if (type == "error") report_named_error(progress, data);
    return;
  }
  if (progress.has_content() && type != "error" && pass_ordinary_candidate(progress, object))
    return;
  if (codec::check_json(object)) return report_malformed(progress);
  if (report_error_event(progress, type, object)) return;
  read_identity(progress, object, "modelVersion", "responseId");
  if (const auto usage = nested(object, "usageMetadata"); usage.starts_with('{'))
    read_usage(progress.usage, usage);
  const auto candidates = nested(object, "candidates");
  if (candidates.size() <= 2) {
    report_gemini_block(progress, nested(object, "promptFeedback"));
    return;
  }
  codec::json_reader reader{candidates};
  for (std::size_t position = 0; reader.next(); ++position)
    read_candidate(progress, reader.value().text, position);
}

}  // namespace understudy::translate
