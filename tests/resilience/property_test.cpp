#include <map>
#include <memory>
#include <numeric>
#include <set>

#include "catch.hpp"
#include "world.hpp"

// Random schedules: many requests at once, random configurations, random ends. What must hold
// whatever happens.

using namespace understudy::resilience;
using namespace understudy::resilience::test;
using understudy::base::seeded_random;

namespace {

constexpr milliseconds longest_asked{1000};

cluster_params random_params(seeded_random& r) {
  cluster_params p;
  const auto localities = 1 + r.below(5);
  for (std::uint64_t i = 0; i < localities; ++i)
    p.localities.push_back(
        {static_cast<std::uint32_t>(r.below(3)), static_cast<std::uint32_t>(1 + r.below(3))});
  p.load_balancer = static_cast<balancing>(r.below(4));
  p.panic_threshold = static_cast<std::uint32_t>(r.below(3) * 50);
  p.retry.is_present = r.below(10) > 0;
  p.retry.num_retries = static_cast<std::uint32_t>(r.below(7));
  for (std::size_t t = 0; t < trigger_count; ++t) p.retry.triggers.set(t, r.below(2) == 0);
  for (const int code : {425, 429, 500, 503})
    p.retry.status_codes.set(static_cast<std::size_t>(code), r.below(2) == 0);
  if (r.below(2) == 0) p.retry.num_attempts_per_priority = static_cast<std::uint32_t>(r.below(4));
  p.retry.is_immediate_on_next_priority = r.below(2) == 0;
  p.retry.avoids_timed_out_hosts = r.below(2) == 0;
  p.retry.retries_in_band_errors = r.below(2) == 0;
  p.retry.is_deadline_aware = r.below(2) == 0;
  if (r.below(2) == 0) p.retry.max_retry_after_wait = longest_asked;
  p.breaker.max_parallel_requests = static_cast<std::uint32_t>(r.below(4) == 0 ? 2 : 1024);
  p.breaker.max_parallel_retries = static_cast<std::uint32_t>(r.below(4) == 0 ? 1 : 1024);
  if (r.below(8) == 0) return p;
  ejection_params e;
  e.base_ejection_time = milliseconds{static_cast<int>(r.below(8000))};
  e.interval = milliseconds{static_cast<int>(100 + r.below(3000))};
  e.max_ejection_percent = static_cast<std::uint32_t>(r.below(11) * 10);
  e.consecutive_5xx = static_cast<std::uint32_t>(r.below(4));
  if (r.below(2) == 0) e.consecutive_gateway_errors = static_cast<std::uint32_t>(r.below(3));
  e.consecutive_local_origin_failures = static_cast<std::uint32_t>(r.below(3));
  e.is_split = r.below(3) == 0;
  e.always_ejects_one = r.below(4) == 0;
  e.trial_requests = static_cast<std::uint32_t>(r.below(3));
  p.ejection = e;
  return p;
}

outcome random_outcome(seeded_random& r) {
  static constexpr int codes[] = {200, 200, 200, 400, 425, 429, 500, 500, 502, 503};
  outcome o;
  if (r.below(3) > 0) {
    o.status = codes[r.below(10)];
  } else {
    o.what = static_cast<failure_class>(1 + r.below(8));
    if (o.what == failure_class::no_host) o.what = failure_class::in_band;
    if (o.what == failure_class::in_band) o.status = codes[r.below(10)];
  }
  if (r.below(4) == 0) o.retry_after = milliseconds{static_cast<int>(r.below(4000))};
  o.is_bytes_sent = r.below(2) == 0;
  o.is_envoy_ratelimited = r.below(10) == 0;
  return o;
}

struct running {
  std::unique_ptr<attempt_planner> planner;
  decision last;
  double wait_bound = 0;
  bool is_accepted = false;
};

/// One schedule. Checks as it goes; reports failures with REQUIRE.
class schedule {
 public:
  explicit schedule(std::uint64_t seed)
      : random_{seed}, params_{random_params(random_)}, state_{params_, at(0)} {
    for (std::uint32_t i = 0; i < params_.localities.size(); ++i) shuffle_hosts(i);
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      now_ += static_cast<double>(random_.below(800)) / 1000;
      step();
      check_cluster();
    }
    open_.clear();
    for (const auto& s : state_.status(at(now_))) REQUIRE(s.active_requests == 0);
    check_no_slot_is_lost();
  }

 private:
  void shuffle_hosts(std::uint32_t locality) {
    std::vector<std::string> names;
    const auto count = random_.below(5);
    for (std::uint64_t i = 0; i < count; ++i)
      names.push_back(std::to_string(locality) + "." + std::to_string(random_.below(5)));
    // A smaller pool may keep more hosts out than the cap allows to eject now.
    state_.set_hosts(locality, names, at(now_));
    highest_allowed_ = static_cast<std::uint32_t>(-1);
  }

  void step() {
    switch (random_.below(12)) {
      case 0:
        if (random_.below(6) == 0)
          return shuffle_hosts(
              static_cast<std::uint32_t>(random_.below(params_.localities.size())));
        return;
      case 1:
      case 2:
      case 3:
        return begin();
      default:
        return advance_one();
    }
  }

  void begin() {
    if (open_.size() > 8) return;
    request_limits limits;
    limits.request_timeout = milliseconds{static_cast<int>(1000 + random_.below(60'000))};
    limits.is_replayable = random_.below(10) > 0;
    running one;
    before_pick();
    one.planner = std::make_unique<attempt_planner>(state_, random_, limits, at(now_));
    one.last = one.planner->next(at(now_));
    take(std::move(one));
  }

  void advance_one() {
    if (open_.empty()) return;
    const auto index = random_.below(open_.size());
    running one = std::move(open_[index]);
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(index));
    if (random_.below(12) == 0) {  // the client leaves
      if (random_.below(2) == 0)
        one.planner->end(attempt_planner::ending::downstream_gone, at(now_));
      return;
    }
    if (one.is_accepted) {
      one.planner->end(static_cast<attempt_planner::ending>(random_.below(5)), at(now_));
      return;
    }
    if (one.last.step == next_step::wait) {
      if (at(now_) < one.last.until) now_ = to_seconds(one.last.until);
      state_.advance(at(now_));
      before_pick();
      one.last = one.planner->next(at(now_));
      REQUIRE(one.last.step != next_step::wait);
    } else {
      if (random_.below(2) == 0) one.planner->on_connected(at(now_));
      const auto made = one.planner->attempts();
      one.last = one.planner->on_outcome(random_outcome(random_), at(now_));
      // The pick inside on_outcome follows the ejection it caused: judge it by the state after.
      if (one.planner->attempts() > made) before_pick();
    }
    take(std::move(one));
  }

  void before_pick() {
    ejected_.clear();
    std::map<std::uint32_t, std::pair<std::uint32_t, std::uint32_t>> counts;  // in service, all
    for (const auto& s : state_.status(at(now_))) {
      if (s.is_ejected) ejected_.insert(s.host);
      auto& [in_service, all] = counts[s.priority];
      in_service += s.is_ejected || s.is_in_trial ? 0 : 1;
      ++all;
    }
    least_health_ = 0;
    for (const auto& [priority, c] : counts)
      least_health_ += std::min(100U, 140 * c.first / c.second);
  }

  void take(running one) {
    const decision& d = one.last;
    REQUIRE(one.planner->attempts() <=
            1 + (params_.retry.is_present ? params_.retry.num_retries : 0));
    switch (d.step) {
      case next_step::attempt:
        // Out of service only in panic, and panic only where health does not add up to 100.
        if (d.target.is_panic) {
          REQUIRE(least_health_ < 100);
        } else {
          REQUIRE(ejected_.count(d.target.host) == 0);
        }
        REQUIRE(!state_.address(d.target.host).empty());
        REQUIRE_FALSE((d.target.is_trial && !params_.ejection));
        break;
      case next_step::wait: {
        const double wait = to_seconds(d.until) - now_;
        const double longest =
            to_seconds(time_point{std::max(params_.retry.backoff.max, longest_asked)}) + 1e-6;
        REQUIRE(wait > -1e-9);
        REQUIRE(wait < longest);
        REQUIRE(d.until <= one.planner->request_deadline());
        break;
      }
      case next_step::accept:
        one.is_accepted = true;
        break;
      case next_step::await_other:
        FAIL("there is no other");
        return;
      case next_step::give_up:
        return;  // over; the planner is destroyed
    }
    open_.push_back(std::move(one));
  }

  void check_cluster() {
    const auto all = state_.status(at(now_));
    const auto load = state_.priority_load(at(now_));
    const auto sum = std::accumulate(load.begin(), load.end(), 0U);
    REQUIRE((sum == 100 || (sum == 0 && all.empty())));
    std::uint32_t active = 0;
    std::uint32_t ejected = 0;
    for (const auto& s : all) {
      active += s.active_requests;
      ejected += s.is_ejected ? 1 : 0;
      REQUIRE((!s.is_ejected || s.ejected_until > at(now_)));
    }
    REQUIRE(active <= open_.size());
    for (const auto& e : state_.take_events()) {
      if (e.what != health_event::kind::ejected) continue;
      REQUIRE(params_.ejection.has_value());
    }
    if (!params_.ejection) {
      REQUIRE(ejected == 0);
      return;
    }
    // Removed hosts may leave a larger share out than the cap; it must never grow beyond it.
    const auto total = static_cast<std::uint32_t>(all.size());
    std::uint32_t allowed = total * params_.ejection->max_ejection_percent / 100;
    if (params_.ejection->always_ejects_one) allowed = std::max(allowed, 1U);
    if (highest_allowed_ == static_cast<std::uint32_t>(-1))
      highest_allowed_ = std::max(allowed, ejected);
    REQUIRE(ejected <= highest_allowed_);
    highest_allowed_ = std::max(allowed, ejected);
  }

  // After everything has ended each host in trial accepts its number of trials again.
  void check_no_slot_is_lost() {
    if (!params_.ejection || params_.ejection->trial_requests == 0) return;
    std::set<host_id> in_trial;
    for (const auto& s : state_.status(at(now_)))
      if (s.is_in_trial) in_trial.insert(s.host);
    if (in_trial.empty() || params_.breaker.max_parallel_requests < 1024) return;
    std::map<host_id, std::uint32_t> trials;
    std::vector<std::unique_ptr<attempt_planner>> held;
    for (int i = 0; i < 400; ++i) {
      held.push_back(
          std::make_unique<attempt_planner>(state_, random_, request_limits{}, at(now_)));
      const decision d = held.back()->next(at(now_));
      if (d.step == next_step::attempt && d.target.is_trial) ++trials[d.target.host];
    }
    for (const auto& [host, count] : trials) {
      REQUIRE(in_trial.count(host) == 1);
      REQUIRE(count == params_.ejection->trial_requests);
    }
  }

  seeded_random random_;
  cluster_params params_;
  cluster state_;
  std::vector<running> open_;
  std::set<host_id> ejected_;
  std::uint32_t least_health_ = 0;
  std::uint32_t highest_allowed_ = static_cast<std::uint32_t>(-1);
  double now_ = 0;
};

}  // namespace

TEST_CASE("random schedules", "[property]") {
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    CAPTURE(seed);
    schedule one{seed};
    one.run(120);
  }
}
