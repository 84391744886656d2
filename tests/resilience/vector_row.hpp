#pragma once
#include <yaml-cpp/yaml.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "world.hpp"

/// The notation of the tables in tests/vectors/resilience; see the head of retry.yaml.
namespace understudy::resilience::test {

struct row_setup {
  cluster_params params;
  std::vector<std::vector<std::string>> hosts;  ///< by locality
};

/// Throws on a key that is not in the list: a misspelt expectation must not pass.
void require_keys(const YAML::Node& map, std::initializer_list<const char*> allowed);

row_setup read_setup(const YAML::Node& row);
request_limits read_limits(const YAML::Node& step);
/// `500`, `close`, or a map `{is: …, takes: seconds, sent: false, ratelimited: true}`.
reply read_reply(const YAML::Node& node);
std::string class_name(const outcome& result);  ///< the number of a status, else the class
std::string step_name(next_step step);
std::string reason_name(stop_reason why);

/// Plays the steps of one row with one seed; every expectation is a CHECK.
void play_row(const YAML::Node& row, std::uint64_t seed);

}  // namespace understudy::resilience::test
