#include <understudy/proxy/cluster_state.hpp>

#include <algorithm>

namespace understudy::proxy {

cluster_state::cluster_state(const plan::route& route, const plan::rule& rule, time_point start,
                             std::uint64_t seed)
    : route_name_{route.name},
      rule_name_{rule.name},
      check_{rule.check},
      params_{rule.cluster},
      connections_{rule.cluster.breaker},
      random_{seed},
      cluster_{rule.cluster, start} {
  for (const auto& backend : rule.backends) {
    backend_names_.push_back(backend.name);
    ways_.push_back({backend.targets, backend.tls});
  }
}

bool cluster_state::is_same(const plan::route& route, const plan::rule& rule) const {
  if (route.name != route_name_ || rule.name != rule_name_ || !(rule.cluster == params_))
    return false;
  if (rule.check != check_) return false;
  if (!std::ranges::equal(rule.backends, backend_names_, {}, &plan::backend::name)) return false;
  for (std::size_t i = 0; i < ways_.size(); ++i)
    if (!(ways_[i] == way{rule.backends[i].targets, rule.backends[i].tls})) return false;
  return true;
}

void cluster_state::take_over(cluster_state& before) {
  std::vector<resilience::host_history> kept;
  for (auto& one : before.locked([](auto& c) { return c.history(); })) {
    const auto& name = before.backend_names_.at(one.locality);
    const auto at = std::ranges::find(backend_names_, name);
    if (at == backend_names_.end()) continue;
    const auto locality = static_cast<std::size_t>(at - backend_names_.begin());
    if (ways_[locality].tls != before.ways_[one.locality].tls) continue;
    if (check_ != before.check_) one.check.reset();
    one.locality = static_cast<std::uint32_t>(locality);
    kept.push_back(std::move(one));
  }
  locked([&](auto& c) { c.expect(std::move(kept)); });
}

void cluster_state::set_hosts(std::uint32_t locality, const std::vector<host_entry>& hosts,
                              time_point now) {
  const std::scoped_lock lock{mutex_};
  std::vector<std::string> addresses;
  if (targets_.size() <= locality) targets_.resize(locality + 1U);
  auto& targets = targets_[locality];
  targets.clear();
  for (const auto& h : hosts)
    if (targets.emplace(h.address, h.target).second) addresses.push_back(h.address);
  cluster_.set_hosts(locality, addresses, now);
}

cluster_state::host_entry cluster_state::host(resilience::host_id id, std::uint32_t locality) {
  const std::scoped_lock lock{mutex_};
  const auto address = cluster_.address(id);
  if (address.empty() || locality >= targets_.size()) return {};
  const auto at = targets_[locality].find(address);
  return {std::string{address}, at == targets_[locality].end() ? 0 : at->second};
}

}  // namespace understudy::proxy
