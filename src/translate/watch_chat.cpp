#include "translate/watch_keys.hpp"
#include "translate/watch_parts.hpp"

/// Chunks of chat completions and of (text) completions, with the habits of servers that speak
/// OpenAI's dialect.
namespace understudy::translate {
namespace {

using codec::json_kind;

/// Once content has come: true for a chunk that brings more of it, or nothing. Whatever might be an
/// end, an error, usage or another choice gets a strict reading.
bool pass_ordinary_chunk(answer_progress& progress, std::string_view data) {
  const char* begin = data.data();
  const char* end = begin + data.size();
  std::uint64_t characters = 0;
  const bool is_ordinary = all_keys(data, [&](const char* quote, const char* value) {
    switch (quote[-1]) {
      case 'n':
        return !ends_with(begin, quote, "\"finish_reason") || is_null(value, end);
      case 'r':
        return !ends_with(begin, quote, "\"error") || is_null(value, end);
      case 'e':
        return !ends_with(begin, quote, "\"usage") || is_null(value, end);
      case 'x':
        return !ends_with(begin, quote, "\"index") ||
               (end - value >= 2 && *value == '0' && (value[1] < '0' || value[1] > '9'));
      case 't':
        if (ends_with(begin, quote, "content") || ends_with(begin, quote, "\"text"))
          characters += characters_of(value, end);
        return true;
      case 'g':
        if (ends_with(begin, quote, "\"reasoning")) characters += characters_of(value, end);
        return true;
      case 's':
        if (ends_with(begin, quote, "\"arguments")) characters += characters_of(value, end);
        return true;
      default:
        return true;
    }
  });
  if (is_ordinary) progress.on_content(characters);
  return is_ordinary;
}

std::uint64_t characters_in(const codec::json_value& value) {
  return value.kind == json_kind::string ? count_characters(value.raw_string()) : 0;
}

std::uint64_t argument_characters(std::string_view calls) {
  std::uint64_t count = 0;
  codec::json_reader reader{calls};
  while (reader.next()) {
    const auto function = nested(reader.value().text, "function");
    count += count_characters(raw_text(function, "arguments"));
  }
  return count;
}

void read_choice_delta(answer_progress& progress, std::string_view delta) {
  codec::json_reader reader{delta};
  while (reader.next()) {
    const auto& value = reader.value();
    if (!says_something(value)) continue;
    const auto is_any = [&reader](auto... names) { return (reader.is_key(names) || ...); };
    if (is_any("content", "reasoning_content", "reasoning", "refusal", "thinking"))
      progress.on_content(characters_in(value));
    else if (is_any("tool_calls"))
      progress.on_content(value.kind == json_kind::array ? argument_characters(value.text) : 0);
    else if (is_any("function_call"))
      progress.on_content(count_characters(raw_text(value.text, "arguments")));
    else if (is_any("audio", "images", "reasoning_details", "thinking_blocks", "annotations"))
      progress.on_content();
  }
}

void read_choice(answer_progress& progress, std::string_view choice, std::size_t position) {
  std::size_t index = position;
  std::string_view reason;
  codec::json_reader reader{choice};
  if (reader.kind() != json_kind::object) return;
  while (reader.next()) {
    const auto& value = reader.value();
    if (reader.is_key("index"))
      index = value.kind == json_kind::number ? index_of(value) : index;
    else if (reader.is_key("finish_reason"))
      reason = value.kind == json_kind::string ? value.raw_string() : std::string_view{};
    else if (reader.is_key("delta") || reader.is_key("message"))
      read_choice_delta(progress, value.kind == json_kind::object ? value.text : "{}");
    else if (reader.is_key("text") && says_something(value))
      progress.on_content(characters_in(value));
  }
  progress.on_choice(index);
  if (reason == "error")
    progress.on_fault(fault_named("server_error", "the model's answer ended in an error"));
  else if (!reason.empty())
    progress.on_finish(index, reason);
}

void read_chunk(answer_progress& progress, std::string_view type, std::string_view object) {
  if (codec::check_json(object)) return report_malformed(progress);
  if (report_error_event(progress, type, object)) return;
  read_identity(progress, object, "model", "id");
  if (const auto usage = nested(object, "usage"); usage.starts_with('{'))
    read_usage(progress.usage, usage);
  const auto choices = nested(object, "choices");
  if (!choices.starts_with('[')) return;
  codec::json_reader reader{choices};
  for (std::size_t position = 0; reader.next(); ++position)
    read_choice(progress, reader.value().text, position);
}

}  // namespace

void watch_chat(answer_progress& progress, std::string_view type, std::string_view data) {
  if (type == "error") return report_named_error(progress, data);
  const auto object = object_in(data);
  if (object.empty()) return;  // [DONE] says nothing about how the answer ended
  if (progress.has_content() && pass_ordinary_chunk(progress, object)) return;
  read_chunk(progress, type, object);
}

}  // namespace understudy::translate
