#include <understudy/telemetry/text.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

namespace understudy::telemetry {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::string_view ellipsis = "\xE2\x80\xA6";

constexpr bool is_plain(unsigned char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

constexpr std::array<bool, 256> plain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 256; ++c) table[c] = is_plain(static_cast<unsigned char>(c));
  return table;
}();

bool is_continuation(unsigned char c) { return (c & 0xC0) == 0x80; }

/// Length of the well-formed UTF-8 character at the front (RFC 3629), or 0.
std::size_t character_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char c = at(0);
  const auto has = [&](std::size_t n) {
    if (text.size() < n) return false;
    for (std::size_t i = 1; i < n; ++i)
      if (!is_continuation(at(i))) return false;
    return true;
  };
  if (c >= 0xC2 && c <= 0xDF) return has(2) ? 2 : 0;
  if (c >= 0xE0 && c <= 0xEF) {
    if (!has(3)) return 0;
    if (c == 0xE0 && at(1) < 0xA0) return 0;  // overlong
    if (c == 0xED && at(1) > 0x9F) return 0;  // surrogate
    return 3;
  }
  if (c >= 0xF0 && c <= 0xF4) {
    if (!has(4)) return 0;
    if (c == 0xF0 && at(1) < 0x90) return 0;
    if (c == 0xF4 && at(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

void append_control(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  constexpr char hex[] = "0123456789abcdef";
  out += "\\u00";
  out += hex[c >> 4];
  out += hex[c & 15];
}

template <class T>
void append_integer(std::string& out, T value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void append_padded(std::string& out, std::uint64_t value, int width) {
  char digits[20];
  for (int i = width - 1; i >= 0; --i, value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  out.append(digits, static_cast<std::size_t>(width));
}

}  // namespace

void append_escaped(std::string& out, std::string_view text, std::size_t max_bytes) {
  std::size_t i = 0;
  const std::size_t limit = text.size() <= max_bytes ? text.size() : max_bytes;
  while (i < limit) {
    std::size_t run = i;
    while (run < limit && plain[static_cast<unsigned char>(text[run])]) ++run;
    out.append(text.data() + i, run - i);
    i = run;
    if (i == limit) break;
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      append_control(out, c);
      ++i;
      continue;
    }
    const std::size_t length = character_length(text.substr(i));
    if (length == 0) {
      out += replacement;
      ++i;
    } else if (i + length > limit) {
      break;
    } else {
      out.append(text.data() + i, length);
      i += length;
    }
  }
  if (limit < text.size()) out += ellipsis;
}

void append_json(std::string& out, std::string_view text, std::size_t max_bytes) {
  out += '"';
  append_escaped(out, text, max_bytes);
  out += '"';
}

void append_json_or_null(std::string& out, std::string_view text, std::size_t max_bytes) {
  if (text.empty())
    out += "null";
  else
    append_json(out, text, max_bytes);
}

void append_number(std::string& out, std::uint64_t value) { append_integer(out, value); }
void append_number(std::string& out, std::int64_t value) { append_integer(out, value); }

void append_milliseconds(std::string& out, base::duration value) {
  const std::int64_t ns = value.count() < 0 ? 0 : value.count();
  const auto us = static_cast<std::uint64_t>(ns / 1000);
  append_integer(out, us / 1000);
  out += '.';
  append_padded(out, us % 1000, 3);
}

void append_seconds(std::string& out, std::uint64_t nanoseconds) {
  append_integer(out, nanoseconds / 1'000'000'000);
  std::uint64_t rest = nanoseconds % 1'000'000'000;
  if (rest == 0) return;
  int width = 9;
  for (; rest % 10 == 0; rest /= 10) --width;
  out += '.';
  append_padded(out, rest, width);
}

void timestamp_writer::append(std::string& out, base::wall_time at) {
  using namespace std::chrono;
  const auto second = floor<seconds>(at);
  if (second.time_since_epoch().count() != second_) {
    second_ = second.time_since_epoch().count();
    const auto day = floor<days>(second);
    const year_month_day date{day};
    const hh_mm_ss time{second - day};
    std::string text;
    append_padded(text, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
    text += '-';
    append_padded(text, static_cast<unsigned>(date.month()), 2);
    text += '-';
    append_padded(text, static_cast<unsigned>(date.day()), 2);
    text += 'T';
    append_padded(text, static_cast<std::uint64_t>(time.hours().count()), 2);
    text += ':';
    append_padded(text, static_cast<std::uint64_t>(time.minutes().count()), 2);
    text += ':';
    append_padded(text, static_cast<std::uint64_t>(time.seconds().count()), 2);
    text += '.';
    std::memcpy(text_, text.data(), sizeof text_);
  }
  out.append(text_, sizeof text_);
  append_padded(out, static_cast<std::uint64_t>(floor<milliseconds>(at - second).count()), 3);
  out += 'Z';
}

}  // namespace understudy::telemetry
