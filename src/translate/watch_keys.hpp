#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Looks for member names in the raw text of one event without parsing it. Inside a JSON string a
/// quote is escaped, so `"name":` in the bytes is a member's name, at some depth. This only tells
/// ordinary events from those worth a strict reading.
namespace understudy::translate {

/// Does a name end before this colon, with space between them? Nobody writes that, and it must not
/// hide anything. `colon` is not the first character of the text.
inline bool is_spaced_name(const char* begin, const char* colon) {
  const char* at = colon - 1;
  while (at != begin && *at == ' ') --at;
  return *at == '"';
}

#if defined(__SSE2__)
/// Bit i: byte i of the 16 at `at` is a quote or a space, and the next one a colon.
inline unsigned colon_bits(const char* at) {
  const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 1));
  const __m128i is_before = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')),
                                         _mm_cmpeq_epi8(block, _mm_set1_epi8(' ')));
  return static_cast<unsigned>(
      _mm_movemask_epi8(_mm_and_si128(is_before, _mm_cmpeq_epi8(next, _mm_set1_epi8(':')))));
}
#endif

/// Calls `on_key(quote, value)` for each `"` followed by `:`; `quote` is the closing one of the
/// name, `value` the first character behind the colon that is no space (`end` where there is none).
/// False as soon as `on_key` is, or where the text can't be followed this way.
template <class OnKey>
bool all_keys(std::string_view text, OnKey&& on_key) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  const auto visit = [&](const char* quote) {
    const char* value = quote + 2;
    while (value != end && *value == ' ') ++value;
    return on_key(quote, value);
  };
#if defined(__SSE2__)
  if (text.size() < 17) return false;
  const char* last = end - 17;
  unsigned wanted = 0xFFFFU;  // the last block overlaps the one before it
  for (const char* at = begin;;) {
    for (auto bits = colon_bits(at) & wanted; bits != 0; bits &= bits - 1) {
      const char* before = at + __builtin_ctz(bits);
      if (*before == '"' ? !visit(before) : is_spaced_name(begin, before + 1)) return false;
    }
    if (at == last) return true;
    const auto left = last - at;
    wanted = left < 16 ? 0xFFFFU << (16 - left) : 0xFFFFU;
    at += left < 16 ? left : 16;
  }
#else
  for (const char* at = begin + 1; at < end; ++at) {
    at = static_cast<const char*>(std::memchr(at, ':', static_cast<std::size_t>(end - at)));
    if (at == nullptr) break;
    const char* before = at - 1;
    if (*before == '"' ? !visit(before) : *before == ' ' && is_spaced_name(begin, at)) return false;
  }
  return true;
#endif
}

/// Is `tail` (with the opening quote, or the last letters of several names) right before `quote`?
inline bool ends_with(const char* begin, const char* quote, std::string_view tail) {
  return static_cast<std::size_t>(quote - begin) >= tail.size() &&
         std::memcmp(quote - tail.size(), tail.data(), tail.size()) == 0;
}

/// Characters up to the closing quote; `at` stands on the opening one, or on something else: 0.
inline std::uint64_t characters_of(const char* at, const char* end) {
  if (at == end || *at != '"') return 0;
  std::uint64_t count = 0;
  for (++at; at != end && *at != '"'; ++at) {
    if (*at == '\\' && at + 1 != end) ++at;
    count += (static_cast<unsigned char>(*at) & 0xC0U) != 0x80U ? 1U : 0U;
  }
  return count;
}

/// Of a name that is no shorter than `known`.
template <std::size_t N>
bool is_name(const char* name, const char (&known)[N]) {
  return std::memcmp(name, known, N - 1) == 0;
}

inline bool is_null(const char* value, const char* end) { return value != end && *value == 'n'; }

}  // namespace understudy::translate
