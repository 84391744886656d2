#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <understudy/resilience/attempt_planner.hpp>
#include <understudy/resilience/backoff.hpp>
#include <understudy/resilience/inline_list.hpp>
#include <understudy/resilience/retry_decision.hpp>
#include <understudy/resilience/steering.hpp>

#include "resilience/cluster_impl.hpp"

namespace understudy::resilience {

inline constexpr std::uint32_t mask_bits = 64;  ///< hosts and ranks that a mask of 64 bits can name

/// The state behind `attempt_planner`: attempt_planner.cpp has outcomes, planner_retry.cpp retries,
/// planner_choice.cpp the choice of hosts, planner_hedge.cpp what goes on beside an attempt.
struct attempt_planner::impl {
  struct attempt {
    pick target;
    std::uint32_t rank = 0;
    time_point start;
    bool is_open = false;
    bool is_noted = false;  // it is in tried_hosts
    bool has_content = false;
    bool holds_retry_slot = false;
  };

  impl(cluster::impl& cluster_state, base::random_source& source, const request_limits& given,
       time_point start);

  decision next(time_point now);
  decision on_outcome(const outcome& result, time_point now, slot_number slot);
  decision hedge(time_point now);
  decision resume(ending how, time_point now);
  void on_content(attempt& a);
  void end(ending how);
  void close(attempt& a);
  void close_all();
  void note(attempt& a);

  // ---- outcomes (attempt_planner.cpp)
  outcome recorded(const outcome& result) const;
  void account(attempt& a, const outcome& result);
  decision stop(attempt& a, const outcome& result, stop_reason why);
  decision finish(attempt& a, const outcome& result, stop_reason why);
  decision refused(stop_reason why);
  bool take_retry();

  // ---- retries (planner_retry.cpp)
  decision retry_after_failure(attempt& a, const outcome& result, retriability how);
  decision start_retry(attempt& a, const outcome& result, retriability how);
  decision wait_as_asked(attempt& a, const outcome& result, milliseconds asked);
  decision go_elsewhere(attempt& a, const outcome& result, host* target, stop_reason otherwise);
  decision move_on(attempt& a, const outcome& result, host* target, stop_reason otherwise);
  decision on_misfit(attempt& a, const outcome& result);
  decision on_unprepared(attempt& a, const outcome& result);
  bool is_misfit(const outcome& result) const;
  std::optional<milliseconds> asked_wait(const outcome& result) const;

  // ---- choice (planner_choice.cpp)
  host* choose();
  host* choose_for_retry();
  host* choose_allowed();
  load_table allowed_load();
  host* pick_allowed(std::size_t rank, bool with_tried);
  /// For an attempt that follows `a` somewhere else: its priority from `first` on, then the others
  /// in their order, untried hosts before tried ones; never on the host of `a`.
  host* next_endpoint(const attempt& a, std::size_t first, bool is_panic_allowed);
  bool has_other_usable(const attempt& a) const;
  bool is_only_silence_left();
  bool is_allowed(const host& h) const;
  bool is_filtered() const { return excluded != 0 || barred_ranks != 0; }
  bool has_tried(host_id id) const;
  bool has_left(host_id id) const;
  bool has_tried_priority(std::uint32_t rank) const;
  stop_reason why_nothing() const;
  std::uint64_t chance() { return limits.hint.hash ? *limits.hint.hash : random.next(); }

  // ---- attempts and what is beside them (planner_hedge.cpp)
  decision open(host& chosen);
  decision open(host& chosen, decision_reason why) {
    because = why;
    return open(chosen);
  }
  void set_limits_of(decision& d, const attempt& a);
  attempt* only_open();
  bool is_retry_left() const { return limits.is_replayable && retries < retry.num_retries; }
  /// Absent: this attempt's first content is not waited for in that way.
  std::optional<base::duration> first_token_limit(bool is_hedged) const;

  cluster::impl& owner;
  const retry_params& retry;
  base::random_source& random;
  request_limits limits;
  time_point deadline;
  std::optional<base::duration> per_try;
  backoff waits;
  steering steer;

  std::array<attempt, 2> slots;
  // Each attempt whose host was reached, or refused the connection.
  inline_list<host_id, 8> tried_hosts;
  inline_list<std::uint32_t, 8> tried_ranks;
  inline_list<host_id, 4> left_hosts;  // silent, or asked to be left alone: not again
  std::uint64_t excluded = 0;          // localities
  std::uint64_t barred_ranks = 0;      // priorities whose model can't serve this request
  std::uint32_t attempts = 0;
  std::uint32_t retries = 0;
  std::uint32_t hedges = 0;
  host_id kept_host = no_host;  // the one whose asked time is waited for
  pick accepted;                // accepted.host: whose answer goes to the client
  decision_reason because = decision_reason::load;  // of the decision that is being made
  bool is_request_sent = false;
  bool holds_retry_slot = false;  // of the attempt that is to come
  bool holds_hedge = false;
  time_point wait_until = time_point::min();
};

}  // namespace understudy::resilience
