#include <understudy/net/name_resolver.hpp>

#include <algorithm>

namespace understudy::net {
namespace {

std::string with_port(const std::string& host, std::uint16_t port) {
  const bool is_v6 = host.find(':') != host.npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

template <class Visit>
void each_target(const proxy::active_plan& active, Visit&& visit) {
  for (const auto& route : active.configuration->routes)
    for (const auto& rule : route.rules)
      for (const auto& backend : rule.backends)
        for (const auto& target : backend.targets) visit(target, rule.lookup);
}

/// Those of the families wanted, in their order.
std::vector<asio::ip::address> chosen(plan::ip_family family,
                                      const std::vector<asio::ip::address>& v4,
                                      const std::vector<asio::ip::address>& v6) {
  using plan::ip_family;
  switch (family) {
    case ip_family::v4:
      return v4;
    case ip_family::v6:
      return v6;
    case ip_family::v6_preferred:
      return v6.empty() ? v4 : v6;
    case ip_family::both: {
      auto all = v4;
      all.insert(all.end(), v6.begin(), v6.end());
      return all;
    }
    case ip_family::v4_preferred:
      break;
  }
  return v4.empty() ? v6 : v4;
}

}  // namespace

name_resolver::name_resolver(asio::io_context& context, resolve_overrides overrides)
    : context_{context},
      resolver_{context},
      timer_{context},
      ttl_{context},
      overrides_{std::move(overrides)} {}

void name_resolver::activate(std::shared_ptr<const proxy::active_plan> active,
                             std::function<void()> ready) {
  active_ = std::move(active);
  std::map<std::string, plan::name_lookup> wanted;
  each_target(*active_, [&](const plan::target& t, const plan::name_lookup& lookup) {
    if (!needs_look_up(t)) return;
    auto& all = wanted.emplace(t.host, lookup).first->second;
    all.refresh_rate = std::min(all.refresh_rate, lookup.refresh_rate);
    all.respects_ttl = all.respects_ttl || lookup.respects_ttl;
  });
  std::erase_if(names_, [&](const auto& known) { return !wanted.contains(known.first); });
  publish(*active_);
  ready_ = std::move(ready);
  for (const auto& [name, lookup] : wanted) {
    auto& state = names_[name];
    state.rate = lookup.refresh_rate;
    state.respects_ttl = lookup.respects_ttl;
    state.next = std::min(state.next, base::clock::now() + state.rate);
    if (!state.is_known) look_up(name);
  }
  if (is_ready() && ready_) asio::post(context_, std::exchange(ready_, nullptr));
  if (!names_.empty()) refresh_later();
}

bool name_resolver::is_ready() const {
  return std::ranges::all_of(names_, [](const auto& n) { return n.second.is_known; });
}

void name_resolver::stop() {
  is_stopped_ = true;
  resolver_.cancel();
  timer_.cancel();
  ttl_.stop();
}

bool name_resolver::needs_look_up(const plan::target& target) const {
  return target.kind == plan::target_kind::fqdn &&
         !overrides_.contains(with_port(target.host, target.port));
}

std::vector<std::string> name_resolver::addresses_of(const plan::target& target,
                                                     plan::ip_family family) const {
  if (target.kind == plan::target_kind::unix_socket) return {"unix:" + target.host};
  const std::string written = with_port(target.host, target.port);
  if (const auto instead = overrides_.find(written); instead != overrides_.end())
    return {instead->second};
  if (target.kind == plan::target_kind::ip) return {written};
  const auto known = names_.find(target.host);
  if (known == names_.end()) return {written};
  const auto addresses = chosen(family, known->second.v4, known->second.v6);
  if (addresses.empty()) return {written};
  std::vector<std::string> all;
  for (const auto& address : addresses) all.push_back(with_port(address.to_string(), target.port));
  return all;
}

void name_resolver::publish(const proxy::active_plan& active) {
  const auto now = base::clock::now();
  for (const auto& route : active.configuration->routes)
    for (const auto& rule : route.rules)
      for (std::uint32_t locality = 0; locality < rule.backends.size(); ++locality) {
        std::vector<proxy::cluster_state::host_entry> hosts;
        const auto& targets = rule.backends[locality].targets;
        for (std::size_t t = 0; t < targets.size(); ++t)
          for (auto& address : addresses_of(targets[t], rule.lookup.family))
            hosts.push_back({std::move(address), t});
        active.clusters[rule.cluster_index]->set_hosts(locality, hosts, now);
      }
}

void name_resolver::look_up(const std::string& name) {
  names_[name].is_asked = true;
  resolver_.async_resolve(name, "0", asio::ip::resolver_base::numeric_service,
                          [this, name](error_code ec, auto results) {
                            if (!is_stopped_) on_answer(name, ec, std::move(results));
                          });
}

void name_resolver::on_answer(
    const std::string& name, error_code ec,
    asio::ip::basic_resolver<asio::ip::tcp, executor>::results_type results) {
  const auto at = names_.find(name);
  if (at == names_.end()) return;
  auto& state = at->second;
  std::vector<asio::ip::address> v4, v6;
  for (const auto& entry : results) {
    const auto address = entry.endpoint().address();
    auto& list = address.is_v4() ? v4 : v6;
    if (std::ranges::find(list, address) == list.end()) list.push_back(address);
  }
  std::ranges::sort(v4);
  std::ranges::sort(v6);
  const bool has_failed = ec || (v4.empty() && v6.empty());
  if (has_failed != state.is_failing && on_change)
    on_change(name, has_failed ? (ec ? ec.message() : "no address") : std::string{});
  state.is_failing = has_failed;
  state.is_known = true;
  state.is_asked = false;
  state.next = base::clock::now() + state.rate;
  if (!has_failed && (v4 != state.v4 || v6 != state.v6)) {
    state.v4 = std::move(v4);
    state.v6 = std::move(v6);
    publish(*active_);
  }
  if (!has_failed && state.respects_ttl) ask_ttl(name);
  refresh_later();
  if (ready_ && is_ready()) std::exchange(ready_, nullptr)();
}

/// A TTL of 0 leaves it at the rate, as Envoy does.
void name_resolver::ask_ttl(const std::string& name) {
  ttl_.ask(name, [this, name, asked = base::clock::now()](std::chrono::seconds ttl) {
    const auto at = names_.find(name);
    if (is_stopped_ || at == names_.end() || ttl.count() <= 0) return;
    at->second.next = asked + ttl;
    refresh_later();
  });
}

void name_resolver::refresh_later() {
  auto first = base::time_point::max();
  for (const auto& [_, state] : names_)
    if (!state.is_asked) first = std::min(first, state.next);
  if (first == base::time_point::max()) return;
  timer_.expires_after(std::max(first - base::clock::now(), base::duration{0}));
  timer_.async_wait([this](error_code ec) {
    if (ec || is_stopped_) return;
    const auto now = base::clock::now();
    for (const auto& [name, state] : names_)
      if (!state.is_asked && state.next <= now) look_up(name);
    refresh_later();
  });
}

}  // namespace understudy::net
