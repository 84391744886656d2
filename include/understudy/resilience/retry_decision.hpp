#pragma once
#include <cstdint>

#include <understudy/resilience/outcome.hpp>
#include <understudy/resilience/params.hpp>

namespace understudy::resilience {

enum class retriability : std::uint8_t {
  no,
  after_backoff,
  at_once,  ///< a listed 425: the server asks for the same request again, without early data
};

/// The table trigger × failure class (spec/resilience.md §1.4). Says nothing about how many retries
/// are left. `is_request_sent`: any attempt of the request so far has written a byte upstream.
retriability classify(const retry_params& policy, const outcome& result, bool is_request_sent);

}  // namespace understudy::resilience
