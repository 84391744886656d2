#include <understudy/admin/requests.hpp>

#include <nlohmann/json.hpp>

#include "catch.hpp"

using namespace understudy;
using namespace understudy::admin;
using namespace std::chrono_literals;
using nlohmann::json;
using proxy::story_step;
using resilience::decision_reason;
using resilience::failure_class;
using resilience::next_step;
using resilience::stop_reason;

namespace {

proxy::rule_card example_card() {
  proxy::rule_card card;
  card.route = "default/r";
  card.rule = "default/r/rule/0";
  card.generation = 4;
  card.backends = {{"primary", {"a.yaml", 10, 9}}, {"backup", {"a.yaml", 12, 9}}};
  card.cluster.retry.is_present = true;
  card.cluster.retry.num_retries = 1;
  card.cluster.retry.triggers.set(
      static_cast<std::size_t>(resilience::trigger::retriable_status_codes));
  card.cluster.retry.status_codes.set(503);
  card.cluster.ejection.emplace();
  card.cluster.ejection->consecutive_5xx = 3;
  card.position = {"a.yaml", 8, 7};
  const auto write = [&](const char* field, int line) {
    card.written.push_back({"BackendTrafficPolicy default/p", field, {"p.yaml", line, 5}});
  };
  write("spec.retry", 20);
  write("spec.retry.retryOn.httpStatusCodes", 21);
  write("spec.healthCheck.passive", 30);
  write("spec.healthCheck.passive.consecutive5XxErrors", 31);
  return card;
}

/// A story built step by step.
struct teller {
  proxy::rule_card card = example_card();
  telemetry::request_story story;

  proxy::story_entry& step(story_step what, base::duration at) {
    auto& entry = story.entries.emplace_back();
    entry.step = what;
    entry.at = at;
    return entry;
  }
  proxy::story_entry& attempt(base::duration at, std::uint32_t priority,
                              telemetry::attempt_outcome how, std::uint32_t load = 100) {
    story.attempts.push_back(
        {how, how == telemetry::attempt_outcome::ok ? 200 : 503, false, false, 0, 5ms});
    ++story.attempts_total;
    auto& entry = step(story_step::attempt, at);
    entry.priority = entry.locality = priority;
    entry.load_percent = load;
    return entry;
  }
  json told() {
    story.request_id = "one";
    story.card = std::make_shared<proxy::rule_card>(card);
    return json::parse(story_json(story));
  }
};

json find(const json& story, const char* what) {
  for (const auto& s : story["story"])
    if (s["what"] == what) return s;
  FAIL("no step " << what << " in " << story.dump());
  return {};
}

std::string places(const json& step) {
  std::string out;
  for (const auto& line : step["decided_by"])
    out += line["setting"].get<std::string>() + "@" + line["at"].get<std::string>() +
           (line["default"] ? "? " : " ");
  return out;
}

}  // namespace

TEST_CASE("a failover is told with the lines that made it") {
  teller t;
  t.story.status = 200;
  t.story.time_to_first_byte = 30ms;
  t.story.elapsed = 50ms;
  t.story.causes = {"status 503"};
  t.attempt(0ms, 0, telemetry::attempt_outcome::status);
  auto& failed = t.step(story_step::outcome, 5ms);
  failed.status = 503;
  failed.next = next_step::attempt;
  auto& out = t.step(story_step::ejected, 5ms);
  out.detector = "consecutive5XxErrors";
  out.length = 30s;
  t.attempt(6ms, 1, telemetry::attempt_outcome::ok);
  auto& good = t.step(story_step::outcome, 29ms);
  good.status = 200;
  good.next = next_step::accept;
  t.step(story_step::completed, 50ms);

  const auto told = t.told();
  CHECK(told["generation"] == 4);
  CHECK(told["commit_ms"] == 30.0);
  REQUIRE(told["attempts"].size() == 2);
  CHECK(told["attempts"][0]["backend"] == "primary");
  CHECK(told["attempts"][1]["backend"] == "backup");
  CHECK(told["attempts"][1]["started_ms"] == 6.0);
  const auto& story = told["story"];
  REQUIRE(story.size() == 7);
  CHECK(places(story[0]) == "backendRef@a.yaml:10:9 ");
  CHECK(story[1]["text"] == "answered 503; that is retried");
  CHECK(places(story[1]) == "retry.status_codes@p.yaml:21:5 ");
  CHECK(story[2]["text"] == "its endpoint is ejected for 30 s by consecutive5XxErrors: 3");
  CHECK(places(story[2]) ==
        "ejection.consecutive_5xx@p.yaml:31:5 ejection.base_ejection_time@p.yaml:30:5? ");
  CHECK(story[3]["text"].get<std::string>().find("nothing above it is in service") !=
        std::string::npos);
  CHECK(story[3]["attempt"] == 2);
  CHECK(story[5]["what"] == "commit");
  CHECK(story[6]["what"] == "completed");
}

TEST_CASE("why no more is tried, and by which line") {
  struct row {
    stop_reason why;
    decision_reason because;
    std::string words, places;
  };
  const row rows[] = {
      {stop_reason::retries_exhausted, decision_reason::attempts_used_up,
       "all 2 attempts are used up", "retry.num_retries@p.yaml:20:5? "},
      {stop_reason::retries_exhausted, decision_reason::deadline_near, "before the request timeout",
       "timeouts.request@a.yaml:8:7? "},
      {stop_reason::retries_exhausted, decision_reason::all_silent, "has been silent",
       "retry.per_try_timeout@p.yaml:20:5? "},
      {stop_reason::retry_overflow, decision_reason::load, "than the budget allows",
       "circuit_breakers.max_parallel_retries@a.yaml:8:7? "},
      {stop_reason::no_healthy_host, decision_reason::load, "no endpoint is in service",
       "panic_threshold@a.yaml:8:7? "},
      {stop_reason::no_capable_backend, decision_reason::load, "would silently drop",
       "guard@a.yaml:8:7? "},
      {stop_reason::not_retriable, decision_reason::body_not_kept, "too long to be kept", ""},
      {stop_reason::overflow, decision_reason::load, "circuit breaker",
       "circuit_breakers.max_parallel_requests@a.yaml:8:7? "},
      {stop_reason::request_timeout, decision_reason::load, "request timeout is reached",
       "timeouts.request@a.yaml:8:7? "},
  };
  for (const auto& row : rows) {
    teller t;
    auto& end = t.step(story_step::gave_up, 5ms);
    end.why = row.why;
    end.because = row.because;
    const auto step = find(t.told(), "gave_up");
    CAPTURE(row.words, step.dump());
    CHECK(step["text"].get<std::string>().find(row.words) != std::string::npos);
    CHECK(places(step) == row.places);
  }
}

TEST_CASE("a retry is put down to what covers its failure") {
  struct row {
    failure_class what;
    int status;
    std::string places;
  };
  const row rows[] = {
      {failure_class::status, 503, "retry.status_codes@p.yaml:21:5 "},
      {failure_class::connect, 0, "retry.connect_failure@p.yaml:20:5? "},
      {failure_class::connect_timeout, 0,
       "timeouts.connect@a.yaml:8:7? retry.connect_failure@p.yaml:20:5? "},
      {failure_class::closed, 0, "retry.reset@p.yaml:20:5? "},
      {failure_class::in_band, 0, "retry.in_band_errors@a.yaml:8:7? "},
  };
  for (const auto& row : rows) {
    teller t;
    t.attempt(0ms, 0, telemetry::attempt_outcome::closed);
    auto& failed = t.step(story_step::outcome, 5ms);
    failed.failure = row.what;
    failed.status = row.status;
    failed.next = next_step::wait;
    const auto step = find(t.told(), "outcome");
    CAPTURE(row.places, step.dump());
    CHECK(places(step) == row.places);
  }
}

TEST_CASE("a priority that was moved on from names the field that did it") {
  teller t;
  t.card.cluster.retry.num_attempts_per_priority = 1;
  t.attempt(0ms, 0, telemetry::attempt_outcome::status);
  t.attempt(6ms, 1, telemetry::attempt_outcome::ok, 0);
  const auto told = t.told();
  const auto& second = told["story"][1];
  CHECK(second["text"].get<std::string>().find("the one attempt on priority 0 is used up") !=
        std::string::npos);
  CHECK(places(second) == "retry.num_attempts_per_priority@p.yaml:20:5? backendRef@a.yaml:12:9 ");
}

TEST_CASE("a request that no route took has a story without steps") {
  telemetry::request_story story;
  story.request_id = "x\"y";
  story.status = 404;
  story.details = "no_route";
  const auto told = json::parse(story_json(story));
  CHECK(told["id"] == "x\"y");
  CHECK(told["route"] == nullptr);
  CHECK(told["story"].empty());
  const auto list = json::parse(requests_json({story}, 1'000));
  CHECK(list["kept"] == 1'000);
  CHECK(list["requests"][0]["details"] == "no_route");
}

TEST_CASE("filters out of a query") {
  struct row {
    std::string_view query;
    bool is_good;
  };
  const row rows[] = {
      {"", true},
      {"limit=1000", true},
      {"limit=0", false},
      {"limit=1001", false},
      {"limit=", false},
      {"limit=-1", false},
      {"status=503", true},
      {"status=5xx", true},
      {"status=5XX", true},
      {"status=6xx", false},
      {"status=0xx", false},
      {"status=99", false},
      {"status=5x", false},
      {"only=errors&min_ms=5&&min_attempts=2", true},
      {"only=failovers", true},
      {"only=all", false},
      {"route=default%2Fr", true},
      {"route=%zz", false},
      {"colour=red", false},
      {"backend", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.query);
    const auto filter = parse_filter(row.query);
    CHECK(filter.has_value() == row.is_good);
    if (!filter) CHECK(filter.error().message.find("there are limit, route") != std::string::npos);
  }
  const auto filter = *parse_filter("route=default%2Fr&status=4xx&limit=7&min_ms=20");
  CHECK(filter.route == "default/r");
  CHECK(filter.status == 4);
  CHECK(filter.limit == 7);
  CHECK(filter.min_elapsed == 20ms);
}
