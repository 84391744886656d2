#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include <understudy/base/random.hpp>
#include <understudy/resilience/host.hpp>
#include <understudy/resilience/params.hpp>

namespace understudy::resilience {

/// The hosts a choice is made from, with the cursor of round robin.
struct host_list {
  std::vector<host*> hosts;
  std::uint64_t cursor = 0;
  bool is_cursor_set = false;
};

/// Weighted round robin over a few entries: earliest deadline first on 1/weight.
class locality_schedule {
 public:
  /// Entries of weight > 0. Starts at a random point of the schedule, so that a rebuild after
  /// every change of health does not favour anybody.
  void rebuild(std::span<const double> weights, base::random_source& random);
  bool empty() const { return entries_.empty(); }
  std::size_t next();

 private:
  struct entry {
    double deadline;
    double period;
    std::uint32_t index;
  };
  std::vector<entry> entries_;  // a heap, earliest first
};

/// Choice of a host within one priority (spec/resilience.md §3.4, §3.5): a locality by weight, then
/// a host by the policy. The lists of usable hosts are kept and rebuilt when health has changed.
class balancer {
 public:
  explicit balancer(balancing kind) : kind_{kind} {}

  /// A backendRef of this priority, in the order of the rule.
  void add_locality(std::uint32_t weight);
  /// The hosts of the n-th locality added.
  void set_hosts(std::size_t n, std::vector<host*> hosts);

  /// Recounts the usable hosts. O(hosts); call after a change, before count() and pick().
  void refresh(std::uint32_t trial_limit);

  std::uint32_t usable() const { return static_cast<std::uint32_t>(usable_.hosts.size()); }
  std::uint32_t total() const { return static_cast<std::uint32_t>(all_.hosts.size()); }

  /// Null where there is no candidate. In panic every host is one, and weights do not count.
  host* pick(base::random_source& random, bool is_panic);
  /// All candidates, for a search that must not miss one.
  std::span<host* const> candidates(bool is_panic) const {
    return is_panic ? all_.hosts : usable_.hosts;
  }

 private:
  struct locality {
    std::uint32_t weight = 1;
    std::vector<host*> all;
    host_list usable;
  };
  bool is_by_locality() const {
    return kind_ != balancing::consistent_hash && kind_ != balancing::backend_utilization;
  }
  void reschedule(base::random_source& random);
  host* pick_from(host_list& list, base::random_source& random) const;

  balancing kind_;
  std::vector<locality> localities_;
  host_list all_;
  host_list usable_;
  locality_schedule schedule_;
  bool is_schedule_stale_ = true;
};

}  // namespace understudy::resilience
