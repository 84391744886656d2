#include "catch.hpp"
#include "helpers.hpp"

using namespace simulate_test;

// The engine's own extras, under the defaults of a route without a BackendTrafficPolicy.

namespace {

constexpr const char* file = "config/openai-to-bedrock.yaml";

played play_defaults(const std::string& fault, const std::string& load = "streaming: 100") {
  return play_text(file, read(source_folder + file), "s.yaml",
                   "duration: 60s\nload: {requestsPerSecond: 5, " + load +
                       "}\nfaults:\n  - backend: openai\n    " + fault + "\n");
}

}  // namespace

TEST_CASE("an error inside a 200 is held back and retried on the fallback") {
  const auto load = GENERATE(values<std::string>({"streaming: 100", "streaming: 0"}));
  const auto seen = play_defaults("inBandError: true", load);
  REQUIRE(seen.story);
  CHECK(seen.story->errors == 0);
  CHECK(seen.story->saved > 0);
}

TEST_CASE("a stream that is slow to speak is beaten by the attempt beside it") {
  const auto seen = play_defaults("slowFirstToken: 100s");
  REQUIRE(seen.story);
  const auto& story = *seen.story;
  CHECK(story.errors == 0);
  CHECK(story.cancelled > 0);
  CHECK(story.longest < std::chrono::seconds{40});
  CHECK(story.cost_factor > 1);
  CHECK(to_json(story).find("\"kind\":\"hedged\"") != std::string::npos);
}

TEST_CASE("a long Retry-After takes its endpoint out for just that long") {
  const auto seen = play_defaults("throttle: {retryAfter: 20s}");
  REQUIRE(seen.story);
  CHECK(seen.story->errors == 0);
  CHECK(seen.story->backends.at(0).ejections >= 2);
  for (const auto& when : seen.story->backends[0].ejected) {
    CHECK(when.until - when.from >= std::chrono::seconds{15});
    CHECK(when.until - when.from <= std::chrono::seconds{24});
  }
}
