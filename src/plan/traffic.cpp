#include <algorithm>

#include <understudy/base/ascii.hpp>

#include "plan/policies.hpp"

// The parts of a BackendTrafficPolicy that choose a host and check it.
namespace understudy::plan {
namespace {

using resilience::balancing;

balancing balancing_named(std::string_view name) {
  if (name == "RoundRobin") return balancing::round_robin;
  if (name == "Random") return balancing::random;
  if (name == "ConsistentHash") return balancing::consistent_hash;
  if (name == "BackendUtilization") return balancing::backend_utilization;
  return balancing::least_request;
}

hash_input hash_of(const config::consistent_hash_spec& spec) {
  using source = hash_input::source;
  hash_input out{};
  const auto& type = spec.type.value;
  out.from = type == "SourceIP"      ? source::client_address
             : type == "Cookie"      ? source::cookie
             : type == "QueryParams" ? source::query
                                     : source::headers;
  for (const auto& name : spec.names)
    out.names.push_back(out.from == source::headers ? base::lower(name.value) : name.value);
  if (spec.cookie_ttl.is_written) out.cookie_ttl = spec.cookie_ttl.value;
  for (const auto& [name, value] : spec.cookie_attributes)
    out.cookie_attributes.push_back({name, value.value});
  return out;
}

std::vector<int> sorted(const std::vector<config::located<int>>& codes) {
  std::vector<int> out;
  for (const auto& code : codes) out.push_back(code.value);
  std::ranges::sort(out);
  return out;
}

std::string bytes_of(const std::optional<config::check_payload_spec>& payload) {
  return payload ? payload->bytes.value : std::string{};
}

}  // namespace

void apply_balancing(const config::backend_traffic_policy& policy, compiled_rule& out) {
  if (!policy.load_balancer) return;
  const auto& spec = *policy.load_balancer;
  auto& cluster = out.cluster;
  cluster.load_balancer = balancing_named(spec.type.value);
  if (spec.slow_start.is_written) cluster.slow_start_window = spec.slow_start.value;
  if (spec.hash && cluster.load_balancer == balancing::consistent_hash) {
    cluster.hash_table_size = spec.hash->table_size.value;
    out.hash = hash_of(*spec.hash);
  }
  if (!spec.utilization || cluster.load_balancer != balancing::backend_utilization) return;
  const auto& u = *spec.utilization;
  cluster.utilization.blackout = u.blackout.value;
  cluster.utilization.expiration = u.expiration.value;
  cluster.utilization.update_period = std::max(u.update.value, milliseconds{100});
  cluster.utilization.error_penalty = u.penalty_percent.value / 100.0;
  auto& reports = out.load_reports.emplace();
  for (const auto& m : u.metrics) reports.metrics.push_back(m.value);
  reports.is_kept = u.keeps_headers.value;
}

void apply_checks(const config::backend_traffic_policy& policy,
                  const std::vector<std::string>& hostnames, compiled_rule& out) {
  if (!policy.health || !policy.health->active) return;
  const auto& spec = *policy.health->active;
  if (spec.type.value != "HTTP" && spec.type.value != "TCP") return;
  auto& times = out.cluster.active_check.emplace();
  times.timeout = spec.timeout.value;
  times.interval = spec.interval.value;
  times.initial_jitter = spec.initial_jitter.value;
  times.unhealthy_threshold = spec.unhealthy_threshold.value;
  times.healthy_threshold = spec.healthy_threshold.value;
  auto& check = out.check.emplace();
  check.is_http = spec.type.value == "HTTP";
  check.port = spec.port.value;
  const auto plain = std::ranges::find_if(
      hostnames, [](const auto& name) { return !name.empty() && !name.starts_with('*'); });
  if (plain != hostnames.end()) check.route_hostname = *plain;
  if (spec.http) {
    const auto& http = *spec.http;
    check.path = http.path.value;
    check.method = http.method.value;
    check.hostname = http.hostname.value;
    check.request_body = bytes_of(http.body);
    if (!http.expected.empty()) check.expected = sorted(http.expected);
    check.retriable = sorted(http.retriable);
    check.expected_response = bytes_of(http.response);
  }
  if (spec.tcp) {
    check.send = bytes_of(spec.tcp->send);
    check.receive = bytes_of(spec.tcp->receive);
  }
}

void apply_connections(const config::backend_traffic_policy& policy, compiled_rule& out) {
  if (policy.keepalive) {
    const auto& spec = *policy.keepalive;
    auto& made = out.keepalive.emplace();
    if (spec.probes.is_written) made.probes = spec.probes.value;
    if (spec.idle_time.is_written) made.idle_time = spec.idle_time.value;
    if (spec.interval.is_written) made.interval = spec.interval.value;
  }
  if (policy.dns) {
    const auto& family = policy.dns->family.value;
    out.lookup.refresh_rate = std::max(policy.dns->refresh_rate.value, milliseconds{1'000});
    out.lookup.respects_ttl = policy.dns->respects_ttl.value;
    out.lookup.family = family == "IPv4"            ? ip_family::v4
                        : family == "IPv6"          ? ip_family::v6
                        : family == "IPv6Preferred" ? ip_family::v6_preferred
                        : family == "IPv4AndIPv6"   ? ip_family::both
                                                    : ip_family::v4_preferred;
  }
  if (policy.request_buffer.is_written) out.max_body_bytes = policy.request_buffer.value;
}

}  // namespace understudy::plan
