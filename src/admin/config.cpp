#include <nlohmann/json.hpp>

#include <understudy/admin/status.hpp>
#include <understudy/plan/setting.hpp>

namespace understudy::admin {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* redacted = "[redacted]";

json position(const plan::source_position& p) {
  if (p.file.empty()) return nullptr;
  return p.file + ":" + std::to_string(p.line) + ":" + std::to_string(p.column);
}

template <class Duration>
json in_milliseconds(const std::optional<Duration>& d) {
  if (!d) return nullptr;
  return std::chrono::duration_cast<std::chrono::milliseconds>(*d).count();
}

/// A header's value may be a key; the gateway's own and the plainest ones are not.
bool is_shown(std::string_view name) {
  return name.starts_with("x-ai-eg-") || name == "content-type" || name == "host";
}

json header_matches(const std::vector<plan::header_match>& all, bool is_query) {
  json out = json::array();
  for (const auto& h : all)
    out.push_back({{"name", h.name},
                   {"value", !is_query && is_shown(h.name) ? h.value : redacted},
                   {"type", h.pattern ? "RegularExpression" : "Exact"}});
  return out;
}

json match(const plan::match& m) {
  constexpr const char* kinds[] = {"PathPrefix", "Exact", "RegularExpression"};
  json out;
  out["path"] = {{"type", kinds[static_cast<std::size_t>(m.path_kind)]}, {"value", m.path}};
  if (!m.method.empty()) out["method"] = m.method;
  if (!m.headers.empty()) out["headers"] = header_matches(m.headers, false);
  if (!m.query.empty()) out["query"] = header_matches(m.query, true);
  return out;
}

/// Names only: what is set may be a key.
json mutation(const plan::header_mutation& m) {
  json out = {{"set", json::array()}, {"remove", m.remove}};
  for (const auto& f : m.set) out["set"].push_back(f.name);
  return out;
}

json mutation(const plan::body_mutation& m) {
  json out = {{"set", json::array()}, {"remove", m.remove}};
  for (const auto& a : m.set) out["set"].push_back(a.path);
  return out;
}

json credential(const plan::credential& c) {
  if (const auto* header = std::get_if<plan::header_credential>(&c))
    return {{"type", "header"}, {"header", header->header}, {"value", redacted}};
  if (const auto* aws = std::get_if<plan::aws_credential>(&c))
    return {{"type", "aws"},
            {"region", aws->region},
            {"source", plan::source_of(*aws)},
            {"profile", aws->profile}};
  if (const auto* azure = std::get_if<plan::azure_credential>(&c))
    return {{"type", "azure"},
            {"tenant", azure->tenant_id},
            {"client", azure->client_id},
            {"source", plan::source_of(*azure)}};
  if (const auto* gcp = std::get_if<plan::gcp_credential>(&c))
    return {{"type", "gcp"},
            {"project", gcp->project},
            {"region", gcp->region},
            {"source", plan::source_of(*gcp)}};
  return nullptr;
}

json tls(const plan::upstream_tls& t) {
  return {{"server_name", t.server_name},
          {"subject_alt_names", t.subject_alt_names},
          {"verified", t.is_verified},
          {"ca", t.uses_system_ca ? "system" : "configured"},
          {"client_certificate", !t.certificate_pem.empty()}};
}

json target(const plan::target& t) {
  constexpr const char* kinds[] = {"fqdn", "ip", "unix"};
  json out = {{"type", kinds[static_cast<std::size_t>(t.kind)]}, {"host", t.host}};
  if (t.port != 0) out["port"] = t.port;
  if (!t.hostname.empty()) out["hostname"] = t.hostname;
  return out;
}

json backend(const plan::backend& b) {
  json out;
  out["name"] = b.name;
  out["namespace"] = b.backend_namespace;
  out["priority"] = b.priority;
  out["weight"] = b.weight;
  out["schema"] = std::string{translate::name(b.schema)};
  out["prefix"] = b.prefix;
  if (!b.version.empty()) out["version"] = b.version;
  if (!b.model_override.empty()) out["model_override"] = b.model_override;
  out["targets"] = json::array();
  for (const auto& t : b.targets) out["targets"].push_back(target(t));
  out["tls"] = b.tls ? tls(*b.tls) : json(nullptr);
  out["credential"] = credential(b.auth);
  if (b.request_auth)
    out["credential_override"] = {{"header", b.request_auth->header},
                                  {"falls_back", b.request_auth->falls_back}};
  out["header_mutation"] = mutation(b.headers);
  out["body_mutation"] = mutation(b.body);
  out["source"] = position(b.position);
  return out;
}

json timeouts(const plan::timeouts& t) {
  return {{"request_ms", in_milliseconds(t.request)},
          {"request_ends_with", t.is_head_only ? "first byte" : "whole answer"},
          {"connect_ms", t.connect.count()},
          {"per_try_idle_ms", in_milliseconds(t.per_try_idle)},
          {"stream_idle_ms", in_milliseconds(t.stream_idle)},
          {"body_idle_ms", in_milliseconds(t.body_idle)},
          {"connection_idle_ms", t.connection_idle.count()},
          {"max_connection_duration_ms", in_milliseconds(t.max_connection_duration)}};
}

json retry(const resilience::retry_params& r) {
  json triggers = json::array();
  for (std::size_t i = 0; i < resilience::trigger_count; ++i)
    if (r.triggers.test(i)) triggers.push_back(plan::name(static_cast<resilience::trigger>(i)));
  json codes = json::array();
  for (std::size_t code = 0; code < r.status_codes.size(); ++code)
    if (r.status_codes[code]) codes.push_back(code);
  return {{"num_retries", r.num_retries},
          {"num_attempts_per_priority",
           r.num_attempts_per_priority ? json(*r.num_attempts_per_priority) : json(nullptr)},
          {"triggers", std::move(triggers)},
          {"status_codes", std::move(codes)},
          {"backoff_base_ms", r.backoff.base.count()},
          {"backoff_max_ms", r.backoff.max.count()},
          {"per_try_timeout_ms", in_milliseconds(r.per_try_timeout)},
          {"per_try_timeout_stream_ms", in_milliseconds(r.per_try_timeout_stream)},
          {"retry_after_up_to_ms", in_milliseconds(r.max_retry_after_wait)},
          {"in_band_errors", r.retries_in_band_errors},
          {"context_window_to_next_priority", r.falls_back_on_context_window},
          {"content_policy_to_next_priority", r.falls_back_on_content_policy}};
}

json ejection(const std::optional<resilience::ejection_params>& e) {
  if (!e) return nullptr;
  return {
      {"base_ejection_time_ms", e->base_ejection_time.count()},
      {"interval_ms", e->interval.count()},
      {"max_ejection_time_ms", e->max_ejection_time.count()},
      {"max_ejection_percent", e->max_ejection_percent},
      {"consecutive_5xx", e->consecutive_5xx},
      {"consecutive_local_origin_failures", e->consecutive_local_origin_failures},
      {"failure_percentage_threshold",
       e->failure_percentage_threshold ? json(*e->failure_percentage_threshold) : json(nullptr)},
      {"consecutive_gateway_errors",
       e->consecutive_gateway_errors ? json(*e->consecutive_gateway_errors) : json(nullptr)},
      {"split_external_local_origin_errors", e->is_split},
      {"trial_requests", e->trial_requests}};
}

json circuit_breakers(const resilience::breaker_params& b) {
  json budget;
  if (b.retry_budget)
    budget = {{"percent", b.retry_budget->percent},
              {"minimum", b.retry_budget->min_retry_concurrency}};
  return {{"max_connections", b.max_connections},
          {"max_pending_requests", b.max_pending_requests},
          {"max_parallel_requests", b.max_parallel_requests},
          {"max_parallel_retries", b.max_parallel_retries},
          {"retry_budget", std::move(budget)}};
}

json hedge(const resilience::hedge_params& h) {
  return {{"after_ms", in_milliseconds(h.after)},
          {"after_quantile", h.quantile ? json(*h.quantile) : json(nullptr)},
          {"max", h.max},
          {"budget_percent", h.budget_percent}};
}

json first_token(const plan::rule& r) {
  const auto& h = r.cluster.hedge;
  return {{"timeout_ms", in_milliseconds(h.first_token)},
          {"action", h.is_first_token_hedged ? "hedge" : "fail"},
          {"hold", r.failover.holds},
          {"keep_alive_ms", in_milliseconds(r.failover.keep_alive)}};
}

json written_at(const std::string& object, std::string_view field, const plan::source_position& at,
                bool is_default) {
  return {{"object", object.empty() ? json(nullptr) : json(object)},
          {"field", field},
          {"at", position(at)},
          {"default", is_default}};
}

/// Where each value above comes from.
json origins(const plan::rule& r) {
  json out;
  for (const auto s : plan::all_settings()) {
    const auto from = plan::origin_of(s, r.written, r.position);
    out[std::string{plan::name(s)}] = written_at(from.object, from.field, from.at, from.is_default);
  }
  return out;
}

json rule(const plan::rule& r) {
  json out;
  out["name"] = r.name;
  out["matches"] = json::array();
  for (const auto& m : r.matches) out["matches"].push_back(match(m));
  out["backends"] = json::array();
  for (const auto& b : r.backends) out["backends"].push_back(backend(b));
  out["timeouts"] = timeouts(r.timeouts);
  out["retry"] = retry(r.cluster.retry);
  out["ejection"] = ejection(r.cluster.ejection);
  out["panic_threshold"] = r.cluster.panic_threshold;
  out["circuit_breakers"] = circuit_breakers(r.cluster.breaker);
  out["load_balancer"] = plan::name(r.cluster.load_balancer);
  if (r.is_ai) {
    out["hedge"] = hedge(r.cluster.hedge);
    out["first_token"] = first_token(r);
    out["stream"] = {{"on_break", plan::name(r.failover.at_break)}};
    out["guard"] = r.failover.is_guarded;
  }
  out["request_headers"] = mutation(r.request_headers);
  out["response_headers"] = mutation(r.response_headers);
  out["source"] = position(r.position);
  out["origins"] = origins(r);
  return out;
}

json listener(const plan::listener& l) {
  return {{"name", l.name},
          {"address", l.address},
          {"port", l.port},
          {"hostname", l.hostname},
          {"tls", !l.certificates.empty()}};
}

json limits(const plan::client_limits& l) {
  json from = json::array();
  for (const auto& w : l.written) from.push_back(written_at(w.object, w.field, w.at, false));
  return {{"max_body_bytes", l.max_body_bytes},
          {"max_header_bytes", l.max_header_bytes},
          {"max_headers", l.max_headers},
          {"max_connections", l.max_connections},
          {"request_headers_ms", l.request_headers.count()},
          {"request_body_ms", l.request_body.count()},
          {"idle_ms", l.idle.count()},
          {"origins", std::move(from)}};
}

}  // namespace

std::string config_json(const plan::plan& from) {
  json out;
  out["generation"] = from.generation;
  out["listeners"] = json::array();
  for (const auto& l : from.listeners) out["listeners"].push_back(listener(l));
  out["routes"] = json::array();
  for (const auto& r : from.routes) {
    json route;
    route["name"] = r.name;
    route["kind"] = r.is_ai ? "AIGatewayRoute" : "HTTPRoute";
    route["hostnames"] = r.hostnames;
    route["rules"] = json::array();
    for (const auto& each : r.rules) route["rules"].push_back(rule(each));
    route["source"] = position(r.position);
    out["routes"].push_back(std::move(route));
  }
  out["models"] = json::array();
  for (const auto& m : from.models) out["models"].push_back(m.id);
  out["limits"] = limits(from.limits);
  return out.dump(2, ' ', false, json::error_handler_t::replace);
}

}  // namespace understudy::admin
