#include <understudy/proxy/active_plan.hpp>

#include <algorithm>

#include <understudy/base/wipe.hpp>

namespace understudy::proxy {
namespace {

std::shared_ptr<cluster_state> kept(const active_plan* previous, const plan::route& route,
                                    const plan::rule& rule) {
  if (previous == nullptr) return nullptr;
  for (const auto& known : previous->clusters)
    if (known->is_same(route, rule)) return known;
  return nullptr;
}

/// Whose endpoints a changed rule has: one of its route with its backends, since a rule's name is
/// its place, else that of its name.
std::shared_ptr<cluster_state> forerunner(const active_plan& previous, const plan::route& route,
                                          const plan::rule& rule) {
  std::shared_ptr<cluster_state> of_name;
  for (const auto& known : previous.clusters) {
    if (known->route_name() != route.name) continue;
    if (std::ranges::equal(rule.backends, known->backend_names(), {}, &plan::backend::name))
      return known;
    if (known->rule_name() == rule.name) of_name = known;
  }
  return of_name;
}

std::shared_ptr<const rule_card> card_of(const plan::plan& plan, const plan::route& route,
                                         const plan::rule& rule,
                                         const std::shared_ptr<cluster_state>& state) {
  auto card = std::make_shared<rule_card>();
  card->route = route.name;
  card->rule = rule.name;
  card->generation = plan.generation;
  card->is_ai = rule.is_ai;
  for (const auto& b : rule.backends) card->backends.push_back({b.name, b.position});
  card->cluster = rule.cluster;
  card->timeouts = rule.timeouts;
  card->failover = rule.failover;
  card->written = rule.written;
  card->position = rule.position;
  card->state = state;
  return card;
}

}  // namespace

std::shared_ptr<const active_plan> activate(std::shared_ptr<const plan::plan> configuration,
                                            const active_plan* previous, time_point now,
                                            base::random_source& random) {
  auto active = std::make_shared<active_plan>();
  active->clusters.resize(configuration->cluster_count);
  active->cards.resize(configuration->cluster_count);
  for (const auto& route : configuration->routes)
    for (const auto& rule : route.rules) {
      auto& place = active->clusters.at(rule.cluster_index);
      place = kept(previous, route, rule);
      if (!place) {
        place = base::make_wiped<cluster_state>(route, rule, now, random.next());
        if (previous != nullptr)
          if (const auto before = forerunner(*previous, route, rule)) place->take_over(*before);
      }
      active->cards.at(rule.cluster_index) = card_of(*configuration, route, rule, place);
    }
  active->configuration = std::move(configuration);
  return active;
}

}  // namespace understudy::proxy
