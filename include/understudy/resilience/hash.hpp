#pragma once
#include <cstdint>
#include <string_view>

namespace understudy::resilience {

/// Spreads a number over all 64 bits.
constexpr std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

/// FNV-1a, mixed. The same in every process and on every platform: several understudies in front
/// of one set of backends must agree. Not for hostile input.
constexpr std::uint64_t hash_text(std::string_view text, std::uint64_t seed = 0) {
  std::uint64_t h = 0xcbf29ce484222325ULL ^ mix(seed + 1);
  for (const char c : text) {
    h ^= static_cast<unsigned char>(c);
    h *= 0x100000001b3ULL;
  }
  return mix(h);
}

}  // namespace understudy::resilience
