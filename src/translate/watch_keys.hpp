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

/// Calls `on_key(quote, value)` for each `"` followed by `:`; `quote` is the closing one of the
/// name, `value` the first character behind the colon that is no space (`end` where there is none).
/// False as soon as `on_key` is, or where the text is written in a way that can't be followed.
template <class OnKey>
bool all_keys(std::string_view text, OnKey&& on_key) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  const auto visit = [&](const char* quote) {
    const char* value = quote + 2;
    while (value != end && *value == ' ') ++value;
    return on_key(quote, value);
  };
  const char* at = begin;
#if defined(__SSE2__)
  const __m128i quotes = _mm_set1_epi8('"');
  const __m128i colons = _mm_set1_epi8(':');
  const __m128i spaces = _mm_set1_epi8(' ');
  for (; end - at >= 17; at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 1));
    const __m128i is_quote = _mm_cmpeq_epi8(block, quotes);
    // Space between a name and its colon: nobody writes it, and it must not hide anything.
    if (_mm_movemask_epi8(_mm_and_si128(is_quote, _mm_cmpeq_epi8(next, spaces))) != 0) return false;
    auto bits = static_cast<unsigned>(
        _mm_movemask_epi8(_mm_and_si128(is_quote, _mm_cmpeq_epi8(next, colons))));
    for (; bits != 0; bits &= bits - 1)
      if (!visit(at + __builtin_ctz(bits))) return false;
  }
#endif
  while (end - at > 1) {
    const auto* quote =
        static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at - 1)));
    if (quote == nullptr) break;
    if (quote[1] == ' ') return false;
    if (quote[1] == ':' && !visit(quote)) return false;
    at = quote + 1;
  }
  return true;
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

inline bool is_null(const char* value, const char* end) { return value != end && *value == 'n'; }

}  // namespace understudy::translate
