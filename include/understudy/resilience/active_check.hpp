#pragma once
#include <cstdint>

#include <understudy/base/clock.hpp>
#include <understudy/resilience/params.hpp>

namespace understudy::resilience {

/// How one active check ended (spec/resilience.md §4).
enum class check_result : std::uint8_t {
  pass,
  degraded,     ///< a pass with `x-envoy-degraded`: in service, but only for what others can't take
  mismatch,     ///< an answer, but not the expected status or body: the host fails at once
  unreachable,  ///< no answer: timeout, refused, closed, TLS. Counts up to unhealthyThreshold
  retriable,    ///< a status of retriableStatuses. Counts likewise
  unmade,       ///< this process is short of descriptors or memory: tells nothing of the host
};

enum class check_change : std::uint8_t { none, passed, failed };

/// What active checks know of one host. Pure; the cluster asks for what is due and reports.
struct check_state {
  bool is_on = false;          ///< the cluster has checks
  bool is_degraded = false;    ///< its last pass said so
  bool is_failed = false;      ///< out of service as far as checks are concerned
  bool is_first = true;        ///< no result yet
  bool is_waived = false;      ///< in service until its first result: the cluster is new too
  bool is_running = false;     ///< a check is under way
  bool is_scheduled = false;   ///< next_at is set
  std::uint32_t passes = 0;    ///< in a row, while failed
  std::uint32_t failures = 0;  ///< in a row, while healthy
  base::time_point next_at;

  /// A host of a cluster with checks begins failed.
  void begin(bool is_waived_until_known) {
    is_on = is_failed = is_first = true;
    is_waived = is_waived_until_known;
  }
  bool is_out() const { return is_failed && !is_waived; }
  /// Counts one result. A change is also reported where the first result confirms the failure.
  check_change on_result(check_result result, const active_check_params& params);
};

}  // namespace understudy::resilience
