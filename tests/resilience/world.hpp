#pragma once
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <understudy/resilience/attempt_planner.hpp>

/// A cluster under a fake clock: seconds since the start of the cluster are passed in.
namespace understudy::resilience::test {

inline base::duration seconds(double s) {
  return base::duration{static_cast<base::duration::rep>(std::llround(s * 1e9))};
}
inline time_point at(double s) { return time_point{} + seconds(s); }
inline double to_seconds(time_point t) {
  return static_cast<double>(t.time_since_epoch().count()) / 1e9;
}

/// What a host does with an attempt, and how long it takes.
struct reply {
  outcome result;
  double takes = 0;
};

inline reply status(int code) {
  reply r;
  r.result.status = code;
  r.result.is_bytes_sent = true;
  return r;
}
inline bool is_without_connection(failure_class what) {
  return what == failure_class::connect || what == failure_class::connect_timeout ||
         what == failure_class::local_shortage;
}
inline reply fails(failure_class what, double takes = 0) {
  reply r;
  r.result.what = what;
  r.result.is_bytes_sent = !is_without_connection(what);
  r.takes = takes;
  return r;
}

struct told {
  std::vector<std::string> attempts;  ///< addresses in order
  std::vector<double> waits;          ///< seconds
  outcome last;
  next_step step = next_step::give_up;
  stop_reason why = stop_reason::none;
  double ended = 0;
};

using script = std::function<reply(const std::string& address, double when)>;

/// The policy of spec/resilience.md §7 with F in priority 0 and G in priority 1.
inline cluster_params seed_params() {
  cluster_params p;
  p.localities = {{0, 1}, {1, 1}};
  p.retry.is_present = true;
  p.retry.num_retries = 5;
  p.retry.triggers.set(static_cast<std::size_t>(trigger::connect_failure));
  p.retry.triggers.set(static_cast<std::size_t>(trigger::retriable_status_codes));
  p.retry.status_codes.set(500);
  p.retry.backoff = {milliseconds{100}, milliseconds{10'000}};
  p.retry.per_try_timeout = milliseconds{30'000};
  ejection_params e;
  e.base_ejection_time = milliseconds{5000};
  e.interval = milliseconds{2000};
  e.max_ejection_percent = 100;
  e.consecutive_5xx = 1;
  e.consecutive_gateway_errors = 0;
  e.consecutive_local_origin_failures = 1;
  e.trial_requests = 0;
  p.ejection = e;
  return p;
}

/// The same number for ever.
class fixed_random final : public base::random_source {
 public:
  explicit fixed_random(std::uint64_t value) : value_{value} {}
  std::uint64_t next() override { return value_; }

 private:
  std::uint64_t value_;
};

class world {
 public:
  world(const cluster_params& params, const std::vector<std::vector<std::string>>& hosts,
        std::uint64_t seed)
      : world{params, hosts, std::make_unique<base::seeded_random>(seed)} {}
  world(const cluster_params& params, const std::vector<std::vector<std::string>>& hosts,
        std::unique_ptr<base::random_source> source)
      : random_owner{std::move(source)}, random{*random_owner}, state{params, at(0)} {
    for (std::size_t i = 0; i < hosts.size(); ++i)
      state.set_hosts(static_cast<std::uint32_t>(i), hosts[i], at(0));
  }

  /// One request from `start` to its end, alone.
  told request(double start, const script& play, request_limits limits = {}) {
    if (!limits.request_timeout) limits.request_timeout = milliseconds{60'000};
    told story;
    attempt_planner planner{state, random, limits, at(start)};
    double now = start;
    decision d = planner.next(at(now));
    for (;;) {
      story.step = d.step;
      story.why = d.why;
      story.ended = now;
      if (d.step == next_step::wait) {
        story.waits.push_back(to_seconds(d.until) - now);
        now = to_seconds(d.until);
        d = planner.next(at(now));
        continue;
      }
      if (d.step != next_step::attempt) break;
      const std::string address{state.address(d.target.host)};
      story.attempts.push_back(address);
      const reply r = play(address, now);
      now += r.takes;
      if (!is_without_connection(r.result.what)) planner.on_connected(at(now));
      story.last = r.result;
      d = planner.on_outcome(r.result, at(now));
    }
    if (story.step == next_step::accept) planner.end(attempt_planner::ending::complete, at(now));
    return story;
  }

  host_status status_of(const std::string& address, double now) {
    for (auto& s : state.status(at(now)))
      if (s.address == address) return s;
    return {};
  }

  std::unique_ptr<base::random_source> random_owner;
  base::random_source& random;
  cluster state;
};

}  // namespace understudy::resilience::test
