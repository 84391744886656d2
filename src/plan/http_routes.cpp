#include <algorithm>

#include <understudy/base/ascii.hpp>

#include "plan/backends.hpp"
#include "plan/failover_policy.hpp"
#include "plan/origins.hpp"
#include "plan/regex.hpp"
#include "plan/routes.hpp"

namespace understudy::plan {
namespace {

std::optional<regex> pattern(compile_state& state, const config::object_header& route,
                             const std::string& field, const config::located<std::string>& text) {
  std::string problem;
  auto made = compile_regex(text.value, problem);
  if (!made && text.is_written)
    state.say.error(text.at, route, field + ".value",
                    "is no regular expression (" + problem + "); write RE2 syntax");
  return made;
}

match compile_match(compile_state& state, const config::object_header& route,
                    const std::string& field, const config::http_match& written) {
  match out;
  out.method = written.method.value;
  if (written.path) {
    out.path = written.path->value.value;
    if (written.path->type.value == "Exact") out.path_kind = path_match_kind::exact;
    if (written.path->type.value == "RegularExpression") {
      out.path_kind = path_match_kind::regular_expression;
      out.path_pattern = pattern(state, route, field + ".path", written.path->value);
    }
  }
  for (std::size_t i = 0; i < written.headers.size(); ++i)
    out.headers.push_back(compile_header(
        state, route, field + ".headers[" + std::to_string(i) + "]", written.headers[i]));
  for (std::size_t i = 0; i < written.query.size(); ++i) {
    auto made = compile_header(state, route, field + ".queryParams[" + std::to_string(i) + "]",
                               written.query[i]);
    made.name = written.query[i].name.value;  // query names keep their case
    out.query.push_back(std::move(made));
  }
  return out;
}

header_mutation compile_filter(const config::http_header_filter& written) {
  header_mutation out;
  for (const auto& [name, value] : written.set)
    out.set.push_back({base::lower(name.value), value.value});
  for (const auto& name : written.remove) out.remove.push_back(base::lower(name.value));
  return out;
}

/// The route's own `retry` replaces the policy's as a whole (spec/resilience.md §1.1).
void apply_route_retry(const config::http_rule& written, resilience::retry_params& out) {
  using resilience::trigger;
  if (!written.retry) return;
  const auto& spec = *written.retry;
  out = {};
  out.is_present = true;
  out.num_retries = spec.attempts.value;
  for (const auto t : {trigger::connect_failure, trigger::refused_stream, trigger::unavailable,
                       trigger::cancelled, trigger::retriable_status_codes})
    out.triggers.set(static_cast<std::size_t>(t));
  if (spec.codes.empty()) out.status_codes.set(503);
  for (const auto& code : spec.codes) out.status_codes.set(static_cast<std::size_t>(code.value));
  if (spec.backoff.is_written) out.backoff = {spec.backoff.value, 10 * spec.backoff.value};
  if (written.backend_request.is_written && written.backend_request.value.count() > 0)
    out.per_try_timeout = written.backend_request.value;
}

void apply_session(const config::http_route& route, const config::http_rule& written,
                   std::size_t index, rule& out) {
  if (!written.session) return;
  const auto& spec = *written.session;
  auto& made = out.session.emplace();
  made.is_cookie = spec.type.value == "Cookie";
  made.name = spec.name.is_written ? spec.name.value
                                   : "httproute-" + route.header.name_space + "-" +
                                         route.header.name + "-rule-" + std::to_string(index);
  if (!made.is_cookie) made.name = base::lower(made.name);
  if (spec.lifetime.value == "Permanent") made.lifetime = spec.absolute_timeout.value;
}

rule compile_rule(compile_state& state, const config::http_route& route,
                  const config::http_rule& written, std::size_t index) {
  const rule_context context{.route = route.header,
                             .parents = route.parents,
                             .rule_name = written.name.value,
                             .rule_field = "spec.rules[" + std::to_string(index) + "]",
                             .at = written.at,
                             .hostnames = names_of(route.hostnames),
                             .is_ai = false};
  rule out;
  out.name = route.header.id() + "/rule/" + std::to_string(index);
  out.is_ai = false;
  out.position = place(written.at);
  for (std::size_t m = 0; m < written.matches.size(); ++m)
    out.matches.push_back(compile_match(state, route.header,
                                        context.rule_field + ".matches[" + std::to_string(m) + "]",
                                        written.matches[m]));
  if (out.matches.empty()) out.matches.emplace_back();
  out.request_headers = compile_filter(written.request_headers);
  out.response_headers = compile_filter(written.response_headers);
  bool is_broken = route.header.is_broken;
  for (std::size_t i = 0; i < written.backends.size(); ++i) {
    const auto& ref = written.backends[i];
    if (!ref.name.is_written || ref.kind.value != "Backend") continue;
    const ref_context where{route.header,
                            context.rule_field + ".backendRefs[" + std::to_string(i) + "]", ref.at};
    if (auto made = compile_backend(state, where, ref))
      out.backends.push_back(std::move(*made));
    else
      is_broken = true;
  }
  finish_rule(state, context, written.request, written.backend_request, is_broken, out);
  apply_route_retry(written, out.cluster.retry);
  apply_session(route, written, index, out);
  return out;
}

}  // namespace

header_match compile_header(compile_state& state, const config::object_header& route,
                            const std::string& field, const config::header_match_spec& written) {
  header_match out;
  out.name = base::lower(written.name.value);
  out.value = written.value.value;
  if (written.type.value == "RegularExpression")
    out.pattern = pattern(state, route, field, written.value);
  return out;
}

void finish_rule(compile_state& state, const rule_context& context,
                 const config::located<milliseconds>& request,
                 const config::located<milliseconds>& backend_request, bool is_broken, rule& out) {
  for (const auto& b : out.backends)
    out.cluster.localities.push_back({.priority = b.priority, .weight = b.weight});
  const auto* policy = policy_for(state, context);
  const auto* failover = failover_for(state, context);
  apply_policy(state, policy, out.cluster);
  apply_failover(state, context, policy, failover, out);
  if (policy != nullptr) {
    apply_balancing(*policy, out);
    apply_checks(*policy, context.hostnames, out);
    apply_connections(*policy, out);
  }
  apply_timeouts(state, context, policy, request, backend_request, out.timeouts, out.cluster.retry);
  if (context.is_ai) apply_stream_idle(failover, out.timeouts);
  note_written(context, policy, request, backend_request, out);
  if (failover != nullptr) note_written(*failover, out);
  if (out.backends.empty()) {
    out.local = local_action::invalid_backends;
    if (!is_broken)
      state.say.warning(context.at, context.route, context.rule_field,
                        "has no backendRefs: every request is answered 500; write at least one");
  } else if (!is_broken) {
    lint_policy(state, context, policy, out);
  }
  out.cluster_index = state.out.cluster_count++;
}

route compile_route(compile_state& state, const config::http_route& written) {
  route out;
  out.name = written.header.id();
  out.is_ai = false;
  out.position = place(written.header.at);
  for (const auto& host : written.hostnames) out.hostnames.push_back(base::lower(host.value));
  for (std::size_t i = 0; i < written.rules.size(); ++i)
    out.rules.push_back(compile_rule(state, written, written.rules[i], i));
  return out;
}

}  // namespace understudy::plan
