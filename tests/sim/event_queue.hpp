#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/base/random.hpp>

namespace sim {

namespace base = understudy::base;
using base::duration;
using base::time_point;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Everything that happens outside the proxy, ordered by (time, sequence). One thread.
class event_queue {
 public:
  using action = std::function<void()>;
  static constexpr time_point never = time_point::max();

  /// `is_for_proxy`: it may resume code of the proxy.
  void at(time_point when, action what, bool is_for_proxy = false) {
    heap_.push_back(
        {std::max(when, base::clock::now()), next_sequence_++, std::move(what), is_for_proxy});
    std::push_heap(heap_.begin(), heap_.end(), is_later);
  }
  void after(duration delay, action what, bool is_for_proxy = false) {
    at(base::clock::now() + delay, std::move(what), is_for_proxy);
  }

  time_point next() const { return heap_.empty() ? never : heap_.front().when; }
  bool is_next_for_proxy() const { return heap_.front().is_for_proxy; }
  std::size_t size() const { return heap_.size(); }
  void run_one() {
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    const action what = std::move(heap_.back().what);
    heap_.pop_back();
    what();
  }
  void clear() { heap_.clear(); }

 private:
  struct event {
    time_point when;
    std::uint64_t sequence;
    action what;
    bool is_for_proxy;
  };
  static bool is_later(const event& a, const event& b) {
    return a.when != b.when ? a.when > b.when : a.sequence > b.sequence;
  }
  std::vector<event> heap_;
  std::uint64_t next_sequence_ = 0;
};

/// The one source of chance of a run: the same seed gives the same run everywhere.
class dice {
 public:
  explicit dice(std::uint64_t seed) : random_{seed} {}

  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  /// Both ends included.
  template <class Number>
  Number between(Number low, Number high) {
    return low + static_cast<Number>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  duration between(duration low, duration high) {
    return low + duration{static_cast<std::int64_t>(
                     below(static_cast<std::uint64_t>((high - low).count()) + 1))};
  }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  template <class Item>
  const Item& pick(const std::vector<Item>& from) {
    return from[below(from.size())];
  }
  std::uint64_t next() { return random_.next(); }

 private:
  base::seeded_random random_;
};

}  // namespace sim
