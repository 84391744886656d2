#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace understudy::plan {

/// What happens when an answer breaks after its first byte (FailoverPolicy `stream.onBreak`).
enum class on_break : std::uint8_t {
  terminate,  ///< an error event in the client's schema, and an end that is one
  verify,     ///< asked again from the start; silent while the text repeats what was sent
  resume,     ///< `continue`: the next backend goes on behind the text so far
  buffer,     ///< nothing is sent until the answer is whole
};

/// The part of FailoverPolicy that looks into bodies; the rest is in resilience::cluster_params.
/// In force on every rule of an AIGatewayRoute (spec/interface.md).
struct failover {
  bool holds = true;  ///< `firstToken.hold`: nothing is sent before the first content
  std::size_t max_held_bytes = std::size_t{256} << 10;
  std::optional<std::chrono::milliseconds> keep_alive;  ///< `firstToken.keepAlive`
  on_break at_break = on_break::terminate;
  bool is_guarded = true;  ///< backends that would drop what the request uses are left out
};

}  // namespace understudy::plan
