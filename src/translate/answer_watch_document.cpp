#include <array>

#include "translate/watch_parts.hpp"

namespace understudy::translate {

using codec::json_kind;

void watch_document(answer_progress& progress, std::string_view document, bool is_bedrock) {
  using namespace std::string_view_literals;
  constexpr std::array answer_names{
      "choices"sv,   "content"sv,     "candidates"sv, "output"sv,       "data"sv,
      "embedding"sv, "embeddings"sv,  "results"sv,    "predictions"sv,  "tokens"sv,
      "count"sv,     "inputTokens"sv, "text"sv,       "input_tokens"sv, "totalTokens"sv,
  };
  codec::json_reader reader{document};
  if (!reader.failure() && reader.kind() == codec::json_kind::array) {
    if (reader.next() && reader.value().kind == json_kind::object)
      return watch_document(progress, reader.value().text, is_bedrock);
  }
  bool has_answer = false;
  bool has_error = false;
  bool has_failed = false;
  bool has_message = false;
  std::string_view usage, feedback;
  while (reader.next()) {
    const auto& value = reader.value();
    if (reader.is_key("promptFeedback")) feedback = value.text;
    if (reader.is_key("error")) has_error = says_something(value);
    if (reader.is_key("object") || reader.is_key("type"))
      has_error = has_error || is_string(value, "error");
    if (reader.is_key("status")) has_failed = is_string(value, "failed");
    if (reader.is_key("message") || reader.is_key("Message") || reader.is_key("__type"))
      has_message = says_something(value);
    if (reader.is_key("usage") || reader.is_key("usageMetadata")) usage = value.text;
    for (const auto name : answer_names)
      if (reader.is_key(name)) has_answer = has_answer || says_something(value);
  }
  if (reader.failure()) return progress.on_unintelligible("the answer is not JSON");
  if (usage.starts_with('{')) read_usage(progress.usage, usage);
  if (has_error && (!has_answer || has_failed)) {
    report_error_event(progress, {}, document);
    return;
  }
  if (is_bedrock && has_message && !has_answer) {
    report_error_event(progress, "error", document);
    return;
  }
  if (has_answer || !report_gemini_block(progress, feedback)) progress.on_end();
}

}  // namespace understudy::translate
