#include <understudy/trace/context.hpp>

#include <understudy/base/ascii.hpp>

namespace understudy::trace {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

void write_hex(char* at, std::uint64_t value) {
  for (int i = 15; i >= 0; --i, value >>= 4) at[i] = digits[value & 0xF];
}

/// Of 1 to 16 digits.
std::optional<std::uint64_t> parse_hex(std::string_view text, bool allows_upper_case = false) {
  if (text.empty() || text.size() > 16) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = digits.find(allows_upper_case ? base::to_lower(c) : c);
    if (digit == digits.npos) return std::nullopt;
    value = value << 4 | digit;
  }
  return value;
}

std::optional<trace_id> parse_trace_id(std::string_view text, bool allows_upper_case = false) {
  const std::size_t low_digits = text.size() > 16 ? 16 : text.size();
  const auto low = parse_hex(text.substr(text.size() - low_digits), allows_upper_case);
  const auto rest = text.substr(0, text.size() - low_digits);
  const auto high =
      rest.empty() ? std::optional<std::uint64_t>{0} : parse_hex(rest, allows_upper_case);
  if (!low || !high || (*low | *high) == 0) return std::nullopt;
  return trace_id{*high, *low};
}

std::string_view cut_field(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto field = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return field;
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// simple-key, or tenant `@` system; both begin with a letter or, as level 2 has it, a digit.
bool is_tracestate_key(std::string_view key) {
  constexpr std::size_t max_bytes = 256;
  if (key.empty() || key.size() > max_bytes || !is_lower_or_digit(key.front())) return false;
  int ats = 0;
  for (const char c : key) {
    if (c == '@') ++ats;
    const bool is_fit =
        is_lower_or_digit(c) || c == '_' || c == '-' || c == '*' || c == '/' || c == '@';
    if (!is_fit) return false;
  }
  return ats <= 1 && key.back() != '@';
}

bool is_tracestate_value(std::string_view value) {
  constexpr std::size_t max_bytes = 256;
  if (value.empty() || value.size() > max_bytes || value.back() == ' ') return false;
  for (const char c : value)
    if (c < 0x20 || c > 0x7E || c == ',' || c == '=') return false;
  return true;
}

}  // namespace

void write_text(char* at, const trace_id& id) {
  write_hex(at, id.high);
  write_hex(at + 16, id.low);
}

void write_text(char* at, span_id id) { write_hex(at, id); }

std::string to_text(const trace_id& id) {
  std::string text(32, '0');
  write_text(text.data(), id);
  return text;
}

std::string to_text(span_id id) {
  std::string text(16, '0');
  write_text(text.data(), id);
  return text;
}

std::optional<span_context> parse_traceparent(std::string_view text) {
  if (text.size() < traceparent_bytes) return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const auto version = parse_hex(text.substr(0, 2));
  if (!version || *version == 0xFF) return std::nullopt;
  if (text.size() > traceparent_bytes && (*version == 0 || text[55] != '-')) return std::nullopt;
  const auto trace = parse_trace_id(text.substr(3, 32));
  const auto span = parse_hex(text.substr(36, 16));
  const auto flags = parse_hex(text.substr(53, 2));
  if (!trace || !span || *span == 0 || !flags) return std::nullopt;
  return span_context{*trace, *span, (*flags & 1U) != 0, (*flags & 2U) != 0};
}

void write_traceparent(char* at, const span_context& context) {
  at[0] = at[1] = '0';
  at[2] = at[35] = at[52] = '-';
  write_text(at + 3, context.trace);
  write_text(at + 36, context.span);
  at[53] = '0';
  at[54] = digits[(context.is_sampled ? 1U : 0U) | (context.is_random ? 2U : 0U)];
}

bool is_tracestate(std::string_view text) {
  constexpr int max_members = 32;
  int members = 0;
  while (!text.empty()) {
    const auto member = base::trim(cut_field(text, ','));
    if (member.empty()) continue;
    const auto equals = member.find('=');
    if (equals == member.npos || ++members > max_members) return false;
    if (!is_tracestate_key(member.substr(0, equals))) return false;
    if (!is_tracestate_value(member.substr(equals + 1))) return false;
  }
  return members != 0;
}

std::optional<span_context> parse_b3(std::string_view text) {
  const auto trace = cut_field(text, '-');
  const auto span = cut_field(text, '-');
  return parse_b3(trace, span, cut_field(text, '-'), {});
}

std::optional<span_context> parse_b3(std::string_view trace, std::string_view span,
                                     std::string_view sampled, std::string_view flags) {
  if ((trace.size() != 32 && trace.size() != 16) || span.size() != 16) return std::nullopt;
  const auto trace_parsed = parse_trace_id(trace, true);
  const auto span_parsed = parse_hex(span, true);
  if (!trace_parsed || !span_parsed || *span_parsed == 0) return std::nullopt;
  const bool is_sampled = sampled == "1" || sampled == "d" || sampled == "true" || flags == "1";
  return span_context{*trace_parsed, *span_parsed, is_sampled, false};
}

std::optional<span_context> parse_jaeger(std::string_view text) {
  const auto trace_text = cut_field(text, ':');
  if (trace_text.size() > 32) return std::nullopt;
  const auto trace = parse_trace_id(trace_text, true);
  const auto span = parse_hex(cut_field(text, ':'), true);
  cut_field(text, ':');  // the parent's parent: no use is made of it
  const auto flags = parse_hex(text, true);
  if (!trace || !span || *span == 0 || !flags) return std::nullopt;
  return span_context{*trace, *span, (*flags & 1U) != 0, false};
}

}  // namespace understudy::trace
