#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/resilience/cluster.hpp>
#include <understudy/telemetry/hub.hpp>

namespace understudy::admin {

/// The live state of one rule's cluster.
struct cluster_view {
  std::vector<std::uint32_t> priority_load;  ///< percent by priority
  std::vector<resilience::host_status> hosts;
};

struct status_view {
  const plan::plan* plan = nullptr;
  std::string_view state = "serving";  ///< `starting`, `serving`, `draining`
  base::time_point now;
  base::wall_time wall_now{};
  base::wall_time started{};
  std::vector<cluster_view> clusters;  ///< by plan::rule::cluster_index
};

/// The document of /status: routes, rules, priorities with their load, backends, endpoints, the
/// hub's summary and its latest events, newest first.
std::string status_json(const status_view& view, const telemetry::hub& hub);

/// The document of /config: the plan in force with the position of every part. Credentials, keys
/// and the values of mutated headers are left out.
std::string config_json(const plan::plan& plan);

}  // namespace understudy::admin
