#include <understudy/telemetry/text.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

void put_control(base::text_writer& out, unsigned char c) {
  switch (c) {
    case '"':
      return out.put("\\\"");
    case '\\':
      return out.put("\\\\");
    case '\n':
      return out.put("\\n");
    case '\r':
      return out.put("\\r");
    case '\t':
      return out.put("\\t");
    default:
      break;
  }
  constexpr char hex[] = "0123456789abcdef";
  out.put("\\u00", hex[c >> 4], hex[c & 15]);
}

template <class T>
void append_integer(std::string& out, T value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

void put_padded(base::text_writer& out, std::uint64_t value, std::size_t width) {
  char* at = out.room(width);
  for (std::size_t i = width; i-- > 0; value /= 10) at[i] = static_cast<char>('0' + value % 10);
  out.advance(width);
}

#if defined(__SSE2__)
/// Bit i: character i of the sixteen needs an escape, or is not ASCII.
unsigned odd_bits(const char* at) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  // Signed: bytes above ASCII are less than a space, too.
  const __m128i is_outside = _mm_or_si128(_mm_cmplt_epi8(block, _mm_set1_epi8(0x20)),
                                          _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7F)));
  const __m128i is_mark = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
                                       _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(is_outside, is_mark)));
}
#endif

/// How many characters at the front need no escape.
std::size_t plain_length(std::string_view text) {
  std::size_t i = 0;
#if defined(__SSE2__)
  for (; i + 16 <= text.size(); i += 16) {
    const unsigned bits = odd_bits(text.data() + i);
    if (bits != 0) return i + static_cast<std::size_t>(__builtin_ctz(bits));
  }
  // The last block overlaps the one before it.
  if (i != 0 && odd_bits(text.data() + text.size() - 16) == 0) return text.size();
#endif
  while (i < text.size() && plain[static_cast<unsigned char>(text[i])]) ++i;
  return i;
}

}  // namespace

void put_escaped(base::text_writer& out, std::string_view text, std::size_t max_bytes) {
  std::size_t i = 0;
  const std::size_t limit = text.size() <= max_bytes ? text.size() : max_bytes;
  while (i < limit) {
    const std::size_t run = i + plain_length(text.substr(i, limit - i));
    out.put(text.substr(i, run - i));
    i = run;
    if (i == limit) break;
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      put_control(out, c);
      ++i;
      continue;
    }
    const std::size_t length = character_length(text.substr(i));
    if (length == 0) {
      out.put(replacement);
      ++i;
    } else if (i + length > limit) {
      break;
    } else {
      out.put(text.substr(i, length));
      i += length;
    }
  }
  if (limit < text.size()) out.put(ellipsis);
}

void put_json(base::text_writer& out, std::string_view text, std::size_t max_bytes) {
  out.put('"');
  put_escaped(out, text, max_bytes);
  out.put('"');
}

void put_json_or_null(base::text_writer& out, std::string_view text, std::size_t max_bytes) {
  if (text.empty())
    out.put("null");
  else
    put_json(out, text, max_bytes);
}

void append_escaped(std::string& out, std::string_view text, std::size_t max_bytes) {
  base::text_writer writer{out, text.size()};
  put_escaped(writer, text, max_bytes);
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

void put_milliseconds(base::text_writer& out, base::duration value) {
  const std::int64_t ns = value.count() < 0 ? 0 : value.count();
  const auto us = static_cast<std::uint64_t>(ns / 1000);
  out.put_number(us / 1000);
  out.put('.');
  put_padded(out, us % 1000, 3);
}

void append_milliseconds(std::string& out, base::duration value) {
  base::text_writer writer{out, 32};
  put_milliseconds(writer, value);
}

void append_seconds(std::string& out, std::uint64_t nanoseconds) {
  base::text_writer writer{out, 32};
  writer.put_number(nanoseconds / 1'000'000'000);
  std::uint64_t rest = nanoseconds % 1'000'000'000;
  if (rest == 0) return;
  std::size_t width = 9;
  for (; rest % 10 == 0; rest /= 10) --width;
  writer.put('.');
  put_padded(writer, rest, width);
}

void timestamp_writer::append(std::string& out, base::wall_time at) {
  base::text_writer writer{out, sizeof text_ + 4};
  put(writer, at);
}

std::string timestamp(base::wall_time at) {
  std::string text;
  timestamp_writer{}.append(text, at);
  return text;
}

void timestamp_writer::put(base::text_writer& out, base::wall_time at) {
  using namespace std::chrono;
  const auto second = floor<seconds>(at);
  if (second.time_since_epoch().count() != second_) {
    second_ = second.time_since_epoch().count();
    const auto day = floor<days>(second);
    const year_month_day date{day};
    const hh_mm_ss time{second - day};
    std::string text;
    {
      base::text_writer line{text, sizeof text_};
      put_padded(line, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
      line.put('-');
      put_padded(line, static_cast<unsigned>(date.month()), 2);
      line.put('-');
      put_padded(line, static_cast<unsigned>(date.day()), 2);
      line.put('T');
      put_padded(line, static_cast<std::uint64_t>(time.hours().count()), 2);
      line.put(':');
      put_padded(line, static_cast<std::uint64_t>(time.minutes().count()), 2);
      line.put(':');
      put_padded(line, static_cast<std::uint64_t>(time.seconds().count()), 2);
      line.put('.');
    }
    std::memcpy(text_, text.data(), sizeof text_);
  }
  out.put(std::string_view{text_, sizeof text_});
  put_padded(out, static_cast<std::uint64_t>(floor<milliseconds>(at - second).count()), 3);
  out.put('Z');
}

}  // namespace understudy::telemetry
