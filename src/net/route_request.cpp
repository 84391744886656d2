#include <understudy/net/route_request.hpp>

#include <understudy/net/receive_request.hpp>
#include <understudy/proxy/request_limits.hpp>
#include <understudy/proxy/request_summary.hpp>
#include <understudy/proxy/router.hpp>

namespace understudy::net {
namespace {

bool has_ai_route(const plan::plan& plan) {
  for (const auto& route : plan.routes)
    if (route.is_ai) return true;
  return false;
}

}  // namespace

std::optional<proxy::local_reply> route_request(exchange_state& state,
                                                const plan::listener& listener) {
  const auto& plan = *state.active->configuration;
  const bool is_ai = has_ai_route(plan);
  if (is_ai && (state.head.method == "GET" || state.is_head_method))
    if (auto reply = proxy::models_reply(plan, state.target.authority, state.path)) return reply;
  if (is_ai && state.op != translate::operation::unknown) {
    const auto type = state.head.fields.find("content-type").value_or(std::string_view{});
    auto summary = proxy::summarize(state.op, state.path, type, state.body);
    if (!summary) return malformed_body(state.op, summary.error().message);
    state.summary = std::move(*summary);
  }
  proxy::match_input input;
  input.host = state.target.authority;
  input.method = state.head.method;
  input.path = state.path;
  input.query = state.query;
  input.model = state.summary.model;
  input.fields = &state.head.fields;
  const auto found = proxy::match(plan, listener, input);
  // An LLM route serves the operations that it knows, whatever its rule's matches are.
  const bool is_unknown =
      found.rule != nullptr && found.rule->is_ai && state.op == translate::operation::unknown;
  if (found.rule == nullptr || is_unknown)
    return proxy::no_route_reply(state.op, state.path, state.summary.model);
  state.route = found.route;
  state.rule = found.rule;
  if (state.rule->max_body_bytes && state.body.size() > *state.rule->max_body_bytes)
    return body_too_large(state.op, *state.rule->max_body_bytes);
  if (state.rule->backends.empty())
    return proxy::error_reply(state.op, 500, "no_backends",
                              "route " + state.route->name + " has no usable backend",
                              "no_backends");
  if (!state.rule->is_ai) return std::nullopt;
  return proxy::unserved_reply(state.op, state.path, state.route->name, *state.rule);
}

}  // namespace understudy::net
