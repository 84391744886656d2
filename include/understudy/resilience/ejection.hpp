#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <understudy/resilience/host.hpp>
#include <understudy/resilience/outcome.hpp>
#include <understudy/resilience/params.hpp>

namespace understudy::resilience {

/// What a result, a sweep or an active check did to a host.
struct health_change {
  enum class kind : std::uint8_t {
    none,
    ejected,
    returned,
    refused,
    check_failed,
    check_passed
  } what = kind::none;
  host* who = nullptr;
  std::string_view detector;
};

/// Outlier detection of one cluster (spec/resilience.md §2): counters, cap, ejection time, sweeps.
/// Works on the hosts' own state; the owner announces hosts that come and go and applies the
/// changes to balancing. Without parameters nothing is ejected, except by an operator.
class ejection {
 public:
  ejection(const std::optional<ejection_params>& params, time_point start);

  void on_host_added() { ++total_; }
  void on_host_removed(const host& gone);
  /// A host just added that another cluster knew: it goes on as it was there. Without parameters
  /// only an operator's ejection does.
  void restore(host& h, const ejection_state& known);

  /// Counts one result; an ejection is in force when this returns.
  health_change record(host& h, const outcome& result, time_point now);
  /// The upstream broke after its head had been accepted (and counted).
  health_change record_broken_stream(host& h, bool is_idle_timeout, time_point now);
  void record_connected(host& h);

  /// Operator's will: no cap, no threshold. False: nothing changed.
  bool eject(host& h, time_point now);
  bool uneject(host& h, time_point now);
  /// The host itself asked to be left alone for so long (at most a day): exactly that, no sweep and
  /// no multiplier; within the cap, as every ejection. Longer than one in force, it prolongs that.
  health_change eject_for(host& h, base::duration length, time_point now);

  /// When something changes by itself: a sweep, or the end of a timed ejection before it.
  time_point next_change() const { return std::min(next_sweep_, next_return_); }
  time_point next_sweep() const { return next_sweep_; }
  bool is_return_first() const { return next_return_ <= next_sweep_; }
  /// Brings back what is due at next_change(), for is_return_first().
  void return_timed(std::span<const std::unique_ptr<host>> hosts,
                    std::vector<health_change>& changes);
  /// Runs the sweep of next_sweep(), at that time, and schedules the one after it. Where a sweep
  /// left nothing to wait for, those up to `now` are skipped: they would change nothing.
  void sweep(std::span<const std::unique_ptr<host>> hosts, time_point now,
             std::vector<health_change>& changes);

  /// Nominal length of the present (or last) ejection.
  base::duration ejection_time(const host& h) const;
  /// The sweep at which an ejected host comes back; max() when no sweep runs.
  time_point ejected_until(const host& h) const;
  std::uint32_t ejected() const { return ejected_; }

 private:
  health_change on_code(host& h, int status, time_point now);
  health_change on_local_failure(host& h, time_point now);
  health_change try_eject(host& h, std::string_view detector, time_point now);
  void do_eject(host& h, time_point now);
  void take_out(host& h, time_point now);
  void do_uneject(host& h, time_point now);
  bool is_cap_kept() const;
  void eject_by_rate(std::span<const std::unique_ptr<host>> hosts,
                     rate_bucket ejection_state::*bucket, bool has_percentage, time_point now,
                     std::vector<health_change>& changes);

  std::optional<ejection_params> params_;
  time_point next_sweep_;
  time_point next_return_ = time_point::max();
  std::uint32_t total_ = 0;
  std::uint32_t ejected_ = 0;
};

}  // namespace understudy::resilience
