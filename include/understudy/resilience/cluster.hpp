#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/base/random.hpp>
#include <understudy/resilience/host.hpp>
#include <understudy/resilience/outcome.hpp>
#include <understudy/resilience/params.hpp>

namespace understudy::resilience {

struct pick {
  host_id host = no_host;
  std::uint32_t locality = 0;  ///< index of the backendRef
  std::uint32_t priority = 0;
  bool is_trial = false;  ///< the one trial request of a host back from ejection
  bool is_panic = false;
  std::uint64_t key = 0;  ///< names the host in a session; the same in every process
};

struct health_event {
  enum class kind : std::uint8_t {
    ejected,
    returned,
    ejection_refused,
    check_failed,  ///< out of service by active checks
    check_passed
  } what;
  host_id host = no_host;
  std::uint32_t locality = 0;
  std::string address;
  std::string_view detector;  ///< `consecutive5XxErrors`, …; of a return: `activeCheck` or empty
  std::uint32_t multiplier = 0;
  time_point at;                   ///< when it took place (the sweep's own time for `returned`)
  base::duration ejection_time{};  ///< nominal, before rounding up to the sweep
};

/// A host as /status shows it.
struct host_status {
  host_id host = no_host;
  std::uint32_t locality = 0;
  std::uint32_t priority = 0;
  std::string address;
  bool is_ejected = false;
  bool is_in_trial = false;  ///< back, but no success yet
  time_point ejected_until;  ///< first sweep at which it may return
  std::uint32_t multiplier = 0;
  std::uint32_t ejections = 0;
  std::uint32_t consecutive_5xx = 0;
  std::uint32_t consecutive_gateway_errors = 0;
  std::uint32_t consecutive_local_origin_failures = 0;
  std::uint32_t active_requests = 0;
  bool is_checked = false;       ///< active checks are configured
  bool is_check_known = false;   ///< a first result has come
  bool is_check_failed = false;  ///< out of service by active checks
  bool is_degraded = false;      ///< its last check said so
  double weight = 1;             ///< by load reports
};

/// What a cluster knows of a host, for another that takes its place.
struct host_history {
  std::uint32_t locality = 0;
  std::string address;
  ejection_state health;
  std::optional<check_state> check;  ///< absent: unknown, or of other checks
  reported_weight reported;
  time_point in_service_since;
};

/// What runs at once in a cluster, and how many retries may.
struct work_under_way {
  std::uint32_t requests = 0, retries = 0, hedges = 0;
  std::uint32_t max_retries = 0;
};

/// A host whose active check is due.
struct due_check {
  host_id host = no_host;
  std::uint32_t locality = 0;
  std::string address;
};

/// The shared health of one route rule: hosts, ejections, priority load, balancing, breakers.
/// Pure. No locks: `proxy::cluster_state` owns one mutex around it. `now` must not go backwards;
/// every call that takes it first performs the sweeps that are due, each at its own time.
class cluster {
 public:
  cluster(cluster_params params, time_point start);
  ~cluster();
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;

  const cluster_params& params() const;

  /// The addresses of one locality. Known ones keep their host_id and state, others are added or
  /// dropped. Order is kept for round robin. Empty removes all.
  void set_hosts(std::uint32_t locality, const std::vector<std::string>& addresses, time_point now);
  std::vector<host_history> history() const;
  /// Hosts that will be set and are known already, by locality and address.
  void expect(std::vector<host_history> known);
  /// Address text given to set_hosts; empty for a host that is gone.
  std::string_view address(host_id host) const;

  /// Runs the sweeps due. The shell calls it about every interval so that returns are reported.
  void advance(time_point now);
  /// When a host may return: the next sweep, or the end of an ejection for a given time before it;
  /// time_point::max() with no ejection.
  time_point next_sweep() const;

  /// A connection was obtained (new or reused): local success where origins are split.
  void connected(host_id host, time_point now);
  /// Result of an attempt for passive health (§2.2); `overflow` and `no_host` record nothing.
  /// Gone hosts are ignored. An ejection is in force when this returns.
  void record(host_id host, const outcome& result, time_point now);
  /// The upstream broke after its head was accepted (§2.2, second row of "after response headers").
  void record_broken_stream(host_id host, bool is_idle_timeout, time_point now);

  /// What the host said of its load; acts with BackendUtilization.
  void report_load(host_id host, const load_report& report, time_point now);

  /// Active checks that are due; each is under way until report_check(). `random` is the initial
  /// jitter's.
  std::vector<due_check> take_due_checks(time_point now, base::random_source& random);
  /// When take_due_checks() has something again, unless a result or a new host comes first;
  /// time_point::max() for never.
  time_point next_check() const;
  /// A check has ended. A pass also brings an ejected host back (§2.6).
  void report_check(host_id host, check_result result, time_point now);
  /// False while a host of a cluster with checks has no result yet.
  bool is_checked() const;

  /// Operator actions of the admin listener.
  bool eject(host_id host, time_point now);
  bool uneject(host_id host, time_point now);

  std::vector<health_event> take_events();
  std::vector<host_status> status(time_point now);
  /// Percent of new requests per priority, as §3.1 computes it now. Index: place among the distinct
  /// priorities of the rule, ascending (the priority itself where they are dense from 0).
  std::vector<std::uint32_t> priority_load(time_point now);
  work_under_way under_way() const;

 private:
  friend class attempt_planner;
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace understudy::resilience
