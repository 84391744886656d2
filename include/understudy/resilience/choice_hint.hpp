#pragma once
#include <cstdint>
#include <optional>

namespace understudy::resilience {

/// What a request says about the host it wants. Both are 64-bit values, so that a decision copies
/// no text: the caller hashes.
struct choice_hint {
  /// ConsistentHash input; absent: a random host, as Envoy does for a request without the input.
  std::optional<std::uint64_t> hash;
  /// `pick::key` of an earlier answer: session persistence.
  std::optional<std::uint64_t> session;
};

}  // namespace understudy::resilience
