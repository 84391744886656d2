#include <set>

#include "catch.hpp"
#include "vector_row.hpp"

using namespace understudy::resilience::test;

namespace {

void play_table(const std::string& name) {
  const YAML::Node rows =
      YAML::LoadFile(std::string{UNDERSTUDY_SOURCE_DIR "/tests/vectors/resilience/"} + name);
  REQUIRE(rows.IsSequence());
  REQUIRE(rows.size() > 0);
  std::set<std::string> ids;
  for (const auto& row : rows) {
    const auto id = row["id"].as<std::string>();
    CAPTURE(name, id);
    CHECK(ids.insert(id).second);
    const int seeds = row["seeds"].as<int>(20);
    for (int seed = 1; seed <= seeds; ++seed) {
      CAPTURE(seed);
      play_row(row, static_cast<std::uint64_t>(seed));
    }
  }
}

}  // namespace

TEST_CASE("table retry", "[vectors]") { play_table("retry.yaml"); }
TEST_CASE("table backoff and timers", "[vectors]") { play_table("backoff.yaml"); }
TEST_CASE("table host and priority choice", "[vectors]") { play_table("choice.yaml"); }
TEST_CASE("table ejection", "[vectors]") { play_table("ejection.yaml"); }
TEST_CASE("table load", "[vectors]") { play_table("load.yaml"); }
TEST_CASE("table breakers", "[vectors]") { play_table("breakers.yaml"); }
TEST_CASE("table end to end", "[vectors]") { play_table("end_to_end.yaml"); }
TEST_CASE("table active checks", "[vectors]") { play_table("active_checks.yaml"); }
TEST_CASE("table balancing", "[vectors]") { play_table("balancing.yaml"); }
TEST_CASE("table failover policy", "[vectors]") { play_table("failover_policy.yaml"); }
