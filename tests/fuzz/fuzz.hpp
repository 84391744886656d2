#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

/// Shared by the fuzz targets: a target is one function over bytes, run by libFuzzer or, over the
/// files of a corpus, by replay.cpp in the ordinary suite.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// What must hold for every input. Stays on in every build.
inline void require(bool holds) {
  if (!holds) std::abort();
}

/// The input cut into pieces whose sizes depend on `seed`: the same bytes, arriving otherwise.
inline std::vector<std::string_view> cut(std::string_view input, std::uint8_t seed) {
  std::vector<std::string_view> pieces;
  std::uint32_t state = seed + 1U;
  while (!input.empty()) {
    state = state * 1664525U + 1013904223U;
    const std::size_t size = seed == 0 ? 1 : 1 + (state >> 24) % 37;
    pieces.push_back(input.substr(0, size));
    input.remove_prefix(pieces.back().size());
  }
  return pieces;
}

/// Takes one byte from the front, 0 where there is none.
inline std::uint8_t take_byte(std::string_view& input) {
  if (input.empty()) return 0;
  const auto byte = static_cast<std::uint8_t>(input.front());
  input.remove_prefix(1);
  return byte;
}

}  // namespace fuzz
