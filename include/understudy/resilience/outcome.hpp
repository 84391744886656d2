#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

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
  in_band,   ///< an error, or no answer at all, inside a 2xx before its first content; see `status`
  unprepared,      ///< the request could not be made for this backend (no key): nobody's health
  local_shortage,  ///< no connection, for this process is short of descriptors or memory: likewise
};

inline bool is_gateway_status(int status) {
  return status == 502 || status == 503 || status == 504;
}

struct outcome {
  failure_class what = failure_class::status;
  int status = 0;                     ///< of `status`; what an `in_band` error stands for
  bool is_bytes_sent = false;         ///< at least one byte of this attempt's request was written
  bool is_envoy_ratelimited = false;  ///< response carries x-envoy-ratelimited
  bool is_early_data = false;         ///< the client's request carries early-data
  bool is_context_window = false;     ///< the request is too long for this model
  bool is_content_policy = false;     ///< a content filter has refused it
  bool is_final = false;              ///< of `unprepared`: no other backend may take it over
  /// How long the upstream asks to be left alone.
  std::optional<std::chrono::milliseconds> retry_after;
};

}  // namespace understudy::resilience
