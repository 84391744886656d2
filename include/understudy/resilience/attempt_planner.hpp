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
  bool may_hedge = true;  ///< false: a second copy beside the first would do harm
  /// Request timeout (§1.10 "global"), counted from the complete request; absent: none.
  std::optional<milliseconds> request_timeout;
  bool is_head_only = false;  ///< it ends with the first byte of the answer: resume() is free of it
  bool is_reasoning = false;  ///< the first content may take three times as long
  /// Bit n: the n-th backendRef may not serve this request (FailoverPolicy `guard`).
  std::uint64_t excluded_localities = 0;
  choice_hint hint;  ///< consistent hash, session persistence
};

enum class next_step : std::uint8_t {
  attempt,      ///< try `target`
  wait,         ///< nothing until `until`, then call next()
  accept,       ///< the response at hand is the client's (2xx or a final error status)
  give_up,      ///< answer locally: no response at hand
  await_other,  ///< this attempt is over, the one beside it goes on
};

/// Why an attempt was not followed by another. Names the flag of the access log (URX, UH …).
enum class stop_reason : std::uint8_t {
  none,
  not_retriable,
  retries_exhausted,   ///< URX
  retry_overflow,      ///< UO: retry breaker or budget
  no_healthy_host,     ///< UH
  request_timeout,     ///< UT
  overflow,            ///< UO: the attempt itself was refused by a breaker
  no_capable_backend,  ///< every backend left would drop something that the request uses
};

/// Why an attempt goes where it goes, what a wait is for, or what has used a request's attempts up.
/// Decides nothing: it is told in the request's story.
enum class decision_reason : std::uint8_t {
  load,              ///< the priorities' load and the balancer
  session,           ///< the client has named the endpoint
  waited_as_asked,   ///< the endpoint asked for some time, which has passed
  asked_to_leave,    ///< the one before asked for longer than is waited for
  misfit,            ///< only another model can serve the request
  over_budget,       ///< the retry budget is spent, and this endpoint is new to the request
  unprepared,        ///< the one before could not be asked
  beside,            ///< a second one beside an attempt that is slow to speak
  resumed,           ///< takes a broken answer up
  backoff,           ///< wait: full jitter
  retry_after,       ///< wait: as long as the endpoint has asked for
  all_silent,        ///< stop: whoever is left has been silent to this request
  deadline_near,     ///< stop: no attempt would fit before the request timeout
  nowhere_else,      ///< stop: no other endpoint can take it
  attempts_used_up,  ///< stop
  body_not_kept,     ///< stop: the request is too long to be sent again
};

struct decision {
  next_step step = next_step::give_up;
  pick target;
  time_point until;  ///< `wait`: end of the back-off, never past the request deadline
  std::optional<base::duration> per_try_timeout;  ///< `attempt`: from connected and request sent
  std::uint8_t slot = 0;  ///< `attempt`: names it in the calls below; 1: beside an open one
  /// `attempt`, both from its start: when to ask hedge(); when an attempt without content has
  /// failed (class `per_try`). Absent: never, which holds for the last attempt there is, too.
  /// `give_up` of hedge(): from then on, when to ask again.
  std::optional<base::duration> hedge_after, first_token_timeout;
  stop_reason why = stop_reason::none;
  decision_reason because = decision_reason::load;
  std::uint32_t load_percent = 0;  ///< `attempt`: share of new requests that its priority has
};

/// Retry, failover, hedging and choice of host of one request; the only place that decides them.
/// Pure; called under the cluster's mutex. `attempt` opens an attempt; the outcome of on_outcome(),
/// cancel() or end() closes it. Semantics: spec/resilience.md §1, spec/interface.md FailoverPolicy.
class attempt_planner {
 public:
  using slot_number = std::uint8_t;

  /// `start` is when the request was complete. The cluster must outlive the planner.
  attempt_planner(cluster& owner, base::random_source& random, const request_limits& limits,
                  time_point start);
  ~attempt_planner();  ///< closes open attempts as cancelled by the client
  attempt_planner(const attempt_planner&) = delete;
  attempt_planner& operator=(const attempt_planner&) = delete;

  /// The first attempt, or the one after a wait.
  decision next(time_point now);
  /// The open attempt is slow: one more beside it (slot 1) on another endpoint, counted against
  /// attempts and hedge budget; `give_up` where there is none to be had.
  decision hedge(time_point now);

  /// The attempt obtained its connection.
  void on_connected(time_point now, slot_number slot = 0);
  /// Its first content has come: it has won. Feeds the quantiles. The other one, if any, is to be
  /// cancelled by the caller.
  void on_content(time_point now, slot_number slot = 0);

  /// The attempt ended before the commit, or its head arrived (class `status`, any code).
  /// Records passive health first, so that an ejection is in force before the retry chooses.
  /// After `accept` the attempt stays open until end(). A 2xx that is being held for its first
  /// content is reported when that came, or as `in_band`, `closed` … when it did not.
  decision on_outcome(const outcome& result, time_point now, slot_number slot = 0);
  /// The one beside it has won: charged to nobody.
  void cancel(time_point now, slot_number slot);

  enum class ending : std::uint8_t {
    complete,         ///< whole response delivered
    upstream_broke,   ///< upstream died or sent garbage after the commit
    idle_timeout,     ///< per-try idle limit inside the body
    downstream_gone,  ///< the client left: cancelled, charged to nobody
    request_timeout,  ///< after the commit: charged to nobody
  };
  /// Closes the attempt that is open after `accept`, or cancels what is open at any time.
  void end(ending how, time_point now);
  /// As end(), then another attempt that takes the broken answer up (`onBreak`): at once, on
  /// another endpoint where there is one; `give_up` where attempts, time or endpoints are used up.
  decision resume(ending how, time_point now);

  std::uint32_t attempts() const;
  /// Absolute; time_point::max() when there is no request timeout.
  time_point request_deadline() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace understudy::resilience
