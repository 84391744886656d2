#include <understudy/telemetry/hub.hpp>

#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "catch.hpp"
#include "telemetry/page_parser.hpp"
#include "telemetry/samples.hpp"

using namespace understudy;
using namespace understudy::telemetry;
using tests::failed_over;
using tests::parse_page;

namespace {

resilience::health_event health(resilience::health_event::kind what) {
  resilience::health_event e{};
  e.what = what;
  e.address = "10.0.0.1:443";
  e.detector = "consecutive5XxErrors";
  e.multiplier = 2;
  e.ejection_time = std::chrono::seconds{10};
  return e;
}

hub_options quiet() {
  hub_options o;
  o.access_log_fd = -1;
  o.started = tests::wall(1'767'323'045, 500'000);
  return o;
}

}  // namespace

TEST_CASE("a scrape merges the workers and parses in both formats") {
  hub h{quiet()};
  for (int i = 0; i < 3; ++i) {
    auto& worker = h.add_worker();
    worker.on_exchange(failed_over());
    worker.counters().downstream_connections_active.add(2);
  }
  auto refused = exchange_record{};
  refused.status = 404;
  refused.origin = error_origin::client;
  h.add_worker().on_exchange(refused);
  for (const bool is_openmetrics : {false, true}) {
    const auto page = parse_page(h.scrape(is_openmetrics), is_openmetrics);
    const auto value = [&](const std::string& name,
                           const std::map<std::string, std::string>& labels) {
      const auto& family = is_openmetrics ? name : name + "_total";
      return page.at(family, name + "_total", labels).value;
    };
    CHECK(value("understudy_requests",
                {{"route", "default/r"}, {"code", "200"}, {"origin", "none"}}) == "3");
    CHECK(value("understudy_requests",
                {{"route", "none"}, {"code", "404"}, {"origin", "client"}}) == "1");
    CHECK(value("understudy_attempts", {{"route", "default/r"},
                                        {"backend", "a"},
                                        {"priority", "0"},
                                        {"outcome", "status"},
                                        {"reason", "503"}}) == "3");
    CHECK(value("understudy_failovers", {{"route", "default/r"}, {"from", "a"}, {"to", "b"}}) ==
          "3");
    CHECK(value("understudy_retries", {{"route", "default/r"}}) == "3");
    CHECK(value("understudy_received_bytes", {{"route", "default/r"}}) == "2436");
    CHECK(page.at("understudy_request_duration_seconds",
                  "understudy_request_duration_seconds_count", {{"route", "default/r"}})
              .value == "3");
    CHECK(page.at("understudy_downstream_connections_active",
                  "understudy_downstream_connections_active", {})
              .value == "6");
    CHECK(tests::is_near(
        page.at("process_start_time_seconds", "process_start_time_seconds", {}).number(),
        1'767'323'045.5));
    CHECK(page.at("process_open_fds", "process_open_fds", {}).number() > 2);
    CHECK(page.at("process_resident_memory_bytes", "process_resident_memory_bytes", {}).number() >
          1e6);
  }
}

TEST_CASE("a replay is not a retry, the same priority is not a failover") {
  hub h{quiet()};
  auto record = failed_over();
  record.attempts = {tests::attempt("a", 0, attempt_outcome::closed, 0, 1),
                     tests::attempt("a", 0, attempt_outcome::status, 500, 1),
                     tests::attempt("c", 0, attempt_outcome::ok, 200, 1)};
  record.attempts[1].is_replayed = true;
  h.add_worker().on_exchange(record);
  const auto page = parse_page(h.scrape(false), false);
  CHECK(page.at("understudy_retries_total", "understudy_retries_total", {{"route", "default/r"}})
            .value == "1");
  CHECK(page.at("understudy_replays_total", "understudy_replays_total", {{"route", "default/r"}})
            .value == "1");
  CHECK(page.families.at("understudy_failovers_total").samples.empty());
}

TEST_CASE("codes outside 100 to 599 share one label value") {
  hub h{quiet()};
  auto& worker = h.add_worker();
  auto record = failed_over();
  for (const int status : {0, 99, 600, 999, -1, 70'000}) {
    record.status = status;
    worker.on_exchange(record);
  }
  const auto page = parse_page(h.scrape(false), false);
  CHECK(page.at("understudy_requests_total", "understudy_requests_total",
                {{"route", "default/r"}, {"code", "0"}, {"origin", "none"}})
            .value == "6");
}

TEST_CASE("the number of series is bounded") {
  exchange_metrics metrics;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < exchange_metrics::max_routes + 50; ++i)
    names.push_back("r" + std::to_string(i));
  auto record = failed_over();
  for (const auto& n : names) {
    record.route = n;
    metrics.count(record);
  }
  CHECK(metrics.routes().size() == exchange_metrics::max_routes + 1);
  record.route = "r0";
  record.attempts.clear();
  for (const auto& n : names) record.attempts.push_back(tests::attempt(n, 0, {}, 200, 1));
  metrics.count(record);
  for (const auto* s : metrics.routes())
    CHECK(s->backends.size() <= exchange_metrics::max_backends_per_route);
}

TEST_CASE("ejections and returns are counted and told") {
  using kind = resilience::health_event::kind;
  hub h{quiet()};
  std::vector<event> heard;
  const auto subscription = h.events().subscribe([&](const event& e) { heard.push_back(e); });
  h.on_health_event("default/r", "a", 0, health(kind::ejected));
  h.on_health_event("default/r", "a", 0, health(kind::ejection_refused));
  h.on_health_event("default/r", "a", 0, health(kind::returned));
  h.set_gauge_source([](runtime_gauges& all) {
    all.endpoints.push_back({"default/r", "a", "10.0.0.1:443", 0, true, 4});
    all.priorities.push_back({"default/r", "default/r/rule/0", 1, 25});
    all.rules.push_back({"default/r", "default/r/rule/0", 5, 2, 3, 1, 7, 6});
  });
  const auto page = parse_page(h.scrape(false), false);
  const std::map<std::string, std::string> by_detector = {
      {"route", "default/r"}, {"backend", "a"}, {"detector", "consecutive5XxErrors"}};
  CHECK(page.at("understudy_ejections_total", "understudy_ejections_total", by_detector).value ==
        "1");
  CHECK(page.at("understudy_ejections_refused_total", "understudy_ejections_refused_total",
                by_detector)
            .value == "1");
  CHECK(page.at("understudy_returns_total", "understudy_returns_total",
                {{"route", "default/r"}, {"backend", "a"}})
            .value == "1");
  const std::map<std::string, std::string> endpoint = {
      {"route", "default/r"}, {"backend", "a"}, {"priority", "0"}, {"endpoint", "10.0.0.1:443"}};
  CHECK(page.at("understudy_endpoint_ejected", "understudy_endpoint_ejected", endpoint).value ==
        "1");
  CHECK(page.at("understudy_endpoint_active_requests", "understudy_endpoint_active_requests",
                endpoint)
            .value == "4");
  const std::map<std::string, std::string> rule = {{"route", "default/r"},
                                                   {"rule", "default/r/rule/0"}};
  const std::vector<std::pair<std::string, std::string>> gauges = {
      {"understudy_attempts_active", "5"},      {"understudy_retries_active", "2"},
      {"understudy_retries_active_limit", "3"}, {"understudy_hedges_active", "1"},
      {"understudy_rule_connections", "7"},     {"understudy_requests_pending", "6"}};
  for (const auto& [gauge, value] : gauges) CHECK(page.at(gauge, gauge, rule).value == value);
  auto priority = rule;
  priority["priority"] = "1";
  CHECK(
      page.at("understudy_priority_load_ratio", "understudy_priority_load_ratio", priority).value ==
      "0.25");
  REQUIRE(heard.size() == 2);
  CHECK(heard[0].message ==
        "endpoint 10.0.0.1:443 of backend a (route default/r, priority 0) ejected for 10 s after "
        "consecutive5XxErrors; multiplier 2");
  CHECK(heard[1].message ==
        "endpoint 10.0.0.1:443 of backend a (route default/r, priority 0) returned");
}

TEST_CASE("failover events are few a second and name both ends") {
  hub h{quiet()};
  auto& worker = h.add_worker();
  auto record = failed_over();
  for (int i = 0; i < 100; ++i) worker.on_exchange(record);
  CHECK(h.events().since(0).size() == 5);
  record.start += std::chrono::seconds{1};
  worker.on_exchange(record);
  const auto all = h.events().since(0);
  REQUIRE(all.size() == 6);
  CHECK(all.back().message == "request moved from a (503) to b, priority 1");
  const auto json = nlohmann::json::parse(to_json(all.back()));
  CHECK(json["id"] == 6);
  CHECK(json["kind"] == "failover");
  CHECK(json["backend"] == "b");
}

TEST_CASE("the ring keeps the last events and forgets dropped listeners") {
  event_ring ring;
  int heard = 0;
  auto subscription = ring.subscribe([&](const event&) { ++heard; });
  for (std::size_t i = 0; i < event_ring::capacity + 10; ++i) ring.publish({});
  subscription.reset();
  ring.publish({});
  CHECK(heard == static_cast<int>(event_ring::capacity) + 10);
  const auto all = ring.since(0);
  REQUIRE(all.size() == event_ring::capacity);
  CHECK(all.front().id == 12);
  CHECK(all.back().id == event_ring::capacity + 11);
  CHECK(ring.since(all.back().id - 2).size() == 2);
}

TEST_CASE("access-log lines leave on flush, once") {
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  {
    hub_options options = quiet();
    options.access_log_fd = fds[1];
    hub h{options};
    auto& worker = h.add_worker();
    worker.on_exchange(failed_over());
    worker.flush();
    worker.flush();
    char text[4096];
    const auto n = ::read(fds[0], text, sizeof text);
    REQUIRE(n > 0);
    const std::string_view line{text, static_cast<std::size_t>(n)};
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(nlohmann::json::parse(line)["request_id"] == "3f1c");
  }
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST_CASE("a reader that stands still costs lines, not traffic") {
  int fds[2];
  REQUIRE(::pipe(fds) == 0);
  {
    hub_options options = quiet();
    options.access_log_fd = fds[1];
    hub h{options};
    auto& worker = h.add_worker();
    for (int i = 0; i < 5'000; ++i) worker.on_exchange(failed_over());
    worker.flush();
    CHECK(worker.counters().access_log_dropped.value() > 0);
    const auto page = parse_page(h.scrape(false), false);
    CHECK(page.at("understudy_requests_total", "understudy_requests_total",
                  {{"route", "default/r"}, {"code", "200"}, {"origin", "none"}})
              .value == "5000");
  }
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST_CASE("the summary is JSON with the numbers of the dashboard") {
  using kind = resilience::health_event::kind;
  hub h{quiet()};
  auto& worker = h.add_worker();
  worker.on_exchange(failed_over());
  auto left = failed_over();
  left.status = 0;
  worker.on_exchange(left);
  h.on_health_event("default/r", "a", 0, health(kind::ejected));
  const auto json = nlohmann::json::parse(h.summary_json());
  CHECK(json["requests"] == 2);
  CHECK(json["answers"]["2xx"] == 1);
  CHECK(json["answers"]["left"] == 1);
  CHECK(json["failovers"] == 2);
  CHECK(json["ejections"] == 1);
  REQUIRE(json["routes"].size() == 1);
  const auto& route = json["routes"][0];
  CHECK(route["route"] == "default/r");
  CHECK(tests::is_near(route["duration_ms"]["p50"].get<double>(), 175));
  CHECK(route["backends"][0]["outcomes"] == nlohmann::json{{"status", 2}});
  CHECK(nlohmann::json::parse(hub{quiet()}.summary_json())["routes"].empty());
}

TEST_CASE("a scrape while workers count") {
  hub h{quiet()};
  auto& worker = h.add_worker();
  std::atomic<bool> is_done{false};
  std::thread counting{[&] {
    for (int i = 0; i < 20'000; ++i) worker.on_exchange(failed_over());
    is_done = true;
  }};
  int scrapes = 0;
  while (!is_done) {
    parse_page(h.scrape(true), true);
    ++scrapes;
  }
  counting.join();
  CHECK(scrapes > 0);
  CHECK(nlohmann::json::parse(h.summary_json())["requests"] == 20'000);
}
