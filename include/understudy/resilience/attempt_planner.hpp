#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include <understudy/resilience/choice_hint.hpp>
#include <understudy/resilience/cluster.hpp>

namespace understudy::resilience {

/// What the request is allowed, beside the cluster's parameters.
struct request_limits {
  bool is_stream = false;
  bool is_replayable = true;  ///< false: the body was too large to keep, no retry
  bool is_early_data = false;
  /// Request timeout (§1.10 "global"), counted from the complete request; absent: none.
  std::optional<milliseconds> request_timeout;
  choice_hint hint;  ///< consistent hash, session persistence
};

enum class next_step : std::uint8_t {
  attempt,  ///< try `target`
  wait,     ///< nothing until `until`, then call next()
  accept,   ///< the response at hand is the client's (2xx or a final error status)
  give_up,  ///< answer locally: no response at hand
};

/// Why an attempt was not followed by another. Names the flag of the access log (URX, UH …).
enum class stop_reason : std::uint8_t {
  none,
  not_retriable,
  retries_exhausted,  ///< URX
  retry_overflow,     ///< UO: retry breaker or budget
  no_healthy_host,    ///< UH
  request_timeout,    ///< UT
  overflow,           ///< UO: the attempt itself was refused by a breaker
};

struct decision {
  next_step step = next_step::give_up;
  pick target;
  time_point until;  ///< `wait`: end of the back-off, never past the request deadline
  std::optional<base::duration> per_try_timeout;  ///< `attempt`: from connected and request sent
  stop_reason why = stop_reason::none;
};

/// Retry, failover and choice of host of one request; the only place that decides them.
/// Pure; called under the cluster's mutex. One attempt is open at a time: `attempt` opens it, the
/// outcome of on_outcome() or end() closes it. Semantics: spec/resilience.md §1.
class attempt_planner {
 public:
  /// `start` is when the request was complete. The cluster must outlive the planner.
  attempt_planner(cluster& owner, base::random_source& random, const request_limits& limits,
                  time_point start);
  ~attempt_planner();  ///< closes an open attempt as cancelled by the client
  attempt_planner(const attempt_planner&) = delete;
  attempt_planner& operator=(const attempt_planner&) = delete;

  /// The first attempt, or the one after a wait.
  decision next(time_point now);

  /// The open attempt obtained its connection.
  void on_connected(time_point now);

  /// The open attempt ended before the commit, or its head arrived (class `status`, any code).
  /// Records passive health first, so that an ejection is in force before the retry chooses.
  /// After `accept` the attempt stays open until end().
  decision on_outcome(const outcome& result, time_point now);

  enum class ending : std::uint8_t {
    complete,         ///< whole response delivered
    upstream_broke,   ///< upstream died or sent garbage after the commit
    idle_timeout,     ///< per-try idle limit inside the body
    downstream_gone,  ///< the client left: cancelled, charged to nobody
    request_timeout,  ///< after the commit: charged to nobody
  };
  /// Closes the open attempt after `accept`, or cancels it at any time.
  void end(ending how, time_point now);

  std::uint32_t attempts() const;
  /// Absolute; time_point::max() when there is no request timeout.
  time_point request_deadline() const;

 private:
  struct impl;  // may become plain members; one allocation a request at most
  std::unique_ptr<impl> impl_;
};

}  // namespace understudy::resilience
