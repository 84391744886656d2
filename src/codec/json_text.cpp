#include <cstdint>
#include <cstring>

#include <understudy/codec/json_scan.hpp>

#include "codec/json_skip.hpp"

namespace understudy::codec {
namespace {

unsigned hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  return static_cast<unsigned>((c | 0x20) - 'a') + 10U;
}

unsigned read_hex4(const char* p) {
  return hex_value(p[0]) << 12 | hex_value(p[1]) << 8 | hex_value(p[2]) << 4 | hex_value(p[3]);
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto push = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xC0U | code >> 6);
    push(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    push(0xE0U | code >> 12);
    push(0x80U | (code >> 6 & 0x3FU));
    push(0x80U | (code & 0x3FU));
  } else {
    push(0xF0U | code >> 18);
    push(0x80U | (code >> 12 & 0x3FU));
    push(0x80U | (code >> 6 & 0x3FU));
    push(0x80U | (code & 0x3FU));
  }
}

/// `i` is at the `u`; returns the index behind what was used.
std::size_t append_unicode_escape(std::string& out, std::string_view raw, std::size_t i) {
  constexpr std::uint32_t replacement = 0xFFFD;
  if (raw.size() - i < 5) return raw.size();
  const std::uint32_t unit = read_hex4(raw.data() + i + 1);
  i += 5;
  if (unit < 0xD800 || unit > 0xDFFF) {
    append_utf8(out, unit);
    return i;
  }
  const bool has_pair = unit < 0xDC00 && raw.size() - i >= 6 && raw[i] == '\\' && raw[i + 1] == 'u';
  const std::uint32_t low = has_pair ? read_hex4(raw.data() + i + 2) : 0;
  if (low < 0xDC00 || low > 0xDFFF) {
    append_utf8(out, replacement);
    return i;
  }
  append_utf8(out, 0x10000U + ((unit - 0xD800U) << 10) + (low - 0xDC00U));
  return i + 6;
}

char simple_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

/// Length of the valid UTF-8 sequence at `p`, or 0.
std::size_t utf8_length(const unsigned char* p, std::size_t left) {
  if (p[0] < 0x80) return 1;
  const auto is_tail = [&](std::size_t i) { return i < left && (p[i] & 0xC0U) == 0x80U; };
  if (p[0] < 0xC2) return 0;
  if (p[0] < 0xE0) return is_tail(1) ? 2 : 0;
  if (p[0] < 0xF0) {
    if (!is_tail(1) || !is_tail(2)) return 0;
    if (p[0] == 0xE0 && p[1] < 0xA0) return 0;
    if (p[0] == 0xED && p[1] > 0x9F) return 0;
    return 3;
  }
  if (p[0] > 0xF4 || !is_tail(1) || !is_tail(2) || !is_tail(3)) return 0;
  if (p[0] == 0xF0 && p[1] < 0x90) return 0;
  if (p[0] == 0xF4 && p[1] > 0x8F) return 0;
  return 4;
}

/// Eight characters that a JSON string holds as they are: ASCII, none to be escaped.
bool is_plain(std::uint64_t eight) {
  constexpr std::uint64_t ones = 0x0101'0101'0101'0101, highs = 0x8080'8080'8080'8080;
  // A byte of zero borrows into its highest bit; one below 0x20 does when 0x20 is taken from it.
  const auto has_zero = [](std::uint64_t x) { return (x - ones) & ~x & highs; };
  const std::uint64_t below_space = (eight - ones * 0x20) & ~eight & highs;
  return ((eight & highs) | below_space | has_zero(eight ^ ones * '"') |
          has_zero(eight ^ ones * '\\')) == 0;
}

void append_escaped(std::string& out, char c) {
  constexpr char digits[] = "0123456789abcdef";
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
      out += "\\u00";
      out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
      out.push_back(digits[static_cast<unsigned char>(c) & 15U]);
  }
}

void append_unescaped(std::string& out, std::string_view raw) {
  std::size_t i = 0;
  while (i < raw.size()) {
    const auto backslash = std::min(raw.find('\\', i), raw.size());
    out.append(raw, i, backslash - i);
    i = backslash + 1;
    if (i >= raw.size()) break;
    if (raw[i] == 'u') {
      i = append_unicode_escape(out, raw, i);
    } else {
      out.push_back(simple_escape(raw[i++]));
    }
  }
}

}  // namespace

std::string unescape_json(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  append_unescaped(out, raw);
  return out;
}

std::string_view unescape_json(std::string_view raw, std::string& buffer) {
  if (raw.find('\\') == std::string_view::npos) return raw;
  buffer.clear();
  append_unescaped(buffer, raw);
  return buffer;
}

bool is_utf8(std::string_view text) {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  for (std::size_t i = 0; i < text.size();) {
    constexpr std::uint64_t high_bits = 0x8080'8080'8080'8080;
    std::uint64_t eight = high_bits;
    if (text.size() - i >= sizeof eight) std::memcpy(&eight, p + i, sizeof eight);
    if ((eight & high_bits) == 0) {
      i += sizeof eight;
      continue;
    }
    const auto n = utf8_length(p + i, text.size() - i);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  std::size_t plain = 0;  // start of what can be copied as it is
  std::size_t i = 0;
  const auto flush = [&] { out.append(text, plain, i - plain); };
  while (i < text.size()) {
    std::uint64_t eight = 0;  // not plain
    if (text.size() - i >= sizeof eight) std::memcpy(&eight, text.data() + i, sizeof eight);
    if (is_plain(eight)) {
      i += sizeof eight;
      continue;
    }
    const char c = text[i];
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) {
      flush();
      append_escaped(out, c);
      plain = ++i;
      continue;
    }
    const auto n =
        utf8_length(reinterpret_cast<const unsigned char*>(text.data()) + i, text.size() - i);
    if (n == 0) {
      flush();
      out += "\xEF\xBF\xBD";
      plain = ++i;
      continue;
    }
    i += n;
  }
  flush();
  out.push_back('"');
}

}  // namespace understudy::codec
