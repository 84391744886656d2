#include <understudy/proxy/request_limits.hpp>

#include <algorithm>

#include <understudy/codec/client_deadline.hpp>

namespace understudy::proxy {
namespace {

/// One schema throughout: whatever the request uses, all can or none can.
bool have_one_schema(const plan::rule& rule) {
  const auto& first = rule.backends.front();
  return std::ranges::all_of(rule.backends, [&](const plan::backend& b) {
    return b.schema == first.schema && b.operations == first.operations;
  });
}

}  // namespace

resilience::request_limits limits_of(const codec::request_head& head, bool is_stream,
                                     translate::operation op, std::string_view body,
                                     const plan::rule& rule,
                                     std::optional<translate::request_features>& features) {
  resilience::request_limits limits;
  limits.is_stream = is_stream;
  limits.is_early_data = head.fields.find("early-data").has_value();
  limits.request_timeout = rule.timeouts.request;
  limits.is_head_only = rule.timeouts.is_head_only;
  if (!rule.is_ai) return limits;
  if (rule.cluster.retry.is_deadline_aware) {
    const auto asked = codec::client_deadline(head.fields);
    if (asked && (!limits.request_timeout || *asked < *limits.request_timeout))
      limits.request_timeout = asked;
  }
  const bool is_guarded =
      rule.failover.is_guarded && !rule.backends.empty() && !have_one_schema(rule);
  const bool is_first_token_limited = is_stream && rule.cluster.hedge.first_token.has_value();
  if (!is_guarded && !is_first_token_limited) return limits;
  features = translate::scan_features(op, body);
  if (!features) return limits;
  limits.is_reasoning = translate::asks_for_reasoning(*features);
  if (!is_guarded) return limits;
  for (std::size_t i = 0; i < rule.backends.size() && i < 64; ++i)
    if (translate::would_drop(*features, op, rule.backends[i].schema, rule.backends[i].operations))
      limits.excluded_localities |= std::uint64_t{1} << i;
  return limits;
}

local_reply incapable_reply(translate::operation op, std::string_view route, const plan::rule& rule,
                            const translate::request_features& features) {
  std::string message = "no backend of route ";
  message.append(route).append(" can carry what the request uses:");
  for (const auto& backend : rule.backends) {
    const auto feature = translate::would_drop(features, op, backend.schema, backend.operations);
    if (!feature) continue;
    message.append(" ").append(backend.name).append(" (").append(translate::name(backend.schema));
    message.append(") no ").append(*feature).append(";");
  }
  message.pop_back();
  auto reply = error_reply(op, 422, "unsupported_by_backends", message, "no_capable_backend");
  reply.is_client_fault = true;
  return reply;
}

}  // namespace understudy::proxy
