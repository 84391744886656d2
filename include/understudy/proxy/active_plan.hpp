#pragma once
#include <memory>
#include <vector>

#include <understudy/base/random.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/proxy/cluster_state.hpp>
#include <understudy/proxy/story.hpp>

namespace understudy::proxy {

/// A plan with the state of its clusters, in the order of `rule.cluster_index`. Immutable as a
/// table; every exchange pins the one it began with.
struct active_plan {
  std::shared_ptr<const plan::plan> configuration;
  std::vector<std::shared_ptr<cluster_state>> clusters;
  std::vector<std::shared_ptr<const rule_card>> cards;  ///< in the same order
};

/// `previous` may be null. A rule that has not changed but for its name's neighbours keeps its
/// state: the same rule name, backends and cluster parameters.
std::shared_ptr<const active_plan> activate(std::shared_ptr<const plan::plan> configuration,
                                            const active_plan* previous, time_point now,
                                            base::random_source& random);

}  // namespace understudy::proxy
