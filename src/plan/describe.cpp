#include <understudy/config/json_writer.hpp>
#include <understudy/plan/describe.hpp>
#include <understudy/plan/setting.hpp>

namespace understudy::plan {
namespace {

using config::json_writer;

constexpr std::string_view redacted = "[redacted]";

std::string_view name(local_action action) {
  switch (action) {
    case local_action::no_matching_route:
      return "no_matching_route";
    case local_action::invalid_backends:
      return "invalid_backends";
    case local_action::redirect:
      return "redirect";
    case local_action::none:
      break;
  }
  return "none";
}

void duration(json_writer& json, std::string_view key, milliseconds value) {
  json.count(std::string{key} + "_ms", value.count());
}
void duration(json_writer& json, std::string_view key, const std::optional<milliseconds>& value) {
  if (value) duration(json, key, *value);
}

void position(json_writer& json, const source_position& at) {
  json.field("from", at.file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column));
}

void headers(json_writer& json, std::string_view key, const header_mutation& mutation) {
  if (mutation.set.empty() && mutation.remove.empty()) return;
  json.key(key).open_object().key("set").open_array();
  for (const auto& f : mutation.set) json.text(f.name);  // values may be keys
  json.close_array().key("remove").open_array();
  for (const auto& n : mutation.remove) json.text(n);
  json.close_array().close_object();
}

void tls(json_writer& json, const upstream_tls& t) {
  json.key("tls").open_object();
  json.field("server_name", t.server_name).flag("verified", t.is_verified);
  json.field("ca", t.uses_system_ca ? "system" : "configured");
  json.flag("client_certificate", !t.certificate_pem.empty());
  json.count("min_version", t.min_version).count("max_version", t.max_version);
  json.close_object();
}

void describe_oidc(json_writer& json, const std::optional<oidc_source>& oidc) {
  if (oidc) json.field("oidc_issuer", oidc->issuer).field("oidc_client", oidc->client_id);
}

void auth(json_writer& json, const backend& b) {
  if (std::holds_alternative<std::monostate>(b.auth)) return;
  json.key("credential").open_object();
  if (const auto* header = std::get_if<header_credential>(&b.auth)) {
    json.field("header", header->header).field("value", redacted);
  } else if (const auto* aws = std::get_if<aws_credential>(&b.auth)) {
    json.field("signer", "aws").field("region", aws->region).field("profile", aws->profile);
    json.field("source", source_of(*aws));
    describe_oidc(json, aws->oidc);
    if (!aws->role_arn.empty()) json.field("role", aws->role_arn);
  } else if (const auto* azure = std::get_if<azure_credential>(&b.auth)) {
    json.field("token", "azure").field("tenant", azure->tenant_id);
    json.field("client", azure->client_id).field("source", source_of(*azure));
    describe_oidc(json, azure->oidc);
  } else if (const auto* gcp = std::get_if<gcp_credential>(&b.auth)) {
    json.field("token", "gcp").field("project", gcp->project).field("region", gcp->region);
    json.field("source", source_of(*gcp));
    if (gcp->federation) describe_oidc(json, gcp->federation->oidc);
  }
  if (b.request_auth) {
    json.field("from_request_header", b.request_auth->header);
    json.flag("falls_back", b.request_auth->falls_back);
  }
  json.close_object();
}

/// Only where the configuration lists them.
void operations(json_writer& json, const translate::operation_set& served) {
  if (served == translate::operation_set{}) return;
  json.key("operations").open_array();
  for (int op = 0; op < static_cast<int>(translate::operation::unknown); ++op)
    if (served.contains(static_cast<translate::operation>(op)))
      json.text(translate::name(static_cast<translate::operation>(op)));
  json.close_array();
}

void body(json_writer& json, const body_mutation& mutation) {
  if (mutation.empty()) return;
  json.key("body").open_object().key("set").open_array();
  for (const auto& a : mutation.set) json.text(a.path);
  json.close_array().key("remove").open_array();
  for (const auto& p : mutation.remove) json.text(p);
  json.close_array().close_object();
}

void describe(json_writer& json, const backend& b) {
  json.open_object();
  json.field("name", b.name).field("namespace", b.backend_namespace);
  json.count("priority", b.priority).count("weight", b.weight);
  json.field("schema", translate::name(b.schema)).field("prefix", b.prefix);
  operations(json, b.operations);
  if (!b.version.empty()) json.field("version", b.version);
  if (!b.model_override.empty()) json.field("model_override", b.model_override);
  json.key("targets").open_array();
  for (const auto& t : b.targets)
    json.text(t.kind == target_kind::unix_socket      ? "unix:" + t.host
              : t.host.find(':') != std::string::npos ? "[" + t.host + "]:" + std::to_string(t.port)
                                                      : t.host + ":" + std::to_string(t.port));
  json.close_array();
  if (b.tls) tls(json, *b.tls);
  auth(json, b);
  headers(json, "headers", b.headers);
  body(json, b.body);
  position(json, b.position);
  json.close_object();
}

/// Status codes as ranges: `408`, `500-599`.
void codes(json_writer& json, const std::bitset<600>& set) {
  json.key("status_codes").open_array();
  for (std::size_t first = 0; first < set.size(); ++first) {
    if (!set.test(first)) continue;
    auto last = first;
    while (last + 1 < set.size() && set.test(last + 1)) ++last;
    json.text(first == last ? std::to_string(first)
                            : std::to_string(first) + "-" + std::to_string(last));
    first = last;
  }
  json.close_array();
}

void retry(json_writer& json, const resilience::cluster_params& cluster) {
  const auto& r = cluster.retry;
  json.key("retry").open_object();
  json.count("num_retries", r.num_retries);
  if (r.num_attempts_per_priority)
    json.count("num_attempts_per_priority", *r.num_attempts_per_priority);
  json.key("triggers").open_array();
  for (std::size_t i = 0; i < resilience::trigger_count; ++i)
    if (r.triggers.test(i)) json.text(understudy::plan::name(static_cast<resilience::trigger>(i)));
  json.close_array();
  codes(json, r.status_codes);
  duration(json, "backoff_base", r.backoff.base);
  duration(json, "backoff_max", r.backoff.max);
  duration(json, "per_try_timeout", r.per_try_timeout);
  duration(json, "per_try_timeout_stream", r.per_try_timeout_stream);
  json.flag("in_band_errors", r.retries_in_band_errors);
  json.flag("context_window_to_next_priority", r.falls_back_on_context_window);
  json.flag("content_policy_to_next_priority", r.falls_back_on_content_policy);
  json.flag("within_deadline", r.is_deadline_aware);
  duration(json, "retry_after_up_to", r.max_retry_after_wait);
  if (const auto& budget = cluster.breaker.retry_budget)
    json.key("budget")
        .open_object()
        .count("percent", budget->percent)
        .count("minimum", budget->min_retry_concurrency)
        .close_object();
  json.close_object();
}

void hedge(json_writer& json, const resilience::hedge_params& h) {
  if (!h.after && !h.quantile && !h.first_token) return;
  json.key("hedge").open_object();
  duration(json, "after", h.after);
  if (h.quantile) json.count("after_quantile", *h.quantile);
  duration(json, "first_token", h.first_token);
  if (h.first_token) json.field("first_token_action", h.is_first_token_hedged ? "hedge" : "fail");
  json.count("max", h.max).count("budget_percent", h.budget_percent);
  json.close_object();
}

void describe(json_writer& json, const failover& f) {
  json.key("failover").open_object();
  json.flag("hold", f.holds)
      .field("on_break", understudy::plan::name(f.at_break))
      .flag("guard", f.is_guarded);
  duration(json, "keep_alive", f.keep_alive);
  json.close_object();
}

void ejection(json_writer& json, const resilience::ejection_params& e) {
  json.key("ejection").open_object();
  json.count("consecutive_5xx", e.consecutive_5xx);
  if (e.consecutive_gateway_errors)
    json.count("consecutive_gateway_errors", *e.consecutive_gateway_errors);
  json.count("consecutive_local_origin_failures", e.consecutive_local_origin_failures);
  json.flag("split_external_local_origin_errors", e.is_split);
  duration(json, "interval", e.interval);
  duration(json, "base_ejection_time", e.base_ejection_time);
  duration(json, "max_ejection_time", e.max_ejection_time);
  json.count("max_ejection_percent", e.max_ejection_percent);
  json.flag("always_eject_one_endpoint", e.always_ejects_one);
  json.count("trial_requests", e.trial_requests);
  json.close_object();
}

void check(json_writer& json, const resilience::active_check_params& times, const health_check& c) {
  json.key("active_check").open_object();
  json.field("type", c.is_http ? "HTTP" : "TCP");
  if (c.is_http) {
    json.field("method", c.method).field("path", c.path);
    json.key("expected_statuses").open_array();
    for (const int code : c.expected) json.text(std::to_string(code));
    json.close_array();
  }
  if (c.port != 0) json.count("port", c.port);
  duration(json, "timeout", times.timeout);
  duration(json, "interval", times.interval);
  json.count("unhealthy_threshold", times.unhealthy_threshold);
  json.count("healthy_threshold", times.healthy_threshold);
  json.close_object();
}

void describe(json_writer& json, const timeouts& t) {
  json.key("timeouts").open_object();
  duration(json, t.is_head_only ? "request_until_first_byte" : "request", t.request);
  duration(json, "connect", t.connect);
  duration(json, "per_try_idle", t.per_try_idle);
  duration(json, "stream_idle", t.stream_idle);
  duration(json, "body_idle", t.body_idle);
  duration(json, "connection_idle", t.connection_idle);
  duration(json, "max_connection_duration", t.max_connection_duration);
  json.close_object();
}

void match_list(json_writer& json, const std::vector<match>& matches) {
  const auto fields = [&](std::string_view key, const std::vector<header_match>& list) {
    if (list.empty()) return;
    json.key(key).open_array();
    for (const auto& h : list)
      json.open_object()
          .field("name", h.name)
          .field("value", h.value)
          .flag("regex", h.pattern.has_value())
          .close_object();
    json.close_array();
  };
  json.key("matches").open_array();
  for (const auto& m : matches) {
    json.open_object();
    json.field(m.path_kind == path_match_kind::exact    ? "path"
               : m.path_kind == path_match_kind::prefix ? "path_prefix"
                                                        : "path_regex",
               m.path);
    if (!m.method.empty()) json.field("method", m.method);
    fields("headers", m.headers);
    fields("query", m.query);
    json.close_object();
  }
  json.close_array();
}

void describe(json_writer& json, const rule& r) {
  json.open_object();
  json.field("name", r.name);
  if (r.local != local_action::none) json.field("answers", name(r.local));
  match_list(json, r.matches);
  json.key("backends").open_array();
  for (const auto& b : r.backends) describe(json, b);
  json.close_array();
  if (r.cluster.retry.is_present) retry(json, r.cluster);
  hedge(json, r.cluster.hedge);
  if (r.is_ai) describe(json, r.failover);
  if (r.cluster.ejection) ejection(json, *r.cluster.ejection);
  if (r.check && r.cluster.active_check) check(json, *r.cluster.active_check, *r.check);
  json.field("load_balancer", understudy::plan::name(r.cluster.load_balancer));
  json.count("panic_threshold", r.cluster.panic_threshold);
  json.count("max_parallel_requests", r.cluster.breaker.max_parallel_requests);
  json.count("max_parallel_retries", r.cluster.breaker.max_parallel_retries);
  describe(json, r.timeouts);
  headers(json, "request_headers", r.request_headers);
  headers(json, "response_headers", r.response_headers);
  position(json, r.position);
  json.close_object();
}

void describe(json_writer& json, const listener& l) {
  json.open_object();
  json.field("name", l.name).field("address", l.address.empty() ? "*" : l.address);
  json.count("port", l.port);
  json.field("protocol", l.certificates.empty() ? "HTTP" : "HTTPS");
  json.key("hosts").open_array();
  for (const auto& host : l.virtual_hosts) json.text(host.hostname.empty() ? "*" : host.hostname);
  json.close_array().close_object();
}

}  // namespace

std::string describe_json(const plan& p) {
  json_writer json;
  json.open_object();
  json.count("generation", static_cast<std::int64_t>(p.generation));
  json.key("listeners").open_array();
  for (const auto& l : p.listeners) describe(json, l);
  json.close_array().key("routes").open_array();
  for (const auto& r : p.routes) {
    json.open_object();
    json.field("name", r.name).flag("ai", r.is_ai);
    json.key("hostnames").open_array();
    for (const auto& h : r.hostnames) json.text(h);
    json.close_array().key("rules").open_array();
    for (const auto& one : r.rules) describe(json, one);
    json.close_array();
    position(json, r.position);
    json.close_object();
  }
  json.close_array().key("models").open_array();
  for (const auto& m : p.models) json.text(m.id);
  json.close_array();
  json.key("limits").open_object();
  json.count("max_body_bytes", static_cast<std::int64_t>(p.limits.max_body_bytes));
  json.count("max_header_bytes", static_cast<std::int64_t>(p.limits.max_header_bytes));
  json.count("max_headers", static_cast<std::int64_t>(p.limits.max_headers));
  json.count("max_connections", static_cast<std::int64_t>(p.limits.max_connections));
  duration(json, "request_headers", p.limits.request_headers);
  duration(json, "request_body", p.limits.request_body);
  duration(json, "idle", p.limits.idle);
  json.close_object();
  return json.close_object().str();
}

}  // namespace understudy::plan
