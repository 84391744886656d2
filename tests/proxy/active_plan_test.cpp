#include <understudy/proxy/active_plan.hpp>
#include <understudy/proxy/exchange.hpp>

#include "catch.hpp"

using namespace understudy;
using namespace std::chrono_literals;
using base::time_point;
using resilience::next_step;
using translate::operation;

namespace {

plan::rule make_rule(std::string name, std::size_t index, std::vector<std::string> backends) {
  plan::rule rule;
  rule.name = std::move(name);
  rule.cluster_index = index;
  for (auto& b : backends) {
    rule.backends.emplace_back().name = std::move(b);
    rule.cluster.localities.push_back({static_cast<std::uint32_t>(rule.backends.size() - 1), 1});
  }
  return rule;
}

/// Two rules; the tests change what they like before it is activated.
std::shared_ptr<plan::plan> make_plan() {
  auto p = std::make_shared<plan::plan>();
  auto& route = p->routes.emplace_back();
  route.name = "default/r";
  route.rules.push_back(make_rule("default/r/rule/0", 0, {"a", "b"}));
  route.rules.push_back(make_rule("default/r/rule/1", 1, {"a"}));
  p->cluster_count = 2;
  return p;
}

struct recorder final : proxy::health_observer {
  std::vector<resilience::health_event> seen;
  void on_health(const std::shared_ptr<proxy::cluster_state>& /*cluster*/,
                 std::vector<resilience::health_event> events) override {
    seen.insert(seen.end(), events.begin(), events.end());
  }
};

}  // namespace

TEST_CASE("a new plan keeps the state of the rules that have not changed") {
  base::seeded_random random{1};
  const auto before = proxy::activate(make_plan(), nullptr, time_point{}, random);
  REQUIRE(before->clusters.size() == 2);
  CHECK(before->clusters[0] != before->clusters[1]);
  CHECK(before->clusters[0]->rule_name() == "default/r/rule/0");
  CHECK(before->clusters[0]->route_name() == "default/r");
  CHECK(before->clusters[0]->backend_names() == std::vector<std::string>{"a", "b"});

  auto next = make_plan();
  auto& rules = next->routes[0].rules;
  bool is_kept = false;
  SECTION("the same") { is_kept = true; }
  SECTION("another timeout is no state") {
    rules[0].timeouts.connect = 1s;
    is_kept = true;
  }
  SECTION("another backend") { rules[0].backends[0].name = "c"; }
  SECTION("another priority") { rules[0].cluster.localities[1].priority = 0; }
  SECTION("another retry") { rules[0].cluster.retry.num_retries = 9; }
  SECTION("another ejection") { rules[0].cluster.ejection.emplace(); }
  SECTION("another check") { rules[0].check.emplace(); }
  SECTION("another rule name") { rules[0].name = "default/r/rule/9"; }
  SECTION("swapped places") {
    rules[0].cluster_index = 1;
    rules[1].cluster_index = 0;
    const auto after = proxy::activate(next, before.get(), time_point{}, random);
    CHECK(after->clusters[0] == before->clusters[1]);
    CHECK(after->clusters[1] == before->clusters[0]);
    return;
  }
  const auto after = proxy::activate(next, before.get(), time_point{}, random);
  CHECK(after->configuration == next);
  CHECK((after->clusters[0] == before->clusters[0]) == is_kept);
  CHECK(after->clusters[1] == before->clusters[1]);
}

TEST_CASE("endpoints of a rule that has changed keep their health") {
  base::seeded_random random{1};
  const time_point start{};
  auto first = make_plan();
  for (auto& rule : first->routes[0].rules) rule.cluster.ejection.emplace();
  const auto before = proxy::activate(first, nullptr, start, random);
  for (std::uint32_t locality = 0; locality < 2; ++locality)
    before->clusters[0]->set_hosts(locality, {{"h1", 0}, {"h2", 0}}, start);
  before->clusters[0]->locked([&](auto& c) {
    for (const auto& h : c.status(start))
      if (h.locality == 1 && h.address == "h1") CHECK(c.eject(h.host, start));
  });

  auto next = make_plan();
  auto& rules = next->routes[0].rules;
  for (auto& rule : rules) rule.cluster.ejection.emplace();
  rules[0].cluster.retry.num_retries = 9;
  std::uint32_t locality = 1;
  std::size_t rule = 0;
  bool is_kept = true;
  SECTION("with another retry") {}
  SECTION("without ejection: an operator's stays") { rules[0].cluster.ejection.reset(); }
  SECTION("in another place of the rule") {
    std::swap(rules[0].backends[0], rules[0].backends[1]);
    locality = 0;
  }
  SECTION("in a rule that has moved") {
    rules.insert(rules.begin(), make_rule("default/r/rule/0", 2, {"new"}));
    rules[1].name = "default/r/rule/1";
    rules[2].name = "default/r/rule/2";
    next->cluster_count = 3;
    rule = 1;
  }
  SECTION("but not where they are reached by other means") {
    rules[0].backends[1].tls.emplace();
    is_kept = false;
  }
  SECTION("nor of another backend") {
    rules[0].backends[1].name = "c";
    is_kept = false;
  }
  const auto after = proxy::activate(next, before.get(), start, random);
  auto& cluster = *after->clusters[next->routes[0].rules[rule].cluster_index];
  REQUIRE(&cluster != before->clusters[0].get());
  cluster.set_hosts(locality, {{"h2", 0}, {"h1", 0}}, start);
  const auto ejected_in = [&] {
    std::vector<std::string> ejected;
    for (const auto& h : cluster.locked([&](auto& c) { return c.status(start); }))
      if (h.is_ejected) ejected.push_back(h.address);
    return ejected;
  };
  CHECK(ejected_in() == (is_kept ? std::vector<std::string>{"h1"} : std::vector<std::string>{}));
  // Once: a host that leaves and comes back later is a new one.
  cluster.set_hosts(locality, {{"h2", 0}}, start);
  cluster.set_hosts(locality, {{"h2", 0}, {"h1", 0}}, start);
  CHECK(ejected_in().empty());
}

TEST_CASE("an ejection that was taken over ends when it would have") {
  base::seeded_random random{1};
  const time_point start{};
  auto first = make_plan();
  first->routes[0].rules[0].cluster.ejection.emplace().max_ejection_percent = 100;
  const auto& params = *first->routes[0].rules[0].cluster.ejection;
  const auto before = proxy::activate(first, nullptr, start, random);
  before->clusters[0]->set_hosts(0, {{"h1", 0}, {"h2", 0}}, start);
  resilience::outcome failed;
  failed.what = resilience::failure_class::status;
  failed.status = 500;
  before->clusters[0]->locked([&](auto& c) {
    const auto host = c.status(start).front().host;
    for (std::uint32_t i = 0; i < params.consecutive_5xx; ++i) c.record(host, failed, start);
  });
  const auto is_ejected = [](auto& state, time_point at) {
    return state.locked([&](auto& c) { return c.status(at).front().is_ejected; });
  };
  REQUIRE(is_ejected(*before->clusters[0], start));
  auto next = std::make_shared<plan::plan>(*first);
  next->routes[0].rules[0].cluster.retry.num_retries = 9;
  const auto later = start + std::chrono::seconds{1};
  const auto after = proxy::activate(next, before.get(), later, random);
  after->clusters[0]->set_hosts(0, {{"h1", 0}, {"h2", 0}}, later);
  CHECK(is_ejected(*after->clusters[0], later));
  CHECK_FALSE(
      is_ejected(*after->clusters[0], start + params.base_ejection_time + 2 * params.interval));
}

TEST_CASE("hosts know the target they came from and leave") {
  const auto p = make_plan();
  proxy::cluster_state state{p->routes[0], p->routes[0].rules[0], time_point{}, 1};
  state.set_hosts(1, {{"h1", 4}, {"h2", 5}, {"h1", 6}}, time_point{});
  const auto status = state.locked([](auto& c) { return c.status(time_point{}); });
  REQUIRE(status.size() == 2);
  CHECK(state.host(status[0].host, 1).address == "h1");
  CHECK(state.host(status[0].host, 1).target == 4);  // the first of equal addresses
  CHECK(state.host(status[1].host, 1).target == 5);
  state.set_hosts(1, {{"h2", 0}}, time_point{});
  CHECK(state.host(status[0].host, 1).address.empty());
  CHECK(state.host(status[1].host, 1).address == "h2");
  CHECK(state.host(status[1].host, 1).target == 0);
  CHECK(state.host(status[1].host, 7).address.empty());
}

TEST_CASE("an exchange hands the health events on and closes its attempt") {
  auto p = make_plan();
  auto& params = p->routes[0].rules[0].cluster;
  params.retry.is_present = true;
  params.retry.num_retries = 2;
  params.retry.num_attempts_per_priority = 1;
  params.retry.triggers.set(static_cast<std::size_t>(resilience::trigger::five_xx));
  params.retry.backoff = {1ms, 1ms};
  params.ejection.emplace();
  params.ejection->consecutive_5xx = 1;
  params.ejection->max_ejection_percent = 100;
  auto state =
      std::make_shared<proxy::cluster_state>(p->routes[0], p->routes[0].rules[0], time_point{}, 1);
  state->set_hosts(0, {{"primary", 0}}, time_point{});
  state->set_hosts(1, {{"backup", 0}}, time_point{});
  recorder observer;
  const auto in_flight = [&] {
    std::uint32_t n = 0;
    for (const auto& h : state->locked([](auto& c) { return c.status(time_point{1s}); }))
      n += h.active_requests;
    return n;
  };

  proxy::exchange exchange;
  CHECK(exchange.attempts() == 0);
  CHECK(exchange.request_deadline() == time_point::max());
  resilience::request_limits limits;
  limits.request_timeout = 10s;
  auto d = exchange.open(state, observer, limits, time_point{}, time_point{}, true);
  CHECK(exchange.request_deadline() == time_point{10s});
  REQUIRE(d.step == next_step::attempt);
  CHECK(state->host(d.target.host, d.target.locality).address == "primary");
  exchange.on_connected(time_point{}, d.slot);
  CHECK(in_flight() == 1);
  resilience::outcome failed;
  failed.status = 500;
  d = exchange.on_outcome(failed, time_point{1ms}, d.slot);
  REQUIRE(observer.seen.size() == 1);
  CHECK(observer.seen[0].address == "primary");
  CHECK(observer.seen[0].what == resilience::health_event::kind::ejected);
  REQUIRE(d.step == next_step::wait);
  d = exchange.next(d.until);
  REQUIRE(d.step == next_step::attempt);
  CHECK(state->host(d.target.host, d.target.locality).address == "backup");
  CHECK(exchange.attempts() == 2);

  CHECK(in_flight() == 1);
  SECTION("closed in the middle of an attempt") { exchange.close(); }
  SECTION("to its end") {
    resilience::outcome ok;
    ok.status = 200;
    CHECK(exchange.on_outcome(ok, time_point{5ms}, d.slot).step == next_step::accept);
    exchange.end(resilience::attempt_planner::ending::complete, time_point{6ms});
    CHECK(in_flight() == 0);
    exchange.close();
    using proxy::story_step;
    std::vector<story_step> steps;
    for (const auto& e : exchange.story()) steps.push_back(e.step);
    CHECK(steps == std::vector{story_step::attempt, story_step::connected, story_step::outcome,
                               story_step::ejected, story_step::wait, story_step::attempt,
                               story_step::content, story_step::outcome, story_step::completed});
    const auto told = exchange.story();
    CHECK(told[0].load_percent == 100);
    CHECK(told[2].status == 500);
    CHECK(told[2].next == next_step::wait);
    CHECK(told[3].detector == "consecutive5XxErrors");
    CHECK(told[4].because == resilience::decision_reason::backoff);
    CHECK(told[5].priority == 1);
    CHECK(told[5].load_percent == 100);
    CHECK(told[7].next == next_step::accept);
    exchange.forget_story();
    CHECK(exchange.story().empty());
  }
  CHECK(in_flight() == 0);
  CHECK(exchange.cluster() == nullptr);
  CHECK(observer.seen.size() == 1);  // a cancelled attempt is charged to nobody
  exchange.close();
}

TEST_CASE("only what leaves no state behind is sent again") {
  struct row {
    operation op;
    const char* method;
    bool may;
  };
  const auto r = GENERATE(values<row>({
      {operation::chat_completions, "POST", true},
      {operation::messages, "POST", true},
      {operation::embeddings, "POST", true},
      {operation::responses, "POST", false},
      {operation::responses, "GET", false},
      {operation::openai_other, "POST", false},
      {operation::anthropic_other, "PATCH", false},
      {operation::cohere_other, "GET", true},
      {operation::unknown, "POST", false},
      {operation::unknown, "PATCH", false},
      {operation::unknown, "CONNECT", false},
      {operation::unknown, "get", false},
      {operation::unknown, "GET", true},
      {operation::unknown, "HEAD", true},
      {operation::unknown, "OPTIONS", true},
      {operation::unknown, "PUT", true},
      {operation::unknown, "DELETE", true},
      {operation::unknown, "TRACE", true},
  }));
  CAPTURE(static_cast<int>(r.op), r.method);
  CHECK(proxy::may_replay(r.op, r.method) == r.may);
}
