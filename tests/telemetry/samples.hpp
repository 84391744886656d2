#pragma once
#include <understudy/telemetry/exchange_record.hpp>

namespace understudy::telemetry::tests {

inline base::wall_time wall(std::int64_t seconds, std::int64_t microseconds = 0) {
  return base::wall_time{std::chrono::seconds{seconds} + std::chrono::microseconds{microseconds}};
}

inline attempt_record attempt(std::string_view backend, std::uint32_t priority,
                              attempt_outcome outcome, int status, int milliseconds) {
  attempt_record a;
  a.backend = backend;
  a.priority = priority;
  a.outcome = outcome;
  a.status = status;
  a.elapsed = std::chrono::milliseconds{milliseconds};
  return a;
}

/// A request that failed over once: 503 from `a`, 200 from `b`.
inline exchange_record failed_over() {
  exchange_record r;
  r.start = wall(1'767'323'045, 678'900);  // 2026-01-02T03:04:05
  r.listener = "default";
  r.client_address = "192.0.2.7";
  r.request_id = "3f1c";
  r.method = "POST";
  r.path = "/v1/chat/completions";
  r.route = "default/r";
  r.model = "m";
  r.status = 200;
  r.bytes_received = 812;
  r.bytes_sent = 1024;
  r.elapsed = std::chrono::microseconds{120'456};
  r.time_to_first_byte = std::chrono::microseconds{100'001};
  r.attempts = {attempt("a", 0, attempt_outcome::status, 503, 20),
                attempt("b", 1, attempt_outcome::ok, 200, 80)};
  return r;
}

}  // namespace understudy::telemetry::tests
