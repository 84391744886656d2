#include "translate/watch_parts.hpp"

/// Why the model stopped, in the provider's words, of an answer that is one document. Only where
/// somebody wants to know: it reads the parts that nothing else reads.
namespace understudy::translate {
namespace {

using codec::json_kind;

void read_choices(answer_progress& progress, std::string_view list, std::string_view name) {
  codec::json_reader choices{list};
  for (std::size_t position = 0; choices.next(); ++position) {
    if (choices.value().kind != json_kind::object) continue;
    const auto choice = choices.value().text;
    const auto index = codec::find_member(choice, "index");
    progress.on_reason(index ? index_of(*index) : position, raw_text(choice, name));
  }
}

}  // namespace

void read_finish_reasons(answer_progress& progress, std::string_view document, bool is_responses) {
  codec::json_reader reader{document};
  if (reader.kind() != json_kind::object) return;
  while (reader.next()) {
    const auto& value = reader.value();
    if (value.kind == json_kind::string &&
        (reader.is_key("stop_reason") || reader.is_key("stopReason")))
      progress.on_reason(0, value.raw_string());
    else if (value.kind == json_kind::array && reader.is_key("choices"))
      read_choices(progress, value.text, "finish_reason");
    else if (value.kind == json_kind::array && reader.is_key("candidates"))
      read_choices(progress, value.text, "finishReason");
    else if (is_responses && is_string(value, "completed") && reader.is_key("status"))
      progress.on_reason(0, "completed");
    else if (is_responses && value.kind == json_kind::object && reader.is_key("incomplete_details"))
      progress.on_reason(0, raw_text(value.text, "reason"));
  }
}

}  // namespace understudy::translate
