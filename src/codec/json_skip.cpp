#include "codec/json_skip.hpp"

#include <array>
#include <cstdint>

#include "codec/char_class.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace understudy::codec {
namespace {

bool is_special(char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }

constexpr char_table short_escape_table = [] {
  char_table out{};
  for (const char c : std::string_view{"\"\\/bfnrt"}) out[static_cast<unsigned char>(c)] = true;
  return out;
}();

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

const char* skip_digits(const char* p, const char* end) {
  while (p != end && *p >= '0' && *p <= '9') ++p;
  return p;
}

/// The containers around a value. A word counts from the push that reaches it: nearly all text is
/// so shallow that clearing all words would cost more than reading it.
class nesting {
 public:
  bool push(bool is_object) {
    if (depth_ == max_json_depth) return false;
    auto& word = levels_[static_cast<std::size_t>(depth_) / 64];
    if (depth_ % 64 == 0) word = 0;
    const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
    word = is_object ? (word | bit) : (word & ~bit);
    ++depth_;
    return true;
  }
  void pop() { --depth_; }
  bool is_left() const { return depth_ == 0; }
  bool is_in_object() const {
    return ((levels_[static_cast<std::size_t>(depth_ - 1) / 64] >> ((depth_ - 1) % 64)) & 1U) != 0;
  }

 private:
  int depth_ = 0;
  std::array<std::uint64_t, max_json_depth / 64> levels_;  // one bit a level: 1 = object
};

}  // namespace

/// `p` is behind the backslash.
inline const char* json_skipper::skip_escape(const char* p) {
  if (p == end) return fail("unterminated string", p);
  if (is_in(short_escape_table, *p)) return p + 1;
  if (*p != 'u') return fail("invalid escape", p);
  return skip_unicode_escape(p + 1);
}

/// Bit i: byte i of the 16 at `p` ends plain text (a quote, a backslash, a control character).
#if defined(__SSE2__)
#define UNDERSTUDY_HAS_BLOCKS 1
inline __m128i special_bytes(const char* p) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
  const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
  return _mm_or_si128(_mm_or_si128(quote, backslash), control);
}
inline unsigned special_bits(const char* p) {
  return static_cast<unsigned>(_mm_movemask_epi8(special_bytes(p)));
}
/// Passes over text in which nothing is special, 64 bytes at a time.
inline const char* skip_plain_blocks(const char* p, const char* end) {
  for (; end - p >= 64; p += 64) {
    const __m128i first = _mm_or_si128(special_bytes(p), special_bytes(p + 16));
    const __m128i second = _mm_or_si128(special_bytes(p + 32), special_bytes(p + 48));
    if (_mm_movemask_epi8(_mm_or_si128(first, second)) == 0) continue;
    while (special_bits(p) == 0) p += 16;
    break;
  }
  return p;
}
#elif defined(__aarch64__)
#define UNDERSTUDY_HAS_BLOCKS 1
inline unsigned special_bits(const char* p) {
  const uint8x16_t block = vld1q_u8(reinterpret_cast<const std::uint8_t*>(p));
  const uint8x16_t hit =
      vorrq_u8(vorrq_u8(vceqq_u8(block, vdupq_n_u8('"')), vceqq_u8(block, vdupq_n_u8('\\'))),
               vcltq_u8(block, vdupq_n_u8(0x20)));
  const std::uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t bits = vandq_u8(hit, vld1q_u8(weights));
  return vaddv_u8(vget_low_u8(bits)) | static_cast<unsigned>(vaddv_u8(vget_high_u8(bits))) << 8;
}
inline const char* skip_plain_blocks(const char* p, const char* /*end*/) { return p; }
#endif

/// Names and most values are short and plain.
const char* json_skipper::skip_string(const char* p) {
  has_escapes = false;
#ifdef UNDERSTUDY_HAS_BLOCKS
  if (end - p >= 16) {
    const unsigned bits = special_bits(p);
    const char* first = p + __builtin_ctz(bits | 0x8000U);
    if (*first == '"') return first + 1;
  }
#endif
  return skip_long_string(p);
}

/// Sixteen bytes at a time; escapes of two characters don't leave the block they stand in.
const char* json_skipper::skip_long_string(const char* p) {
#ifdef UNDERSTUDY_HAS_BLOCKS
  while (end - p >= 17) {  // so that the second half of an escape is there, too
    unsigned bits = special_bits(p);
    if (bits == 0) {
      p = skip_plain_blocks(p + 16, end);
      continue;
    }
    const char* next = p + 16;
    while (bits != 0) {
      const int i = __builtin_ctz(bits);
      const char* at_bit = p + i;
      if (*at_bit == '"') return at_bit + 1;
      if (*at_bit != '\\') return fail("control character in a string", at_bit);
      has_escapes = true;
      const char* behind = skip_escape(at_bit + 1);
      if (behind == nullptr) return nullptr;
      const auto used = behind - p;
      bits = used >= 16 ? 0 : bits & (~0U << used);
      next = used > 16 ? behind : next;
    }
    p = next;
  }
#endif
  for (;;) {
    while (p != end && !is_special(*p)) ++p;
    if (p == end) return fail("unterminated string", p);
    if (*p == '"') return p + 1;
    if (*p != '\\') return fail("control character in a string", p);
    has_escapes = true;
    p = skip_escape(p + 1);
    if (p == nullptr) return nullptr;
  }
}

const char* json_skipper::skip_unicode_escape(const char* p) {
  for (int i = 0; i < 4; ++i, ++p) {
    if (p == end) return fail("unterminated string", p);
    if (!is_hex(*p)) return fail("invalid escape", p);
  }
  return p;
}

const char* json_skipper::skip_number(const char* p) {
  if (*p == '-') ++p;
  if (p == end) return fail(reason_truncated, p);
  const char* digits = p;
  p = skip_digits(p, end);
  if (p == digits) return fail(reason_unexpected, p);
  if (*digits == '0' && p - digits > 1) return fail("leading zero in a number", digits);
  if (p != end && *p == '.') {
    digits = ++p;
    p = skip_digits(p, end);
    if (p == digits) return fail(p == end ? reason_truncated : reason_unexpected, p);
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    digits = p;
    p = skip_digits(p, end);
    if (p == digits) return fail(p == end ? reason_truncated : reason_unexpected, p);
  }
  return p;
}

const char* json_skipper::skip_word(const char* p, std::string_view word) {
  for (const char c : word) {
    if (p == end) return fail(reason_truncated, p);
    if (*p != c) return fail(reason_unexpected, p);
    ++p;
  }
  return p;
}

const char* json_skipper::skip_scalar(const char* p, json_kind& found) {
  switch (*p) {
    case '"':
      found = json_kind::string;
      return skip_string(p + 1);
    case 't':
      found = json_kind::boolean;
      return skip_word(p, "true");
    case 'f':
      found = json_kind::boolean;
      return skip_word(p, "false");
    case 'n':
      found = json_kind::null;
      return skip_word(p, "null");
    default:
      break;
  }
  if (*p != '-' && (*p < '0' || *p > '9')) return fail(reason_unexpected, p);
  found = json_kind::number;
  return skip_number(p);
}

const char* json_skipper::skip_key(const char* p) {
  if (p == end) return fail(reason_truncated, p);
  if (*p != '"') return fail(reason_unexpected, p);
  p = skip_string(p + 1);
  if (p == nullptr) return nullptr;
  p = skip_space(p, end);
  if (p == end) return fail(reason_truncated, p);
  if (*p != ':') return fail(reason_unexpected, p);
  return skip_space(p + 1, end);
}

const char* json_skipper::skip(const char* p) {
  if (p == end) return fail(reason_truncated, p);
  if (*p != '{' && *p != '[') return skip_scalar(p, kind);
  kind = *p == '{' ? json_kind::object : json_kind::array;
  return skip_container(p);
}

/// The loop stands before a value at its top, and behind one at its end.
const char* json_skipper::skip_container(const char* p) {
  json_kind ignored{};
  nesting around;
  for (;;) {
    if (p == end) return fail(reason_truncated, p);
    bool is_value_whole = true;
    if (*p == '{' || *p == '[') {
      const bool is_object = *p == '{';
      if (!around.push(is_object)) return fail("nested too deeply", p);
      p = skip_space(p + 1, end);
      if (p == end) return fail(reason_truncated, p);
      is_value_whole = *p == (is_object ? '}' : ']');
      if (is_value_whole) {
        around.pop();
        ++p;
      } else if (is_object) {
        p = skip_key(p);
        if (p == nullptr) return nullptr;
      }
    } else {
      p = skip_scalar(p, ignored);
      if (p == nullptr) return nullptr;
    }
    while (is_value_whole) {
      if (around.is_left()) return p;
      p = skip_space(p, end);
      if (p == end) return fail(reason_truncated, p);
      if (*p == ',') {
        p = skip_space(p + 1, end);
        if (around.is_in_object() && (p = skip_key(p)) == nullptr) return nullptr;
        break;
      }
      if (*p != (around.is_in_object() ? '}' : ']')) return fail(reason_unexpected, p);
      around.pop();
      ++p;
    }
  }
}

}  // namespace understudy::codec
