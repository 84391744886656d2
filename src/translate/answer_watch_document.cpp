#include <algorithm>
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
  if (!reader.failure() && reader.kind() == json_kind::array) {
    // Gemini's stream without server-sent events.
    if (reader.next() && reader.value().kind == json_kind::object)
      return watch_document(progress, reader.value().text, is_bedrock);
    return progress.on_unintelligible("the answer is not an object");
  }
  bool has_answer = false;
  bool has_error = false;
  bool has_failed = false;
  bool has_message = false;
  std::string_view usage, feedback;
  while (reader.next()) {
    const auto& value = reader.value();
    const auto name = reader.raw_key();  // nobody escapes these
    if (name == "error")
      has_error = has_error || says_something(value);
    else if (name == "object" || name == "type")
      has_error = has_error || is_string(value, "error");
    else if (name == "status")
      has_failed = is_string(value, "failed");
    else if (name == "message" || name == "Message" || name == "__type")
      has_message = says_something(value);
    else if (name == "usage" || name == "usageMetadata")
      usage = value.text;
    else if (name == "promptFeedback")
      feedback = value.text;
    else if (std::ranges::find(answer_names, name) != answer_names.end())
      has_answer = has_answer || says_something(value);
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
