#pragma once
#include <cstdint>

namespace understudy::resilience {

/// How an attempt ended before its response was accepted (spec/resilience.md §1.3).
enum class failure_class : std::uint8_t {
  status,   ///< response head arrived; see `status`
  connect,  ///< refused, unreachable, name not resolved, TLS handshake failed
  connect_timeout,
  closed,    ///< established connection ended before the head
  protocol,  ///< unparsable response
  per_try,   ///< per-try (or per-try idle) timer
  global,    ///< request timeout: no retry decision is made
  overflow,  ///< circuit breaker
  no_host,   ///< nothing could be picked; no attempt was made
};

struct outcome {
  failure_class what = failure_class::status;
  int status = 0;
  bool is_bytes_sent = false;         ///< at least one byte of this attempt's request was written
  bool is_envoy_ratelimited = false;  ///< response carries x-envoy-ratelimited
  bool is_early_data = false;         ///< the client's request carries early-data
};

}  // namespace understudy::resilience
