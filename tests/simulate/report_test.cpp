#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "helpers.hpp"

using namespace simulate_test;

namespace {

const std::string seed_file = "config/provider-fallback.yaml";

std::string seed_text() { return read(source_folder + seed_file); }

played play_seed(const std::string& scenario) {
  return play_text(seed_file, seed_text(), "s.yaml", scenario);
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

}  // namespace

TEST_CASE("a ready scenario holds against its configuration") {
  struct ready {
    std::string configuration, scenario;
  };
  const auto one = GENERATE(values<ready>({{"provider-fallback", "primary-503"},
                                           {"provider-fallback", "primary-down"},
                                           {"provider-fallback", "brown-out"},
                                           {"provider-fallback", "flapping"},
                                           {"active-active", "throttling"},
                                           {"active-active", "slow-first-token"},
                                           {"active-active", "regional-outage"}}));
  INFO(one.scenario);
  const auto seen = play_files("config/" + one.configuration + ".yaml",
                               "config/scenarios/" + one.scenario + ".yaml");
  REQUIRE(seen.story);
  CHECK(seen.told.empty());
  CHECK(seen.story->scenario == one.scenario);
  CHECK(seen.story->expectations.size() >= 2);
  for (const auto& e : seen.story->expectations) {
    INFO(e.wanted.field << " is " << e.got);
    CHECK(e.is_met);
  }
  // Its fault is felt: the expectations are no comment on fair weather.
  std::uint64_t hit = seen.story->saved + seen.story->errors;
  for (const auto& b : seen.story->backends) hit += b.ejections;
  CHECK((hit > 0 || seen.story->longest > std::chrono::seconds{30}));
}

TEST_CASE("the same seed gives the same report, another one another") {
  const std::string text =
      "duration: 30s\nload: {requestsPerSecond: 20, streaming: 50, arrival: poisson}\nseed: ";
  const auto one = play_seed(text + "7\n"), again = play_seed(text + "7\n"),
             other = play_seed(text + "8\n");
  REQUIRE(one.story);
  CHECK(to_json(*one.story) == to_json(*again.story));
  CHECK(to_json(*one.story) != to_json(*other.story));
}

TEST_CASE("fair weather is no event") {
  const auto seen = play_seed("duration: 1m\nload: {requestsPerSecond: 5}\n");
  REQUIRE(seen.story);
  const auto& story = *seen.story;
  CHECK(story.requests == 300);
  CHECK(story.errors == 0);
  CHECK(story.attempts == 300);
  CHECK(story.cost_factor == 1);
  CHECK(story.timeline.empty());
  CHECK(story.is_met());
  CHECK(to_text(story, false).find("nothing happened") != std::string::npos);
}

TEST_CASE("each fault is what it says to the clients of the seed") {
  struct row {
    std::string fault, cause, field;
  };
  // Both backends have it, so that nothing hides it.
  const auto one = GENERATE(values<row>(
      {{"reset: true", "closed the connection before it answered", "spec.retry.retryOn.triggers"},
       {"malformed: true", "malformed response", "spec.retry.retryOn.triggers"},
       {"hang: true", "was silent until the per-try timeout", "spec.retry.retryOn.triggers"},
       {"slow: 31s", "was silent until the per-try timeout", "spec.retry.retryOn.triggers"},
       {"throttle: {retryAfter: 3s}", "status 429 of", "spec.retry.retryOn.httpStatusCodes"},
       {"status: 502", "status 502 of", "spec.retry.retryOn.httpStatusCodes"},
       {"cut: {after: 30}", "broke off inside the answer", "FailoverPolicy spec.stream.onBreak"}}));
  INFO(one.fault);
  const auto seen = play_seed(
      "duration: 60s\nload: {requestsPerSecond: 2, streaming: 100}\nfaults:\n  - backends: "
      "[provider-fallback-aws, provider-fallback-always-failing-upstream]\n    " +
      one.fault + "\n");
  REQUIRE(seen.story);
  REQUIRE(!seen.story->causes.empty());
  const auto& cause = seen.story->causes.front();
  CHECK(cause.what.find(one.cause) != std::string::npos);
  CHECK(cause.responsible.field == one.field);
  CHECK(cause.responsible.at.line > 0);
  CHECK(seen.story->errors > 0);
  CHECK_FALSE(cause.why.empty());
}

TEST_CASE("retries that can't leave their priority name numAttemptsPerPriority") {
  auto text = seed_text();
  text.resize(text.find("  healthCheck:"));
  const auto seen = play_text(seed_file, text, "s.yaml",
                              "duration: 60s\nload: {requestsPerSecond: 2}\nfaults:\n  - backend: "
                              "provider-fallback-always-failing-upstream\n    refuse: true\n");
  REQUIRE(seen.story);
  REQUIRE(seen.story->causes.size() == 1);
  const auto& cause = seen.story->causes[0];
  CHECK(cause.count == 120);
  CHECK(cause.responsible.field == "spec.retry.numAttemptsPerPriority");
  CHECK(cause.change == "write `numAttemptsPerPriority: 1`");
  CHECK(cause.errors_with_change == 0);
  CHECK(seen.story->extra_attempts == 600);
}

TEST_CASE("a change that does not help is not recommended") {
  const auto seen = play_seed(
      "duration: 60s\nload: {requestsPerSecond: 2}\nfaults:\n  - backends: "
      "[provider-fallback-always-failing-upstream, provider-fallback-aws]\n    refuse: true\n");
  REQUIRE(seen.story);
  CHECK(seen.story->errors == 120);
  CHECK(seen.story->availability == 0);
  for (const auto& c : seen.story->causes) {
    CHECK(c.change.empty());
    CHECK(c.errors_with_change == 120);
  }
}

TEST_CASE("an expectation that does not hold says so with its place") {
  const auto seen = play_seed(
      "duration: 60s\nload: {requestsPerSecond: 2}\nfaults:\n  - backend: "
      "provider-fallback-always-failing-upstream\n    status: 503\nexpect:\n  clientErrors: 0\n");
  REQUIRE(seen.story);
  CHECK_FALSE(seen.story->is_met());
  CHECK(to_text(*seen.story, false).find("FAILS  clientErrors <= 0, is ") != std::string::npos);
  CHECK(to_text(*seen.story, false).find("s.yaml:7:17") != std::string::npos);
}

TEST_CASE("plain text has no escapes, colours have only known ones") {
  const auto seen = play_files(seed_file, "config/scenarios/primary-503.yaml");
  REQUIRE(seen.story);
  CHECK(to_text(*seen.story, false).find('\x1b') == std::string::npos);
  auto coloured = to_text(*seen.story, true);
  CHECK(count_of(coloured, "\x1b[31m") > 5);
  for (auto at = coloured.find("\x1b["); at != coloured.npos; at = coloured.find("\x1b["))
    coloured.erase(at, coloured.find('m', at) - at + 1);
  CHECK(coloured == to_text(*seen.story, false));
}

TEST_CASE("the JSON report has every number of the summary") {
  const auto seen = play_files(seed_file, "config/scenarios/primary-503.yaml");
  REQUIRE(seen.story);
  const auto json = nlohmann::json::parse(to_json(*seen.story));
  CHECK(json["requests"] == 900);
  CHECK(json["clientErrors"] == 5);
  CHECK(json["availability"] == 99.444);
  CHECK(json["backends"].size() == 2);
  CHECK(json["backends"][0]["ejections"] == 5);
  CHECK(json["backends"][0]["faults"][0]["from"] == 15.0);
  CHECK(json["causes"][0]["responsible"]["line"] == 65);
  CHECK(json["causes"][0]["clientErrorsWithChange"] == 0);
  CHECK(json["timeline"].size() == seen.story->timeline.size());
  CHECK(json["holds"] == true);
  std::uint64_t asked = 0;
  for (const auto& n : json["requestsPerBucket"]) asked += n.get<std::uint64_t>();
  CHECK(asked == 900);
}

TEST_CASE("the page escapes what users wrote and loads nothing") {
  const auto seen = play_seed(
      "name: <b>x</b>\nabout: \"a & \\\"b\\\" <script>alert(1)</script>\"\nduration: 30s\n"
      "load: {requestsPerSecond: 5}\nfaults:\n  - backend: "
      "provider-fallback-always-failing-upstream\n    status: 503\n");
  REQUIRE(seen.story);
  const auto page = to_html(*seen.story);
  CHECK(page.find("<script") == page.npos);
  CHECK(page.find("<b>x</b>") == page.npos);
  CHECK(page.find("&lt;b&gt;x&lt;/b&gt;") != page.npos);
  CHECK(page.find("a &amp; &quot;b&quot; &lt;script&gt;") != page.npos);
  for (const auto* outside : {"http:", "https:", "src=", "href=", "@import", "<link"}) {
    INFO(outside);
    CHECK(page.find(outside) == page.npos);
  }
  CHECK(page.find("prefers-color-scheme:dark") != page.npos);
  CHECK(count_of(page, "<svg") == 1);
  for (const auto* element : {"table", "tr", "td", "div", "p", "svg", "text", "main", "body"}) {
    INFO(element);
    const std::string name = element;
    CHECK(count_of(page, "<" + name + ">") + count_of(page, "<" + name + " ") ==
          count_of(page, "</" + name + ">"));
  }
}
