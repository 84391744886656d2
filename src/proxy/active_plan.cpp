#include <understudy/proxy/active_plan.hpp>

namespace understudy::proxy {
namespace {

std::shared_ptr<cluster_state> kept(const active_plan* previous, const plan::route& route,
                                    const plan::rule& rule) {
  if (previous == nullptr) return nullptr;
  for (const auto& known : previous->clusters)
    if (known->is_same(route, rule)) return known;
  return nullptr;
}

}  // namespace

std::shared_ptr<const active_plan> activate(std::shared_ptr<const plan::plan> configuration,
                                            const active_plan* previous, time_point now,
                                            base::random_source& random) {
  auto active = std::make_shared<active_plan>();
  active->clusters.resize(configuration->cluster_count);
  for (const auto& route : configuration->routes)
    for (const auto& rule : route.rules) {
      auto& place = active->clusters.at(rule.cluster_index);
      place = kept(previous, route, rule);
      if (!place) place = std::make_shared<cluster_state>(route, rule, now, random.next());
    }
  active->configuration = std::move(configuration);
  return active;
}

}  // namespace understudy::proxy
