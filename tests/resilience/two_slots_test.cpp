#include <map>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "world.hpp"

// Random interleavings of requests with up to two attempts at once: what must hold whatever
// happens.

using namespace understudy::resilience;
using namespace understudy::resilience::test;
using understudy::base::seeded_random;

namespace {

using ending = attempt_planner::ending;

cluster_params two_slot_params(seeded_random& r) {
  cluster_params p;
  const auto localities = 1 + r.below(4);
  for (std::uint64_t i = 0; i < localities; ++i)
    p.localities.push_back({static_cast<std::uint32_t>(r.below(3)), 1});
  p.panic_threshold = static_cast<std::uint32_t>(r.below(2) * 50);
  auto& retry = p.retry;
  retry.is_present = true;
  retry.num_retries = static_cast<std::uint32_t>(r.below(7));
  for (const auto t : {trigger::five_xx, trigger::reset, trigger::per_try_timeout})
    retry.triggers.set(static_cast<std::size_t>(t), r.below(4) > 0);
  if (r.below(2) == 0) retry.num_attempts_per_priority = static_cast<std::uint32_t>(1 + r.below(3));
  retry.is_immediate_on_next_priority = r.below(2) == 0;
  retry.avoids_timed_out_hosts = r.below(2) == 0;
  retry.retries_in_band_errors = true;
  retry.falls_back_on_context_window = true;
  if (r.below(2) == 0) retry.max_retry_after_wait = milliseconds{1000};
  p.hedge.after = milliseconds{1000};
  if (r.below(2) == 0) p.hedge.quantile = 90;
  if (r.below(2) == 0) p.hedge.first_token = milliseconds{1500};
  p.hedge.max = static_cast<std::uint32_t>(r.below(4));
  p.hedge.budget_percent = 0;
  p.breaker.retry_budget = {0, 1};
  if (r.below(4) == 0) p.breaker.max_parallel_requests = 3;
  if (r.below(3) > 0) {
    p.ejection.emplace();
    p.ejection->base_ejection_time = milliseconds{static_cast<int>(r.below(4000))};
    p.ejection->interval = milliseconds{500};
    p.ejection->max_ejection_percent = 100;
    p.ejection->consecutive_5xx = static_cast<std::uint32_t>(1 + r.below(2));
    p.ejection->trial_requests = static_cast<std::uint32_t>(r.below(3));
  }
  return p;
}

outcome any_outcome(seeded_random& r) {
  static constexpr int codes[] = {200, 400, 429, 500, 503};
  outcome o;
  o.is_bytes_sent = true;
  if (r.below(3) == 0) o.what = static_cast<failure_class>(r.below(11));
  o.status = codes[r.below(5)];
  o.is_context_window = r.below(6) == 0;
  if (r.below(4) == 0) o.retry_after = milliseconds{static_cast<int>(r.below(3000))};
  return o;
}

struct exchange {
  std::unique_ptr<attempt_planner> planner;
  std::map<int, pick> open;  // by slot
  std::uint64_t excluded = 0;
  std::uint32_t hedges = 0;
  time_point until = time_point::min();
  bool is_waiting = false;
  int accepted = -1;
};

class interleaving {
 public:
  explicit interleaving(std::uint64_t seed)
      : random_{seed}, params_{two_slot_params(random_)}, state_{params_, at(0)} {
    for (std::uint32_t i = 0; i < params_.localities.size(); ++i) {
      std::vector<std::string> names;
      for (std::uint64_t n = random_.below(3) + 1; n > 0; --n)
        names.push_back(std::to_string(i) + "." + std::to_string(n));
      state_.set_hosts(i, names, at(0));
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      now_ += static_cast<double>(random_.below(500)) / 1000;
      if (all_.size() < 5 && random_.below(4) == 0)
        begin();
      else if (!all_.empty())
        go_on(random_.below(all_.size()));
      check();
    }
    all_.clear();
    for (const auto& s : state_.status(at(now_))) REQUIRE(s.active_requests == 0);
    check_budgets_are_whole();
  }

 private:
  void begin() {
    exchange e;
    request_limits limits;
    limits.is_stream = random_.below(2) == 0;
    limits.request_timeout = milliseconds{static_cast<int>(500 + random_.below(20'000))};
    if (random_.below(3) == 0) e.excluded = random_.below(16);
    limits.excluded_localities = e.excluded;
    e.planner = std::make_unique<attempt_planner>(state_, random_, limits, at(now_));
    const decision d = e.planner->next(at(now_));
    take(std::move(e), d);
  }

  void go_on(std::size_t index) {
    exchange e = std::move(all_[index]);
    all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(index));
    if (random_.below(20) == 0) {
      if (random_.below(2) == 0) e.planner->end(ending::downstream_gone, at(now_));
      return;
    }
    if (e.is_waiting) {
      if (at(now_) < e.until) now_ = to_seconds(e.until);
      e.is_waiting = false;
      const decision d = e.planner->next(at(now_));
      return take(std::move(e), d);
    }
    if (e.accepted >= 0) return finish(std::move(e));
    const bool is_hedge = e.open.size() == 1 && random_.below(3) == 0;
    if (is_hedge) return hedge(std::move(e));
    const int slot =
        e.open.size() == 2 ? static_cast<int>(random_.below(2)) : e.open.begin()->first;
    const auto number = static_cast<attempt_planner::slot_number>(slot);
    if (random_.below(2) == 0) e.planner->on_connected(at(now_), number);
    if (random_.below(4) == 0) return win(std::move(e), number);
    const decision d = e.planner->on_outcome(any_outcome(random_), at(now_), number);
    if (d.step != next_step::accept) e.open.erase(slot);
    take(std::move(e), d);
  }

  void hedge(exchange e) {
    const decision d = e.planner->hedge(at(now_));
    if (d.step == next_step::give_up) {
      all_.push_back(std::move(e));
      return;
    }
    REQUIRE(d.step == next_step::attempt);
    ++e.hedges;
    REQUIRE((e.hedges <= params_.hedge.max || params_.hedge.first_token));
    for (const auto& host : state_.status(at(now_)))
      REQUIRE((host.host != d.target.host || !host.is_ejected));
    take(std::move(e), d);
  }

  void win(exchange e, attempt_planner::slot_number slot) {
    e.planner->on_content(at(now_), slot);
    if (e.open.size() == 2) {
      const auto loser = static_cast<attempt_planner::slot_number>(1 - slot);
      e.planner->cancel(at(now_), loser);
      e.open.erase(loser);
    }
    const decision d = e.planner->on_outcome(status(200).result, at(now_), slot);
    REQUIRE(d.step == next_step::accept);
    take(std::move(e), d);
  }

  void finish(exchange e) {
    if (random_.below(3) > 0) {
      e.planner->end(static_cast<ending>(random_.below(5)), at(now_));
      return;
    }
    const decision d = e.planner->resume(static_cast<ending>(random_.below(5)), at(now_));
    e.open.clear();
    e.accepted = -1;
    if (d.step == next_step::give_up) return;
    REQUIRE(d.step == next_step::attempt);
    take(std::move(e), d);
  }

  void take(exchange e, const decision& d) {
    REQUIRE(e.planner->attempts() <= 1 + params_.retry.num_retries);
    switch (d.step) {
      case next_step::attempt:
        REQUIRE(d.slot < 2);
        REQUIRE(e.open.count(d.slot) == 0);
        REQUIRE(((e.excluded >> d.target.locality) & 1) == 0);
        for (const auto& [slot, other] : e.open) REQUIRE(other.host != d.target.host);
        REQUIRE((!d.hedge_after || params_.hedge.max > e.hedges || params_.hedge.first_token));
        e.open[d.slot] = d.target;
        break;
      case next_step::wait:
        REQUIRE(e.open.empty());
        REQUIRE(d.until <= e.planner->request_deadline());
        e.until = d.until;
        e.is_waiting = true;
        break;
      case next_step::accept:
        e.accepted = d.slot;
        REQUIRE(e.open.at(d.slot).host == d.target.host);
        break;
      case next_step::await_other:
        REQUIRE(e.open.size() == 1);
        break;
      case next_step::give_up:
        return;
    }
    all_.push_back(std::move(e));
  }

  void check() {
    std::size_t open = 0;
    std::size_t pairs = 0;
    for (const auto& e : all_) {
      open += e.open.size();
      pairs += e.open.size() == 2 ? 1 : 0;
    }
    std::size_t active = 0;
    for (const auto& s : state_.status(at(now_))) active += s.active_requests;
    REQUIRE(active == open);
    REQUIRE(pairs <= 3);
    REQUIRE(open <= params_.breaker.max_parallel_requests);
  }

  // Nothing is under way, so one retry and three hedges must be allowed again.
  void check_budgets_are_whole() {
    now_ += 1000;
    std::vector<std::unique_ptr<attempt_planner>> held;
    const auto start = [&] {
      held.push_back(
          std::make_unique<attempt_planner>(state_, random_, request_limits{}, at(now_)));
      return held.back()->next(at(now_));
    };
    for (int i = 0; i < 3; ++i) {
      const decision d = start();
      if (d.step != next_step::attempt) return;
      const decision beside = held.back()->hedge(at(now_));
      REQUIRE((beside.step == next_step::attempt || beside.why != stop_reason::retry_overflow));
    }
    held.clear();
    outcome broken;
    broken.what = failure_class::in_band;
    broken.status = 400;
    if (start().step != next_step::attempt) return;
    const decision d = held.back()->on_outcome(broken, at(now_));
    REQUIRE(d.why != stop_reason::retry_overflow);
  }

  seeded_random random_;
  cluster_params params_;
  cluster state_;
  std::vector<exchange> all_;
  double now_ = 0;
};

}  // namespace

TEST_CASE("random interleavings of two slots", "[property]") {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    interleaving one{seed};
    one.run(120);
  }
}
