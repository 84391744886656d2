#pragma once
#include <cstdint>
#include <string>

#include <understudy/base/clock.hpp>
#include <understudy/resilience/active_check.hpp>
#include <understudy/resilience/host_weight.hpp>
#include <understudy/resilience/trial.hpp>

namespace understudy::resilience {

using base::time_point;

/// Identity of one address of one backendRef of one rule; never reused within a cluster.
using host_id = std::uint32_t;
inline constexpr host_id no_host = ~host_id{0};

/// Results of one sweep interval.
struct rate_bucket {
  std::uint32_t total = 0;
  std::uint32_t success = 0;
  void add(bool is_success) {
    ++total;
    success += is_success ? 1 : 0;
  }
};

/// What passive health knows of one host. Written by `ejection` only.
struct ejection_state {
  bool is_ejected = false;
  bool has_returned = false;  ///< returned_at is set
  bool is_operators = false;  ///< ejected by hand: no check brings it back
  bool is_timed = false;      ///< asked to be left alone: back at `until`, whatever the sweeps do
  time_point until;
  time_point ejected_at;
  time_point returned_at;
  std::uint32_t multiplier = 0;
  std::uint32_t ejections = 0;
  std::uint32_t consecutive_5xx = 0;
  std::uint32_t consecutive_gateway_errors = 0;
  std::uint32_t consecutive_local_failures = 0;
  rate_bucket external;
  rate_bucket local_origin;
};

/// One address of one backendRef. `rank` is the place of its priority among those in use.
struct host {
  host_id id = no_host;
  std::uint32_t locality = 0;
  std::uint32_t rank = 0;
  std::string address;
  std::uint64_t key = 0;        ///< of backendRef and address; the same in every process
  time_point in_service_since;  ///< added, or found healthy by a check: start of the slow start
  std::uint32_t active_requests = 0;
  ejection_state health;
  resilience::trial trial;
  check_state check;
  reported_weight reported;

  bool is_in_service() const { return !health.is_ejected && !check.is_out(); }
  bool is_usable(std::uint32_t trial_limit) const {
    return is_in_service() && !trial.is_full(trial_limit);
  }
};

}  // namespace understudy::resilience
