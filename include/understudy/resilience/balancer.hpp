#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <understudy/base/random.hpp>
#include <understudy/resilience/host.hpp>
#include <understudy/resilience/maglev.hpp>
#include <understudy/resilience/params.hpp>

namespace understudy::resilience {

/// Weighted round robin over a few entries: earliest deadline first on 1/weight.
class locality_schedule {
 public:
  /// Entries of weight > 0. Starts at a random point of the schedule, so that a rebuild after
  /// every change of health does not favour anybody.
  void rebuild(std::span<const double> weights, base::random_source& random);
  bool empty() const { return entries_.empty(); }
  std::size_t next() {
    return next([](std::size_t, double period) { return period; });
  }
  /// `period_of(index, period so far)`: 1/weight from now on.
  template <class PeriodOf>
  std::size_t next(PeriodOf&& period_of) {
    if (entries_.size() > 1) {
      std::ranges::pop_heap(entries_, is_later);
      entry& due = entries_.back();
      const std::size_t index = due.index;
      due.period = period_of(index, due.period);
      due.deadline += due.period;
      std::ranges::push_heap(entries_, is_later);
      return index;
    }
    return entries_.front().index;
  }

 private:
  struct entry {
    double deadline;
    double period;
    std::uint32_t index;
  };
  static bool is_later(const entry& a, const entry& b) { return a.deadline > b.deadline; }
  std::vector<entry> entries_;  // a heap, earliest first
};

/// The hosts a choice is made from, with the cursor of round robin and, where hosts have unequal
/// weights, their schedule.
struct host_list {
  std::vector<host*> hosts;
  std::uint64_t cursor = 0;
  bool is_cursor_set = false;
  bool is_scheduled = false;
  locality_schedule schedule;
};

struct balancer_settings {
  balancing kind = balancing::least_request;
  std::uint32_t hash_table_size = 65'537;
  utilization_params utilization;
  std::optional<milliseconds> slow_start_window;
};

/// What one choice depends on beside the state of the hosts.
struct choice {
  time_point now;
  std::optional<std::uint64_t> hash;
  std::uint32_t nth = 0;     ///< how many choices of the same retry were refused before this one
  bool is_degraded = false;  ///< the share of the degraded hosts was drawn
};

/// Choice of a host within one priority (spec/resilience.md §3.4, §3.5): a locality by weight, then
/// a host by the policy. The lists of usable hosts are kept and rebuilt when health has changed.
class balancer {
 public:
  explicit balancer(const balancer_settings& settings) : settings_{settings} {}
  explicit balancer(balancing kind) { settings_.kind = kind; }

  /// A backendRef of this priority, in the order of the rule.
  void add_locality(std::uint32_t weight);
  /// The hosts of the n-th locality added.
  void set_hosts(std::size_t n, std::vector<host*> hosts);

  /// Recounts the usable hosts. O(hosts); call after a change, before count() and pick().
  void refresh(std::uint32_t trial_limit);

  /// Without the degraded ones.
  std::uint32_t usable() const { return static_cast<std::uint32_t>(usable_.hosts.size()); }
  std::uint32_t degraded() const { return static_cast<std::uint32_t>(degraded_.hosts.size()); }
  std::uint32_t total() const { return static_cast<std::uint32_t>(all_.hosts.size()); }

  /// Null where there is no candidate. In panic every host is one, and weights do not count.
  host* pick(base::random_source& random, bool is_panic, const choice& wanted = {});
  /// All candidates, the degraded ones last, for a search that must not miss one.
  std::span<host* const> candidates(bool is_panic) const {
    if (is_panic) return all_.hosts;
    return degraded_.hosts.empty() ? usable_.hosts : candidates_;
  }

 private:
  struct locality {
    std::uint32_t weight = 1;
    std::vector<host*> all;
    host_list usable;
  };
  /// The hash table and the members that it was made for.
  struct hashed {
    std::vector<host*> hosts;
    std::vector<std::uint64_t> keys;
    maglev_table table;
    bool is_stale = true;
    void assign(const std::vector<host*>& members);
  };
  bool is_by_locality() const {
    return settings_.kind != balancing::consistent_hash &&
           settings_.kind != balancing::backend_utilization;
  }
  void reschedule(base::random_source& random);
  host* pick_from(host_list& list, base::random_source& random, time_point now);
  host* pick_scheduled(host_list& list, base::random_source& random, time_point now);
  host* pick_hashed(base::random_source& random, bool is_panic, const choice& wanted);
  bool has_unequal_weights(time_point now);
  void update_weights(time_point now);
  double weight_of(const host& h, time_point now) const;

  balancer_settings settings_;
  std::vector<locality> localities_;
  host_list all_;
  host_list usable_;
  host_list degraded_;
  std::vector<host*> candidates_;
  hashed in_service_, everybody_;  // consistent hash only
  locality_schedule schedule_;
  bool is_schedule_stale_ = true;
  std::uint32_t trial_limit_ = 0;
  time_point newest_host_ = time_point::min();  // latest begin of a slow start
  time_point next_update_ = time_point::min();  // of the reported weights
  bool are_reports_unequal_ = false;
  std::vector<double> scratch_;
};

}  // namespace understudy::resilience
