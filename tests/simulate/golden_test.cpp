#include <cstdlib>

#include "catch.hpp"
#include "helpers.hpp"

using namespace simulate_test;

namespace {

/// Compares with tests/simulate/golden/NAME; UNDERSTUDY_UPDATE_GOLDEN rewrites it for review.
void check_golden(const std::string& name, const std::string& text) {
  const auto path = source_folder + "tests/simulate/golden/" + name;
  if (std::getenv("UNDERSTUDY_UPDATE_GOLDEN") != nullptr)
    std::ofstream{path, std::ios::binary} << text;
  CHECK(text == read(path));
}

}  // namespace

TEST_CASE(
    "the seed's policy: a 503 reaches one client per ejection window, and the line to change") {
  const auto seen =
      play_files("config/provider-fallback.yaml", "config/scenarios/primary-503.yaml");
  REQUIRE(seen.story);
  const auto& story = *seen.story;
  REQUIRE(story.causes.size() == 1);
  const auto& cause = story.causes[0];
  CHECK(cause.what == "status 503 of provider-fallback-always-failing-upstream");
  CHECK(cause.count == 5);
  CHECK(story.backends.at(0).ejections == 5);
  CHECK(cause.responsible.field == "spec.retry.retryOn.httpStatusCodes");
  CHECK(cause.responsible.at.line == 65);
  CHECK(cause.change == "add 503 to `httpStatusCodes`");
  CHECK(cause.errors_with_change == 0);
  check_golden("seed-503.txt", to_text(story, false));
}
