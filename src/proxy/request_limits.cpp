#include <understudy/proxy/request_limits.hpp>

#include <algorithm>

#include <understudy/codec/client_deadline.hpp>
#include <understudy/proxy/exchange.hpp>

namespace understudy::proxy {
namespace {

/// One schema throughout: whatever the request uses, all can or none can.
bool have_one_schema(const plan::rule& rule) {
  const auto& first = rule.backends.front();
  return std::ranges::all_of(rule.backends, [&](const plan::backend& b) {
    return b.schema == first.schema && b.operations == first.operations;
  });
}

template <class Excludes>
void exclude(const plan::rule& rule, resilience::request_limits& limits, Excludes&& is_excluded) {
  for (std::size_t i = 0; i < rule.backends.size() && i < 64; ++i)
    if (is_excluded(rule.backends[i])) limits.excluded_localities |= std::uint64_t{1} << i;
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
  // What may not be sent twice must not be sent beside itself; by way of a chat nothing is kept.
  limits.may_hedge = std::ranges::all_of(rule.backends, [&](const plan::backend& b) {
    return may_replay(translate::upstream_operation(op, b.schema, b.operations), head.method);
  });
  const bool is_mixed = !rule.backends.empty() && !have_one_schema(rule);
  const bool is_guarded = is_mixed && rule.failover.is_guarded;
  if (is_mixed)
    exclude(rule, limits, [&](const plan::backend& b) {
      return !translate::can_serve(op, b.schema, b.operations);
    });
  const bool is_first_token_limited = is_stream && rule.cluster.hedge.first_token.has_value();
  if (!is_guarded && !is_first_token_limited) return limits;
  features = translate::scan_features(op, body);
  if (!features) return limits;
  limits.is_reasoning = translate::asks_for_reasoning(*features);
  if (!is_guarded) return limits;
  exclude(rule, limits, [&](const plan::backend& b) {
    return translate::would_drop(*features, op, b.schema, b.operations).has_value();
  });
  return limits;
}

std::optional<local_reply> unserved_reply(translate::operation op, std::string_view path,
                                          std::string_view route, const plan::rule& rule) {
  const auto is_able = [op](const plan::backend& b) {
    return translate::can_serve(op, b.schema, b.operations);
  };
  if (rule.backends.empty() || std::ranges::any_of(rule.backends, is_able)) return std::nullopt;
  std::string message = "no backend of route ";
  message.append(route).append(" can serve ").append(translate::name(op));
  if (translate::is_passthrough(op)) message.append(" (").append(path).append(")");
  message += ':';
  for (const auto& b : rule.backends)
    message.append(" ").append(b.name).append(" (").append(translate::name(b.schema)).append("),");
  message.pop_back();
  return error_reply(op, 422, "unsupported_operation", message, "unsupported_operation");
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
