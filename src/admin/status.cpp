#include <understudy/admin/status.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <ranges>

#include <understudy/telemetry/text.hpp>

namespace understudy::admin {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t max_events = 50;

std::int64_t milliseconds(base::duration d) {
  return std::chrono::ceil<std::chrono::milliseconds>(d).count();
}

std::string file_and_line(const plan::source_position& p) {
  return p.file.empty() ? "" : p.file + ":" + std::to_string(p.line);
}

json endpoint(const resilience::host_status& host, const status_view& view) {
  json out;
  out["address"] = host.address;
  out["state"] = host.is_ejected                               ? "ejected"
                 : host.is_check_failed && host.is_check_known ? "failing_checks"
                 : host.is_in_trial                            ? "trial"
                 : host.is_degraded                            ? "degraded"
                                                               : "healthy";
  if (host.is_checked)
    out["active_check"] = !host.is_check_known   ? "pending"
                          : host.is_check_failed ? "failing"
                                                 : "passing";
  if (host.is_ejected) {
    const auto left = std::max(host.ejected_until - view.now, base::duration{0});
    out["returns_in_ms"] = milliseconds(left);
    out["ejected_until"] = telemetry::timestamp(
        view.wall_now + std::chrono::duration_cast<base::wall_time::duration>(left));
  }
  out["ejections"] = host.ejections;
  out["multiplier"] = host.multiplier;
  out["consecutive_5xx"] = host.consecutive_5xx;
  out["active_requests"] = host.active_requests;
  return out;
}

json backend(const plan::backend& from, std::uint32_t locality, const cluster_view& cluster,
             const status_view& view) {
  json out;
  out["name"] = from.name;
  out["namespace"] = from.backend_namespace;
  out["schema"] = std::string{translate::name(from.schema)};
  out["weight"] = from.weight;
  out["tls"] = from.tls.has_value();
  if (!from.model_override.empty()) out["model_override"] = from.model_override;
  out["endpoints"] = json::array();
  for (const auto& host : cluster.hosts)
    if (host.locality == locality) out["endpoints"].push_back(endpoint(host, view));
  return out;
}

json breakers(const resilience::breaker_params& from) {
  json out;
  out["max_connections"] = from.max_connections;
  out["max_pending_requests"] = from.max_pending_requests;
  out["max_parallel_requests"] = from.max_parallel_requests;
  out["max_parallel_retries"] = from.max_parallel_retries;
  return out;
}

json rule(const plan::rule& from, const status_view& view) {
  static const cluster_view nothing;
  const auto& cluster =
      from.cluster_index < view.clusters.size() ? view.clusters[from.cluster_index] : nothing;
  std::map<std::uint32_t, json> by_priority;
  std::uint32_t locality = 0;
  for (const auto& b : from.backends) {
    auto& priority = by_priority[b.priority];
    if (priority.is_null()) {
      priority["priority"] = b.priority;
      priority["load_percent"] =
          b.priority < cluster.priority_load.size() ? cluster.priority_load[b.priority] : 0;
      priority["backends"] = json::array();
    }
    priority["backends"].push_back(backend(b, locality++, cluster, view));
  }
  json out;
  out["name"] = from.name;
  out["priorities"] = json::array();
  for (auto& priority : by_priority | std::views::values)
    out["priorities"].push_back(std::move(priority));
  out["circuit_breakers"] = breakers(from.cluster.breaker);
  return out;
}

json latest_events(const telemetry::event_ring& ring) {
  json out = json::array();
  const auto all = ring.since(0);
  for (const auto& e : all | std::views::reverse | std::views::take(max_events))
    out.push_back(json::parse(telemetry::to_json(e), nullptr, false));
  return out;
}

}  // namespace

std::string status_json(const status_view& view, const telemetry::hub& hub) {
  json out;
  out["version"] = UNDERSTUDY_VERSION;
  out["state"] = std::string{view.state};
  out["time"] = telemetry::timestamp(view.wall_now);
  out["started"] = telemetry::timestamp(view.started);
  out["uptime_seconds"] =
      std::chrono::floor<std::chrono::seconds>(view.wall_now - view.started).count();
  out["generation"] = view.plan == nullptr ? 0 : view.plan->generation;
  out["routes"] = json::array();
  if (view.plan != nullptr)
    for (const auto& from : view.plan->routes) {
      json route;
      route["name"] = from.name;
      route["kind"] = from.is_ai ? "AIGatewayRoute" : "HTTPRoute";
      route["hostnames"] = from.hostnames;
      route["source"] = file_and_line(from.position);
      route["rules"] = json::array();
      for (const auto& r : from.rules) route["rules"].push_back(rule(r, view));
      out["routes"].push_back(std::move(route));
    }
  out["summary"] = json::parse(hub.summary_json(), nullptr, false);
  out["events"] = latest_events(hub.events());
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace understudy::admin
