#include <algorithm>
#include <map>
#include <tuple>

#include <understudy/base/ascii.hpp>

#include "plan/routes.hpp"

namespace understudy::plan {
namespace {

constexpr std::uint16_t implied_port = 1975;

/// A route as attachment sees it; `index` is its place in plan::routes.
struct attachable {
  const config::object_header* header;
  const std::vector<config::target_ref>* parents;
  const std::vector<std::string>* hostnames;
  std::uint32_t index;
  bool is_attached = false;
};

std::vector<attachable> all_routes(const compile_state& state) {
  std::vector<attachable> out;
  std::uint32_t index = 0;
  const auto add = [&](const auto& written) {
    out.push_back({&written.header, &written.parents, &state.out.routes[index].hostnames, index});
    ++index;
  };
  std::ranges::for_each(state.in.ai_routes, add);
  std::ranges::for_each(state.in.http_routes, add);
  return out;
}

/// Host patterns of the route on a listener: the narrower of the two where they overlap.
std::optional<std::string> overlap(const std::string& a, const std::string& b) {
  if (a.empty() || a == b) return b;
  if (b.empty()) return a;
  const auto covers = [](const std::string& wide, const std::string& narrow) {
    return wide.starts_with("*.") && narrow.size() > wide.size() - 1 &&
           narrow.ends_with(wide.substr(1));
  };
  if (covers(a, b)) return b;
  if (covers(b, a)) return a;
  return std::nullopt;
}

std::vector<std::string> hosts_on(const std::string& listener_host, const attachable& route) {
  if (route.hostnames->empty()) return {listener_host};
  std::vector<std::string> out;
  for (const auto& host : *route.hostnames)
    if (auto both = overlap(listener_host, host)) out.push_back(std::move(*both));
  return out;
}

/// Order of matches within a host (spec/gateway-config.md §2.3 step 6); smaller comes first.
auto precedence(const plan& out, const ordered_match& m) {
  const auto& route = out.routes[m.route];
  const auto& match = route.rules[m.rule].matches[m.match];
  const int path_rank = match.path_kind == path_match_kind::exact                ? 0
                        : match.path_kind == path_match_kind::regular_expression ? 1
                                                                                 : 2;
  const auto is_exact = [](const header_match& h) { return !h.pattern.has_value(); };
  const auto method = match.method.empty() ? 0 : 1;  // Envoy sees it as a header, `:method`
  const auto headers = static_cast<int>(match.headers.size()) + method;
  const auto exact = static_cast<int>(std::ranges::count_if(match.headers, is_exact)) + method;
  return std::tuple{path_rank, -static_cast<int>(match.path.size()), -headers, -exact,
                    -static_cast<int>(match.query.size())};
}

void sort_hosts(const plan& out, std::vector<virtual_host>& hosts) {
  for (auto& host : hosts)
    std::ranges::stable_sort(host.matches, [&](const ordered_match& a, const ordered_match& b) {
      const auto pa = precedence(out, a);
      const auto pb = precedence(out, b);
      if (pa != pb) return pa < pb;
      // Equal matches of several routes: by name of the route, not by their order in the files.
      if (a.route != b.route) return out.routes[a.route].name < out.routes[b.route].name;
      return std::tie(a.rule, a.match) < std::tie(b.rule, b.match);
    });
  const auto rank = [](const virtual_host& host) {
    const int kind = host.hostname.empty() ? 2 : host.hostname.starts_with("*.") ? 1 : 0;
    return std::pair{kind, -static_cast<int>(host.hostname.size())};
  };
  std::ranges::stable_sort(hosts, {}, rank);
}

void attach(const plan& out, listener& to, const std::string& hostname, std::uint32_t index) {
  auto host = std::ranges::find(to.virtual_hosts, hostname, &virtual_host::hostname);
  if (host == to.virtual_hosts.end())
    host = to.virtual_hosts.insert(to.virtual_hosts.end(), {hostname, {}, {}, {}});
  const auto& rules = out.routes[index].rules;
  for (std::uint32_t r = 0; r < rules.size(); ++r)
    for (std::uint32_t m = 0; m < rules[r].matches.size(); ++m)
      host->matches.push_back({index, r, m});
}

bool is_parent(const attachable& route, const config::gateway& gateway,
               const config::gateway_listener& listener) {
  return std::ranges::any_of(*route.parents, [&](const config::target_ref& parent) {
    const auto& space =
        parent.name_space.is_written ? parent.name_space.value : route.header->name_space;
    return parent.name.value == gateway.header.name && space == gateway.header.name_space &&
           (!parent.section.is_written || parent.section.value == listener.name.value) &&
           (!parent.port.is_written || parent.port.value == listener.port.value);
  });
}

void add_certificates(compile_state& state, const config::gateway& gateway, std::size_t index,
                      const config::gateway_listener& written, listener& out) {
  for (std::size_t i = 0; i < written.certificates.size(); ++i) {
    const auto& ref = written.certificates[i];
    const auto field = "spec.listeners[" + std::to_string(index) + "].tls.certificateRefs[" +
                       std::to_string(i) + "].name";
    const auto& space =
        ref.name_space.is_written ? ref.name_space.value : gateway.header.name_space;
    const auto* secret = find_object(state.in.secrets, space, ref.name.value);
    if (secret == nullptr) {
      if (!state.in.is_incomplete && ref.name.is_written)
        state.say.error(ref.name.at, gateway.header, field,
                        "no Secret `" + space + "/" + ref.name.value + "`; " +
                            remedy(ref.name.value, names_in(space, state.in.secrets), "add it"));
      continue;
    }
    if (!is_granted(state.in, "Gateway", gateway.header.name_space, "Secret", space)) {
      state.say.error(ref.name_space.at, gateway.header, field,
                      "no ReferenceGrant in `" + space + "` lets Gateways of `" +
                          gateway.header.name_space + "` refer to Secrets; add one");
      continue;
    }
    const auto chain = secret->values.find("tls.crt");
    const auto key = secret->values.find("tls.key");
    if (chain != secret->values.end() && key != secret->values.end())
      out.certificates.push_back({chain->second, key->second});
    else if (!secret->header.is_broken)
      state.say.error(ref.name.at, gateway.header, field,
                      "Secret `" + space + "/" + ref.name.value +
                          "` needs both `tls.crt` and `tls.key`; add them");
  }
}

/// Listeners of one port share a socket: they become one, with the hosts of all.
listener& listener_at(compile_state& state, const config::gateway& gateway,
                      const config::gateway_listener& written,
                      std::map<std::uint16_t, std::string>& protocols) {
  const auto [known, is_new] = protocols.try_emplace(written.port.value, written.protocol.value);
  if (!is_new) {
    if (known->second != written.protocol.value)
      state.say.error(written.protocol.at, gateway.header, "spec.listeners",
                      "port " + std::to_string(written.port.value) + " is already " +
                          known->second + "; choose another port");
    return *std::ranges::find(state.out.listeners, written.port.value, &listener::port);
  }
  const bool is_taken = std::ranges::find(state.out.listeners, written.name.value,
                                          &listener::name) != state.out.listeners.end();
  auto& made = state.out.listeners.emplace_back();
  made.name = is_taken ? gateway.header.name + "/" + written.name.value : written.name.value;
  made.port = written.port.value;
  return made;
}

void compile_gateways(compile_state& state, std::vector<attachable>& routes) {
  std::map<std::uint16_t, std::string> protocols;
  for (const auto& gateway : state.in.gateways)
    for (std::size_t i = 0; i < gateway.listeners.size(); ++i) {
      const auto& written = gateway.listeners[i];
      if (written.protocol.value != "HTTP" && written.protocol.value != "HTTPS") continue;
      auto& made = listener_at(state, gateway, written, protocols);
      add_certificates(state, gateway, i, written, made);
      for (auto& route : routes) {
        if (!is_parent(route, gateway, written)) continue;
        if (written.routes_from.value == "Same" &&
            route.header->name_space != gateway.header.name_space) {
          state.say.warning(route.header->at, *route.header, "spec.parentRefs",
                            "listener `" + written.name.value + "` of Gateway `" +
                                gateway.header.id() +
                                "` takes routes of its own namespace only; write "
                                "`allowedRoutes: {namespaces: {from: All}}` there");
          continue;
        }
        const auto hosts = hosts_on(base::lower(written.hostname.value), route);
        for (const auto& host : hosts) attach(state.out, made, host, route.index);
        route.is_attached = route.is_attached || !hosts.empty();
      }
    }
}

/// Parents that exist nowhere, and routes that no listener serves.
void check_attachment(compile_state& state, const std::vector<attachable>& routes) {
  for (const auto& route : routes) {
    if (route.header->is_broken || state.in.is_incomplete) continue;
    bool dangles = false;
    for (const auto& parent : *route.parents) {
      const auto& space =
          parent.name_space.is_written ? parent.name_space.value : route.header->name_space;
      if (find_object(state.in.gateways, space, parent.name.value) != nullptr) continue;
      dangles = true;
      state.say.error(parent.name.at, *route.header, parent.field + ".name",
                      "no Gateway `" + space + "/" + parent.name.value + "`; " +
                          remedy(parent.name.value, names_in(space, state.in.gateways),
                                 "name the one there is"));
    }
    if (!route.is_attached && !dangles)
      state.say.warning(route.header->at, *route.header, "spec.parentRefs",
                        route.parents->empty()
                            ? "not written: no Gateway serves the route; name one"
                            : "no listener takes the route; check `sectionName`, `port` and "
                              "`hostnames`");
  }
}

void imply_listener(compile_state& state, const std::vector<attachable>& routes) {
  auto& made = state.out.listeners.emplace_back();
  made.address = "127.0.0.1";
  made.port = implied_port;
  for (const auto& route : routes) {
    for (const auto& host : hosts_on("", route)) attach(state.out, made, host, route.index);
    const bool names_one = !route.parents->empty();
    state.say.info(
        names_one ? route.parents->front().name.at : route.header->at, *route.header,
        names_one ? route.parents->front().field + ".name" : "",
        (names_one ? "Gateway `" + route.parents->front().name.value + "` is not among the files"
                   : std::string{"no Gateway is among the files"}) +
            ": understudy listens on 127.0.0.1:1975");
  }
}

}  // namespace

void compile_listeners(compile_state& state) {
  auto routes = all_routes(state);
  if (state.in.gateways.empty()) {
    imply_listener(state, routes);
  } else {
    compile_gateways(state, routes);
    check_attachment(state, routes);
  }
  for (auto& made : state.out.listeners) sort_hosts(state.out, made.virtual_hosts);
  index_matches(state.out);
}

}  // namespace understudy::plan
