#include "translate/anthropic_helper.hpp"

#include <algorithm>
#include <charconv>

#include "translate/converse_helper.hpp"
#include "translate/error_event.hpp"
#include "translate/raw_json.hpp"

namespace understudy::translate {
namespace {

using codec::json_kind;

void take_greater(std::optional<std::uint64_t>& into, std::string_view text) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  if (text.empty() || std::from_chars(text.data(), end, number).ptr != end) return;
  // Sums of such numbers must not wrap around.
  constexpr std::uint64_t most = std::uint64_t{1} << 48;
  into = std::max(into.value_or(0), std::min(number, most));
}

/// Google answers errors of a streamed request with a list of one.
std::string_view error_object(std::string_view body) {
  codec::json_reader reader{body};
  if (reader.kind() == json_kind::array && reader.next()) body = reader.value().text;
  return body;
}

std::string message_in(std::string_view object) {
  for (const auto* name : {"message", "Message"})
    if (auto text = string_member(object, name); !text.empty()) return text;
  return {};
}

}  // namespace

std::string_view finish_reason_of_claude(std::string_view stop_reason) {
  if (stop_reason == "tool_use") return "tool_calls";
  if (stop_reason == "max_tokens" || stop_reason == "model_context_window_exceeded")
    return "length";
  if (stop_reason == "refusal") return "content_filter";
  return "stop";
}

std::string_view service_tier_of(std::string_view anthropic_tier) {
  return anthropic_tier == "standard" ? std::string_view{"default"} : anthropic_tier;
}

void claude_usage::take(std::string_view usage_json) {
  codec::json_reader reader{usage_json};
  while (reader.next()) {
    const auto& value = reader.value();
    if (value.kind == json_kind::number) {
      if (reader.is_key("input_tokens")) take_greater(uncached_, value.text);
      if (reader.is_key("output_tokens")) take_greater(output_, value.text);
      if (reader.is_key("cache_read_input_tokens")) take_greater(cached_, value.text);
      if (reader.is_key("cache_creation_input_tokens")) take_greater(created_, value.text);
    } else if (value.kind == json_kind::object && reader.is_key("output_tokens_details")) {
      take_greater(thinking_, raw_member(value.text, "thinking_tokens", json_kind::number));
    } else if (value.kind == json_kind::string && reader.is_key("service_tier")) {
      service_tier_ = service_tier_of(codec::unescape_json(value.raw_string()));
    }
  }
}

token_usage claude_usage::total() const {
  token_usage out;
  if (!uncached_ && !output_) return out;
  out.output = output_;
  out.cached_input = cached_;
  out.cache_creation_input = created_;
  out.reasoning = thinking_;
  out.input = uncached_.value_or(0) + cached_.value_or(0) + created_.value_or(0);
  out.total = *out.input + output_.value_or(0);
  return out;
}

std::uint64_t code_points(std::string_view raw, bool has_escapes) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const auto byte = static_cast<unsigned char>(raw[i]);
    if ((byte & 0xC0U) == 0x80U) continue;  // inside a character
    ++count;
    if (byte != '\\' || !has_escapes || i + 1 == raw.size()) continue;
    ++i;
    if (raw[i] != 'u' || i + 4 >= raw.size()) continue;
    // The second half of a pair belongs to the first.
    const char high = raw[i + 1];
    const auto second = raw.substr(i + 2, 1);
    const bool is_low =
        (high == 'd' || high == 'D') && second.find_first_of("cdefCDEF") != std::string_view::npos;
    if (is_low) --count;
    i += 4;
  }
  return count;
}

std::string claude_error_body(const codec::response_head& head, std::string_view body) {
  std::string message;
  std::string type;
  if (!codec::check_json(body)) {
    const auto object = error_object(body);
    const auto error = raw_object_of(object, "error");
    message = message_in(error.empty() ? object : error);
    type = string_member(error, "type");
    if (type.empty()) type = string_member(error, "status");  // Google's name
  }
  if (message.empty()) message = quoted_error_text(head.status, body);
  if (type.empty()) type = exception_name(head.fields.find("x-amzn-errortype").value_or(""));
  return error_body(operation::chat_completions, head.status, type, std::to_string(head.status),
                    message);
}

}  // namespace understudy::translate
