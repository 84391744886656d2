#include <understudy/net/timer_queue.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <understudy/base/random.hpp>

#include "catch.hpp"

using namespace understudy;
using namespace std::chrono_literals;
using base::time_point;
using net::timer_queue;

namespace {

/// An entry with a name and a log.
struct timer : timer_queue::entry {
  timer(timer_queue& queue, int id, std::vector<int>& fired)
      : entry{queue, [](entry& e) { static_cast<timer&>(e).fire(); }}, id_{id}, fired_{fired} {}
  void fire() {
    fired_.push_back(id_);
    if (then) std::exchange(then, nullptr)();
  }
  std::function<void()> then;

 private:
  int id_;
  std::vector<int>& fired_;
};

struct wake_log final : timer_queue::driver {
  void wake_at(time_point earliest) override { wakes.push_back(earliest); }
  std::vector<time_point> wakes;
};

constexpr time_point at(int n) { return time_point{std::chrono::seconds{n}}; }

/// Time goes from one next() to the next, as both clocks drive it.
void run_until(timer_queue& queue, time_point end) {
  while (queue.next() <= end) queue.run_due(queue.next());
}

}  // namespace

TEST_CASE("timers fire by deadline, ties in the order they were armed") {
  timer_queue queue;
  std::vector<int> fired;
  std::vector<std::unique_ptr<timer>> timers;
  for (int i = 0; i < 9; ++i) {
    timers.push_back(std::make_unique<timer>(queue, i, fired));
    timers.back()->arm(at(1 + i % 3));
  }
  CHECK(queue.next() == at(1));
  queue.run_due(at(0));
  CHECK(fired.empty());
  queue.run_due(at(1));
  CHECK(fired == std::vector<int>{0, 3, 6});
  queue.run_due(at(3));
  CHECK(fired == std::vector<int>{0, 3, 6, 1, 4, 7, 2, 5, 8});
  CHECK(queue.size() == 0);
  CHECK(queue.next() == timer_queue::never);
  CHECK(timers[0]->deadline() == timer_queue::never);
}

TEST_CASE("a later deadline costs nothing until the old one comes") {
  timer_queue queue;
  wake_log log;
  queue.attach(&log);
  std::vector<int> fired;
  timer a{queue, 1, fired};
  a.arm(at(5));
  a.arm(at(9));
  CHECK(log.wakes == std::vector<time_point>{at(5)});
  CHECK(queue.next() == at(5));
  CHECK(a.deadline() == at(9));
  queue.run_due(at(5));
  CHECK(fired.empty());
  CHECK(log.wakes == std::vector<time_point>{at(5), at(9)});
  queue.run_due(at(9));
  CHECK(fired == std::vector<int>{1});
  CHECK(log.wakes.size() == 2);
}

TEST_CASE("an earlier deadline wakes the driver at once") {
  timer_queue queue;
  wake_log log;
  std::vector<int> fired;
  timer a{queue, 1, fired}, b{queue, 2, fired};
  queue.attach(&log);
  a.arm(at(9));
  b.arm(at(10));
  CHECK(log.wakes == std::vector<time_point>{at(9)});
  b.arm(at(3));
  CHECK(log.wakes == std::vector<time_point>{at(9), at(3)});
  run_until(queue, at(20));
  CHECK(fired == std::vector<int>{2, 1});
}

TEST_CASE("a timer that is disarmed or destroyed does not fire") {
  timer_queue queue;
  std::vector<int> fired;
  timer a{queue, 1, fired}, c{queue, 3, fired};
  {
    timer b{queue, 2, fired};
    a.arm(at(1));
    b.arm(at(1));
    c.arm(at(2));
  }
  CHECK(queue.size() == 2);
  a.disarm();
  CHECK(a.deadline() == timer_queue::never);
  SECTION("for good") {
    run_until(queue, at(9));
    CHECK(fired == std::vector<int>{3});
  }
  SECTION("and armed anew") {
    a.arm(at(3));
    run_until(queue, at(9));
    CHECK(fired == std::vector<int>{3, 1});
  }
  SECTION("and armed for never") {
    a.arm(timer_queue::never);
    run_until(queue, at(9));
    CHECK(fired == std::vector<int>{3});
  }
  CHECK(queue.size() == 0);
}

TEST_CASE("a callback may change the queue under it") {
  timer_queue queue;
  std::vector<int> fired;
  auto a = std::make_unique<timer>(queue, 1, fired);
  auto b = std::make_unique<timer>(queue, 2, fired);
  timer c{queue, 3, fired};
  a->arm(at(1));
  b->arm(at(1));
  c.arm(at(1));
  SECTION("destroys itself and another that is due") {
    a->then = [&] {
      b.reset();
      a.reset();
    };
    queue.run_due(at(1));
    CHECK(fired == std::vector<int>{1, 3});
  }
  SECTION("arms itself again") {
    a->then = [&] { a->arm(at(2)); };
    queue.run_due(at(1));
    CHECK(fired == std::vector<int>{1, 2, 3});
    queue.run_due(at(2));
    CHECK(fired == std::vector<int>{1, 2, 3, 1});
  }
  SECTION("arms itself for now, behind those that are due") {
    a->then = [&] { a->arm(at(1)); };
    queue.run_due(at(1));
    CHECK(fired == std::vector<int>{1, 2, 3, 1});
  }
  SECTION("puts another off") {
    a->then = [&] { b->arm(at(4)); };
    queue.run_due(at(1));
    CHECK(fired == std::vector<int>{1, 3});
    run_until(queue, at(4));
    CHECK(fired == std::vector<int>{1, 3, 2});
  }
}

TEST_CASE("the queue agrees with a sorted multimap") {
  const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 40)));
  CAPTURE(seed);
  base::seeded_random random{seed};
  timer_queue queue;
  std::vector<int> fired;
  constexpr int count = 24;
  std::vector<std::unique_ptr<timer>> timers(count);
  std::multimap<time_point, int> model;
  const auto forget = [&](int id) {
    std::erase_if(model, [&](const auto& entry) { return entry.second == id; });
  };
  int now = 0;
  std::size_t total = 0;
  for (int step = 0; step < 600; ++step) {
    const int id = static_cast<int>(random.below(count));
    auto& t = timers[static_cast<std::size_t>(id)];
    switch (random.below(8)) {
      case 0:
        t.reset();
        forget(id);
        break;
      case 1:
        if (t) t->disarm();
        forget(id);
        break;
      case 2:
      case 3: {
        now += static_cast<int>(random.below(6));
        fired.clear();
        run_until(queue, at(now));
        std::multiset<int> wanted;
        while (!model.empty() && model.begin()->first <= at(now)) {
          wanted.insert(model.begin()->second);
          model.erase(model.begin());
        }
        REQUIRE(std::multiset<int>(fired.begin(), fired.end()) == wanted);
        total += fired.size();
        break;
      }
      default:
        if (!t) t = std::make_unique<timer>(queue, id, fired);
        forget(id);
        const int deadline = now + static_cast<int>(random.below(20));
        t->arm(at(deadline));
        model.emplace(at(deadline), id);
    }
    if (!model.empty()) REQUIRE(queue.next() <= model.begin()->first);
  }
  CHECK(total > 50);
}
