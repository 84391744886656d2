#include <yaml-cpp/yaml.h>

#include "catch.hpp"
#include "helpers.hpp"

using namespace simulate_test;

// Rows of broken.yaml: a scenario, and every finding about it against the seed's configuration.
TEST_CASE("every broken scenario is told in one clear line a fault") {
  const auto rows = YAML::LoadFile(source_folder + "tests/simulate/broken.yaml");
  CHECK(rows.size() >= 25);
  for (const auto& row : rows) {
    const auto text = row["scenario"].as<std::string>();
    INFO(text);
    const auto seen =
        play_text("config/provider-fallback.yaml",
                  read(source_folder + "config/provider-fallback.yaml"), "s.yaml", text);
    CHECK_FALSE(seen.story);
    CHECK(seen.told == row["told"].as<std::vector<std::string>>());
  }
}

TEST_CASE("a scenario's fields have the values that are written") {
  const auto result = config::load_scenario({"s.yaml", R"(
name: all
duration: 1m30s
seed: 9
load:
  - {requestsPerSecond: 0.5, arrival: poisson, streaming: 25, path: /v1/messages, model: m, host: h}
  - {from: 10s, until: 20s}
backends:
  a: {addresses: 3, connect: 5ms, head: {min: 10ms, max: 20ms}, unary: 2s}
faults:
  - {backend: a, endpoint: "x:1", share: 30, throttle: {status: 529, retryAfter: 2s}, from: 1s}
  - {backends: [a, b], cut: {after: 10}, every: 10s, lasts: 3s}
expect:
  clientErrors: "< 5"
  availability: 99.5
  p95: "< 3s"
  costFactor: 1.5
  attempts: {a: {min: 1, max: 2}}
)"});
  for (const auto& f : result.findings) INFO(to_text(f));
  REQUIRE(result.loaded);
  const auto& s = *result.loaded;
  CHECK(s.seed == 9);
  CHECK(s.duration == std::chrono::seconds{90});
  REQUIRE(s.loads.size() == 2);
  CHECK(s.loads[0].rate.value == 0.5);
  CHECK(s.loads[1].until.value == std::chrono::seconds{20});
  REQUIRE(s.backends.size() == 1);
  CHECK(s.backends[0].addresses.value == 3);
  CHECK(s.backends[0].head.at_quantile[4] == std::chrono::milliseconds{20});
  REQUIRE(s.faults.size() == 2);
  CHECK(s.faults[0].kind == config::fault_kind::throttle);
  CHECK(s.faults[0].status == 529);
  CHECK(s.faults[0].retry_after == std::chrono::seconds{2});
  CHECK(s.faults[0].share.value == 30);
  CHECK(s.faults[1].cut_after == 10);
  CHECK(s.faults[1].backends.size() == 2);
  REQUIRE(s.expectations.size() == 6);
  CHECK(s.expectations[0].how == config::comparison::less);
  CHECK(s.expectations[1].how == config::comparison::at_least);
  CHECK(s.expectations[2].value == 3000);
}
