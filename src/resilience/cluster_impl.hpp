#pragma once
#include <array>
#include <memory>
#include <span>
#include <vector>

#include <understudy/resilience/balancer.hpp>
#include <understudy/resilience/breakers.hpp>
#include <understudy/resilience/choice_hint.hpp>
#include <understudy/resilience/cluster.hpp>
#include <understudy/resilience/ejection.hpp>
#include <understudy/resilience/priority_load.hpp>
#include <understudy/resilience/recent_times.hpp>

namespace understudy::resilience {

/// The state behind `cluster`; the planner works on it directly.
struct cluster::impl {
  impl(cluster_params given, time_point start);

  host* find(host_id id);
  const host* find(host_id id) const;

  void advance(time_point to);
  void set_hosts(std::uint32_t locality, const std::vector<std::string>& addresses);
  void apply(const health_change& change, time_point at);
  void record(host_id id, const outcome& result, time_point at);
  void record_broken_stream(host_id id, bool is_idle_timeout, time_point at);
  void record_connected(host_id id, time_point at);
  /// As the host has asked (Retry-After); now.
  void eject_for(host_id id, base::duration length);

  std::vector<due_check> take_due_checks(time_point at, base::random_source& random);
  time_point next_check() const;
  void report_check(host_id id, check_result result, time_point at);
  bool is_checked() const;

  /// Load and lists as of now; rebuilt only after a change of health or hosts.
  const load_table& current_load();
  /// One host of the priority of that rank; current_load() first.
  /// `nth`: how many picks of the same retry were refused before this one.
  host* pick_in(std::size_t rank, base::random_source& random, const choice_hint& hint,
                std::uint32_t nth, bool is_degraded = false);
  /// The host of the session while it is in service and its priority gets requests, else null.
  host* pick_session(const choice_hint& hint);
  /// Some candidate that is not in `avoided`, by priority; null: there is none.
  host* pick_other(std::span<const host_id> avoided, base::random_source& random);

  /// A request begins on the host: counted, and as a trial where the host is in one.
  pick open(host& chosen);
  void close(pick& opened);
  /// Its verdict is known: the place is free for the next one.
  void end_trial(pick& opened);

  std::uint32_t trial_limit() const {
    return params.ejection ? params.ejection->trial_requests : 0;
  }

  cluster_params params;
  ejection detector;
  breakers breaker;
  std::vector<std::unique_ptr<host>> hosts;     // ascending id
  std::vector<std::vector<host*>> by_locality;  // in the order given to set_hosts
  std::vector<std::uint32_t> priority_of_rank;  // distinct priorities in use, ascending
  std::vector<std::uint32_t> rank_of_locality;
  std::vector<std::size_t> place_of_locality;  // among the localities of its rank
  std::vector<balancer> balancers;             // by rank
  std::vector<char> is_rank_stale;
  bool is_stale = true;
  load_table load;
  std::vector<host_history> expected;         // taken when their hosts are set
  std::array<recent_times, 2> content_times;  // to the first content: unary answers, streams
  std::vector<priority_counts> counts;
  std::vector<health_change> sweep_changes;
  std::vector<health_event> events;
  host_id next_id = 0;
  time_point now = time_point::min();  // of the last advance()
  bool has_traffic = false;            // a request has been sent, so checks run at their interval
  bool is_warm = false;                // every host of the beginning has been checked

 private:
  void on_first_traffic();
  void mark_stale(std::uint32_t rank);
  void rebuild();
  void drop(const host& gone);
  void restore(host& added);
};

}  // namespace understudy::resilience
