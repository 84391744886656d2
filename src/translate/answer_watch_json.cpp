#include <charconv>

#include "translate/watch_keys.hpp"
#include "translate/watch_parts.hpp"

namespace understudy::translate {

using codec::json_kind;

std::string_view object_in(std::string_view data) {
  const auto first = data.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || data[first] != '{') return {};
  return data.substr(first);
}

bool says_something(const codec::json_value& value) {
  switch (value.kind) {
    case json_kind::null:
      return false;
    case json_kind::boolean:
      return value.text == "true";
    case json_kind::number:
      return true;
    case json_kind::string:
      return value.text.size() > 2;
    case json_kind::object:
    case json_kind::array:
      break;
  }
  return value.text.find_first_not_of(" \t\r\n", 1) != value.text.size() - 1;
}

bool is_string(const codec::json_value& value, std::string_view text) {
  return value.kind == json_kind::string && value.raw_string() == text;
}

std::string_view raw_text(std::string_view object, std::string_view name) {
  const auto found = codec::find_member(object, name);
  return found && found->kind == json_kind::string ? found->raw_string() : std::string_view{};
}

void read_identity(answer_progress& progress, std::string_view object, std::string_view model,
                   std::string_view id) {
  if (progress.is_named() || object.empty()) return;
  std::string_view found_model;
  std::string_view found_id;
  codec::json_reader reader{object};
  while (reader.next() && (found_model.empty() || found_id.empty())) {
    if (reader.value().kind != json_kind::string) continue;
    if (reader.is_key(model))
      found_model = reader.value().raw_string();
    else if (reader.is_key(id))
      found_id = reader.value().raw_string();
  }
  progress.on_identity(found_model, found_id);
}

std::string_view nested(std::string_view object, std::string_view name) {
  const auto found = codec::find_member(object, name);
  const bool is_nested =
      found && (found->kind == json_kind::object || found->kind == json_kind::array);
  return is_nested ? found->text : std::string_view{};
}

std::uint64_t count_characters(std::string_view raw) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '\\' && i + 1 < raw.size()) ++i;
    count += (static_cast<unsigned char>(raw[i]) & 0xC0U) != 0x80U ? 1U : 0U;
  }
  return count;
}

std::size_t index_of(const codec::json_value& value) {
  std::size_t index = 0;
  const char* end = value.text.data() + value.text.size();
  const bool is_index =
      value.kind == json_kind::number && std::from_chars(value.text.data(), end, index).ptr == end;
  return is_index ? index : 0;
}

namespace {

using counter = std::optional<std::uint64_t>;

struct usage_words {
  counter uncached;                 ///< Anthropic's and Converse's input, which leaves these out:
  counter cache_read, cache_write;  ///< part of OpenAI's
  counter tool_prompt, thoughts;    ///< not part of Gemini's prompt and candidates
  counter candidates;
};

/// Where the number of that name belongs; null for names that are none of ours.
counter* counter_of(token_usage& usage, usage_words& words, std::string_view name) {
  const char* at = name.data();
  switch (name.size()) {
    case 11:
      if (is_name(at, "inputTokens")) return &words.uncached;
      return is_name(at, "totalTokens") ? &usage.total : nullptr;
    case 12:
      if (is_name(at, "input_tokens")) return &words.uncached;
      if (is_name(at, "outputTokens")) return &usage.output;
      return is_name(at, "total_tokens") ? &usage.total : nullptr;
    case 13:
      if (is_name(at, "prompt_tokens")) return &usage.input;
      if (is_name(at, "output_tokens")) return &usage.output;
      return is_name(at, "cached_tokens") ? &usage.cached_input : nullptr;
    case 15:
      if (is_name(at, "thinking_tokens")) return &usage.reasoning;
      return is_name(at, "totalTokenCount") ? &usage.total : nullptr;
    case 16:
      if (is_name(at, "promptTokenCount")) return &usage.input;
      return is_name(at, "reasoning_tokens") ? &usage.reasoning : nullptr;
    case 17:
      return is_name(at, "completion_tokens") ? &usage.output : nullptr;
    case 18:
      return is_name(at, "thoughtsTokenCount") ? &words.thoughts : nullptr;
    case 20:
      if (is_name(at, "candidatesTokenCount")) return &words.candidates;
      return is_name(at, "cacheReadInputTokens") ? &words.cache_read : nullptr;
    case 21:
      return is_name(at, "cacheWriteInputTokens") ? &words.cache_write : nullptr;
    case 23:
      if (is_name(at, "cachedContentTokenCount")) return &usage.cached_input;
      if (is_name(at, "toolUsePromptTokenCount")) return &words.tool_prompt;
      return is_name(at, "cache_read_input_tokens") ? &words.cache_read : nullptr;
    case 27:
      return is_name(at, "cache_creation_input_tokens") ? &words.cache_write : nullptr;
    default:
      return nullptr;
  }
}

void read_number(token_usage& usage, usage_words& words, const codec::json_reader& reader) {
  counter* to = counter_of(usage, words, reader.raw_key());
  if (to == nullptr) return;
  const auto& value = reader.value();
  std::uint64_t number = 0;
  const char* end = value.text.data() + value.text.size();
  if (std::from_chars(value.text.data(), end, number).ptr == end) *to = number;
}

bool is_details(const codec::json_reader& reader) {
  return reader.is_key("prompt_tokens_details") || reader.is_key("input_tokens_details") ||
         reader.is_key("completion_tokens_details") || reader.is_key("output_tokens_details");
}

}  // namespace

void read_usage(token_usage& usage, std::string_view object) {
  token_usage seen;
  usage_words words, inner;
  codec::json_reader reader{object};
  while (reader.next()) {
    if (reader.value().kind == json_kind::number) read_number(seen, words, reader);
    if (reader.value().kind != json_kind::object || !is_details(reader)) continue;
    codec::json_reader details{reader.value().text};
    while (details.next())
      if (details.value().kind == json_kind::number) read_number(seen, inner, details);
  }
  const auto take = [](counter& to, const counter& from) {
    if (from) to = from;
  };
  take(usage.cached_input, seen.cached_input ? seen.cached_input : words.cache_read);
  // Details only tell of what the count holds already.
  take(usage.cache_creation_input, words.cache_write ? words.cache_write : inner.cache_write);
  take(usage.input, seen.input);
  // What an earlier event has told of the cache still holds.
  const bool has_details = seen.cached_input || inner.cache_write;
  if (words.uncached && has_details)
    usage.input = words.uncached;
  else if (words.uncached)
    usage.input =
        *words.uncached + usage.cached_input.value_or(0) + usage.cache_creation_input.value_or(0);
  if (words.tool_prompt) usage.input = seen.input.value_or(0) + *words.tool_prompt;
  take(usage.output, seen.output);
  take(usage.reasoning, words.thoughts ? words.thoughts : seen.reasoning);
  if (words.candidates || words.thoughts)
    usage.output = words.candidates.value_or(0) + words.thoughts.value_or(0);
  // Some leave their cache out of the total.
  const bool is_recounted = words.uncached && !has_details;
  if (seen.total && !is_recounted)
    usage.total = seen.total;
  else if (usage.input && usage.output)
    usage.total = *usage.input + *usage.output;
}

}  // namespace understudy::translate
