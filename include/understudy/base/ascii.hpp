#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace understudy::base {

constexpr char to_lower(char c) noexcept {
  return (c >= 'A' && c <= 'Z') ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// Eight characters with their upper-case letters in lower case; other bytes stay.
constexpr std::uint64_t lower_eight(std::uint64_t eight) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101U;
  const std::uint64_t low = eight & (0x7F * ones);
  const std::uint64_t is_upper =
      ~eight & ((low + (0x80 - 'A') * ones) ^ (low + (0x7F - 'Z') * ones)) & (0x80 * ones);
  return eight | (is_upper >> 2);
}

/// The eight characters at `at`, for comparisons with others of their kind.
inline std::uint64_t load_eight(const char* at) noexcept {
  std::uint64_t out = 0;
  std::memcpy(&out, at, sizeof out);
  return out;
}

/// Both of eight characters or more, and of one length.
inline bool equal_long_names(const char* a, const char* b, std::size_t size) noexcept {
  const auto differ = [a, b](std::size_t i) {
    return lower_eight(load_eight(a + i)) != lower_eight(load_eight(b + i));
  };
  const std::size_t last = size - 8;  // overlaps the block before it
  for (std::size_t i = 0; i < last; i += 8)
    if (differ(i)) return false;
  return !differ(last);
}

constexpr bool equal_names(const char* a, const char* b, std::size_t size) noexcept {
  if (!std::is_constant_evaluated() && size >= 8) return equal_long_names(a, b, size);
  for (std::size_t i = 0; i < size; ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

/// Most names differ in length or in the first letter: that much costs no call.
[[gnu::always_inline]] constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  if (a.empty()) return true;
  return to_lower(a.front()) == to_lower(b.front()) && equal_names(a.data(), b.data(), a.size());
}

constexpr bool istarts_with(std::string_view text, std::string_view prefix) noexcept {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

inline std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), to_lower);
  return out;
}

constexpr bool is_one_of(std::string_view text, std::initializer_list<std::string_view> of) {
  return std::ranges::find(of, text) != of.end();
}

/// Without the optional white space (space, tab) of RFC 9110 §5.6.3 at both ends.
constexpr std::string_view trim(std::string_view text) noexcept {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace understudy::base
