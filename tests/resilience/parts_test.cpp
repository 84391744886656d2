#include <map>

#include <understudy/resilience/backoff.hpp>
#include <understudy/resilience/balancer.hpp>
#include <understudy/resilience/breakers.hpp>
#include <understudy/resilience/hash.hpp>
#include <understudy/resilience/inline_list.hpp>
#include <understudy/resilience/maglev.hpp>
#include <understudy/resilience/priority_load.hpp>
#include <understudy/resilience/retry_decision.hpp>
#include <understudy/resilience/steering.hpp>

#include "catch.hpp"
#include "world.hpp"

using namespace understudy::resilience;
using namespace understudy::resilience::test;
using understudy::base::seeded_random;

namespace {

using percents = std::vector<std::uint32_t>;

/// Numbers in turn; running out is an error of the test.
class scripted_random final : public understudy::base::random_source {
 public:
  explicit scripted_random(std::vector<std::uint64_t> values) : values_{std::move(values)} {}
  std::uint64_t next() override { return values_.at(at_++); }

 private:
  std::vector<std::uint64_t> values_;
  std::size_t at_ = 0;
};

std::vector<host> make_hosts(std::size_t n) {
  std::vector<host> hosts(n);
  for (std::size_t i = 0; i < n; ++i) hosts[i].id = static_cast<host_id>(i);
  return hosts;
}

std::vector<host*> pointers(std::vector<host>& hosts) {
  std::vector<host*> list;
  for (auto& h : hosts) list.push_back(&h);
  return list;
}

}  // namespace

TEST_CASE("L23 healthy and degraded share the load", "[load]") {
  load_share share;
  distribute(percents{10, 20, 10}, percents{20, 10, 0}, share);
  CHECK(share.healthy == percents{16, 28, 14});
  CHECK(share.degraded == percents{28, 14, 0});
}

TEST_CASE("only degraded hosts: the remainder is theirs", "[load]") {
  load_share share;
  distribute(percents{0, 0, 0}, percents{30, 30, 30}, share);
  CHECK(share.degraded == percents{34, 33, 33});
}

TEST_CASE("L24 the share that holds the random number", "[load]") {
  const load_share share{{70, 30}, {0, 0}};
  CHECK(choose_priority(share, 0) == 0);
  CHECK(choose_priority(share, 69) == 0);
  CHECK(choose_priority(share, 70) == 1);
  CHECK(choose_priority(share, 99) == 1);
  CHECK(choose_priority(share, 170) == 1);
  CHECK(choose_priority({{0, 100}, {0, 0}}, 0) == 1);
  CHECK(choose_priority({{40, 0}, {0, 60}}, 40) == 1);
  CHECK(choose_priority({{0, 0}, {0, 0}}, 5) == no_priority);
  CHECK(choose_priority({}, 5) == no_priority);
}

TEST_CASE("3.1 health per cent and panic as tabled", "[load]") {
  struct row {
    const char* id;
    std::vector<priority_counts> counts;
    percents health;
    std::vector<char> is_panic;
    bool is_total_panic;
  };
  const row rows[] = {
      {"L1", {{1, 0, 1}, {1, 0, 1}}, {100, 100}, {0, 0}, false},
      {"L2", {{0, 0, 1}, {1, 0, 1}}, {0, 100}, {0, 0}, false},
      {"L4", {{2, 0, 3}, {1, 0, 1}}, {93, 100}, {0, 0}, false},
      {"L6", {{5, 0, 7}, {1, 0, 1}}, {100, 100}, {0, 0}, false},
      {"L7", {{7, 0, 10}, {10, 0, 10}}, {98, 100}, {0, 0}, false},
      {"L8", {{1, 0, 3}, {1, 0, 1}}, {46, 100}, {0, 0}, false},
      {"L10", {{1, 0, 2}, {0, 0, 1}}, {70, 0}, {0, 1}, false},
      {"L11", {{0, 0, 2}, {1, 0, 2}}, {0, 70}, {1, 0}, false},
      {"L12", {{0, 0, 2}, {1, 0, 3}}, {0, 46}, {1, 1}, true},
      {"L13", {{1, 0, 4}, {1, 0, 4}}, {35, 35}, {1, 1}, true},
      {"L14", {{0, 0, 1}, {0, 0, 1}}, {0, 0}, {1, 1}, true},
      {"L16", {{1, 0, 4}, {1, 0, 4}, {1, 0, 1}}, {35, 35, 100}, {0, 0, 0}, false},
      {"empty", {{0, 0, 0}, {1, 0, 1}}, {0, 100}, {0, 0}, false},
  };
  for (const auto& r : rows) {
    CAPTURE(r.id);
    load_table table;
    compute_load(r.counts, 50, table);
    CHECK(table.health == r.health);
    CHECK(table.is_panic == r.is_panic);
    CHECK(table.is_total_panic == r.is_total_panic);
  }
}

TEST_CASE("L29 least request keeps the host with fewer requests", "[balancer]") {
  auto hosts = make_hosts(3);
  hosts[0].active_requests = 5;
  hosts[1].active_requests = 3;
  balancer b{balancing::least_request};
  b.add_locality(1);
  b.set_hosts(0, pointers(hosts));
  b.refresh(0);
  scripted_random draws{{0, 1, 1, 0, 0, 0}};
  CHECK(b.pick(draws, false)->id == 1);
  CHECK(b.pick(draws, false)->id == 1);
  CHECK(b.pick(draws, false)->id == 0);  // twice the same
  hosts[1].active_requests = 5;
  scripted_random ties{{0, 1, 1, 0}};
  CHECK(b.pick(ties, false)->id == 0);  // the first drawn
  CHECK(b.pick(ties, false)->id == 1);
}

TEST_CASE("round robin walks, from a random start", "[balancer]") {
  auto hosts = make_hosts(3);
  balancer b{balancing::round_robin};
  b.add_locality(1);
  b.set_hosts(0, pointers(hosts));
  b.refresh(0);
  scripted_random start{{2}};
  std::vector<host_id> seen;
  for (int i = 0; i < 6; ++i) seen.push_back(b.pick(start, false)->id);
  CHECK(seen == std::vector<host_id>{2, 0, 1, 2, 0, 1});
}

TEST_CASE("localities take turns by weight, exactly over a period", "[balancer]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    seeded_random random{seed};
    locality_schedule s;
    const double weights[] = {5, 0, 3, 2};
    s.rebuild(weights, random);
    std::map<std::size_t, int> seen;
    for (int i = 0; i < 100; ++i) ++seen[s.next()];
    CHECK(seen.count(1) == 0);
    CHECK(std::abs(seen[0] - 50) <= 1);
    CHECK(std::abs(seen[2] - 30) <= 1);
    CHECK(std::abs(seen[3] - 20) <= 1);
  }
}

TEST_CASE("a schedule rebuilt before every few picks is as fair", "[balancer]") {
  for (const int run : {1, 2, 3}) {
    CAPTURE(run);
    seeded_random random{4};
    locality_schedule s;
    const double weights[] = {3, 1};
    std::vector<int> first(static_cast<std::size_t>(run), 0);
    for (int i = 0; i < 20'000; ++i) {
      s.rebuild(weights, random);
      for (int& count : first) count += s.next() == 0 ? 1 : 0;
    }
    for (const int count : first) CHECK(std::abs(count - 15'000) < 300);
  }
}

TEST_CASE("S9 six picks make a repeated host rare, not impossible", "[choice]") {
  cluster_params p;
  p.localities = {{0, 1}};
  p.load_balancer = balancing::random;
  p.retry.is_present = true;
  p.retry.num_retries = 1;
  p.retry.triggers.set(static_cast<std::size_t>(trigger::five_xx));
  world w{p, {{"a", "b"}}, 5};
  int repeated = 0;
  constexpr int requests = 20'000;
  for (int i = 0; i < requests; ++i) {
    const told r = w.request(i, [](const std::string&, double) { return status(500); });
    REQUIRE(r.attempts.size() == 2);
    repeated += r.attempts[0] == r.attempts[1] ? 1 : 0;
  }
  // 1 / 2^6 of them: 312.
  CHECK(std::abs(repeated - requests / 64) < 90);
}

TEST_CASE("1.9 the budget is a share of the requests in flight", "[breakers]") {
  struct row {
    std::uint32_t requests, percent, minimum, retries;
  };
  const row rows[] = {{25, 20, 3, 5}, {24, 20, 3, 4}, {29, 20, 3, 5},   {2, 20, 3, 3},
                      {0, 20, 3, 3},  {100, 0, 0, 0}, {10, 100, 0, 10}, {9, 50, 1, 4}};
  for (const auto& r : rows) {
    CAPTURE(r.requests, r.percent);
    breaker_params p;
    p.retry_budget = {r.percent, r.minimum};
    breakers b{p};
    for (std::uint32_t i = 0; i < r.requests; ++i) REQUIRE(b.try_request());
    std::uint32_t granted = 0;
    while (granted < 200 && b.try_retry()) ++granted;
    CHECK(granted == r.retries);
    if (granted == 0) continue;
    b.end_retry();
    CHECK(b.try_retry());
  }
}

TEST_CASE("panic uses every host of the priority, and weights do not count", "[balancer]") {
  auto hosts = make_hosts(4);
  hosts[0].health.is_ejected = true;
  balancer b{balancing::random};
  b.add_locality(1);
  b.add_locality(9);
  auto list = pointers(hosts);
  b.set_hosts(0, {list[0]});
  b.set_hosts(1, {list[1], list[2], list[3]});
  b.refresh(0);
  CHECK(b.usable() == 3);
  CHECK(b.total() == 4);
  seeded_random random{9};
  std::map<host_id, int> seen;
  for (int i = 0; i < 4000; ++i) ++seen[b.pick(random, true)->id];
  for (host_id id = 0; id < 4; ++id) CHECK(std::abs(seen[id] - 1000) < 150);
  for (int i = 0; i < 100; ++i) CHECK(b.pick(random, false)->id != 0);
}

TEST_CASE("intervals of the back-off", "[backoff]") {
  struct row {
    int base, max;
    std::vector<int> intervals;
  };
  const row rows[] = {{25, 250, {25, 50, 100, 200, 250, 250}},
                      {100, 10'000, {100, 200, 400, 800, 1600, 3200, 6400, 10'000, 10'000}},
                      {100, 1000, {100, 200, 400, 800, 1000}},
                      {1000, 1500, {1000, 1500, 1500}},
                      {100, 399, {100, 200, 399}},
                      {49, 99, {49, 99}},
                      {0, 0, {1, 1}}};
  for (const auto& r : rows) {
    CAPTURE(r.base, r.max);
    backoff b{{milliseconds{r.base}, milliseconds{r.max}}};
    seeded_random random{1};
    for (const int expected : r.intervals) {
      CHECK(b.interval() == milliseconds{expected});
      CHECK(b.wait(random) < milliseconds{expected});
    }
  }
}

TEST_CASE("1.4 trigger by class, the whole table", "[retry]") {
  using c = failure_class;
  const std::vector<c> columns = {c::connect,  c::connect_timeout, c::closed,
                                  c::protocol, c::per_try,         c::global,
                                  c::overflow, c::no_host,         c::local_shortage};
  struct row {
    trigger what;
    const char* sent;  // one letter a column: y or n
    const char* unsent;
  };
  const row rows[] = {{trigger::five_xx, "yyyyynnny", "yyyyynnny"},
                      {trigger::gateway_error, "yyyyynnny", "yyyyynnny"},
                      {trigger::reset, "yyyyynnny", "yyyyynnny"},
                      {trigger::reset_before_request, "nnnnnnnnn", "yyyyynnny"},
                      {trigger::connect_failure, "yynnnnnny", "yynnnnnny"},
                      {trigger::retriable_4xx, "nnnnnnnnn", "nnnnnnnnn"},
                      {trigger::refused_stream, "nnnnnnnnn", "nnnnnnnnn"},
                      {trigger::retriable_status_codes, "nnnnnnnnn", "nnnnnnnnn"},
                      {trigger::cancelled, "nnnnnnnnn", "nnnnnnnnn"},
                      {trigger::unavailable, "nnnnnnnnn", "nnnnnnnnn"},
                      {trigger::per_try_timeout, "nnnnynnnn", "nnnnynnnn"},
                      {trigger::connection_closed, "nnyynnnnn", "nnyynnnnn"}};
  for (const auto& r : rows) {
    retry_params policy;
    policy.is_present = true;
    policy.triggers.set(static_cast<std::size_t>(r.what));
    policy.status_codes.set(503);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      CAPTURE(static_cast<int>(r.what), i);
      outcome o;
      o.what = columns[i];
      CHECK((classify(policy, o, true) != retriability::no) == (r.sent[i] == 'y'));
      CHECK((classify(policy, o, false) != retriability::no) == (r.unsent[i] == 'y'));
    }
  }
}

TEST_CASE("statuses by trigger", "[retry]") {
  const auto retried = [](trigger what, int code) {
    retry_params policy;
    policy.is_present = true;
    policy.triggers.set(static_cast<std::size_t>(what));
    policy.status_codes.set(418);
    outcome o;
    o.status = code;
    return classify(policy, o, true) == retriability::after_backoff;
  };
  for (int code = 100; code < 1000; ++code) {
    CAPTURE(code);
    CHECK(retried(trigger::five_xx, code) == (code >= 500 && code <= 599));
    CHECK(retried(trigger::gateway_error, code) == (code >= 502 && code <= 504));
    CHECK(retried(trigger::retriable_4xx, code) == (code == 409));
    CHECK(retried(trigger::retriable_status_codes, code) == (code == 418));
    CHECK_FALSE(retried(trigger::connect_failure, code));
    CHECK_FALSE(retried(trigger::reset, code));
  }
  CHECK_FALSE(retried(trigger::retriable_status_codes, -1));
}

TEST_CASE("the list keeps its elements beyond the inline ones", "[inline_list]") {
  inline_list<int, 3> list;
  for (int n = 0; n < 9; ++n) {
    CHECK(list.size() == static_cast<std::size_t>(n));
    CHECK(list.empty() == (n == 0));
    std::vector<int> expected;
    for (int i = 0; i < n; ++i) expected.push_back(i);
    const auto view = list.view();
    CHECK(std::vector<int>(view.begin(), view.end()) == expected);
    list.push_back(n);
  }
}

TEST_CASE("slow start by age", "[balancer]") {
  using understudy::base::duration;
  const duration window = std::chrono::seconds{60};
  CHECK(slow_start_factor(std::chrono::seconds{3}, window) == 0.10);
  CHECK(slow_start_factor(std::chrono::seconds{30}, window) == 0.5);
  CHECK(slow_start_factor(std::chrono::seconds{60}, window) == 1);
  CHECK(slow_start_factor(std::chrono::seconds{61}, window) == 1);
}

TEST_CASE("a Maglev table is even, and loses little when a member leaves", "[balancer]") {
  constexpr std::uint32_t size = 65'537;
  std::vector<std::uint64_t> members;
  for (int i = 0; i < 10; ++i) members.push_back(hash_text("10.0.0." + std::to_string(i) + ":80"));
  maglev_table whole, less;
  whole.rebuild(members, size);
  members.pop_back();
  less.rebuild(members, size);
  std::map<std::size_t, int> slots;
  int moved = 0;
  for (std::uint64_t h = 0; h < size; ++h) {
    const auto before = whole.at(h);
    ++slots[before];
    moved += before != 9 && before != less.at(h) ? 1 : 0;
  }
  for (const auto& [_, n] : slots) CHECK((n == 6553 || n == 6554));
  CHECK(moved < static_cast<int>(size) / 20);
}

TEST_CASE("hashes are the same everywhere", "[balancer]") {
  CHECK(hash_text("") == hash_text("", 0));
  CHECK(hash_text("10.0.0.1:80", 0) == 0xe0e36dde0a8b7493ULL);
  CHECK(hash_text("10.0.0.1:80", 1) == 0x8807ecd3796f6194ULL);
}
