#include <understudy/net/route_request.hpp>

#include <understudy/net/receive_request.hpp>
#include <understudy/proxy/router.hpp>

namespace understudy::net {
namespace {

/// The model of a form-data body is a part of it; the translators of audio know where.
bool is_form(const exchange_state& state) {
  const auto type = state.head.fields.find("content-type");
  return type && base::istarts_with(*type, "multipart/form-data");
}

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
  if (is_ai && (state.head.method == "GET" || state.is_head_method)) {
    if (state.path == "/v1/models") return proxy::models_reply(plan, state.target.authority, false);
    if (state.path == "/anthropic/v1/models")
      return proxy::models_reply(plan, state.target.authority, true);
  }
  if (is_ai && state.op != translate::operation::unknown && state.head.method == "POST" &&
      !is_form(state)) {
    auto summary = codec::scan_request(state.body);
    if (!summary)
      return malformed_body(state.op, "the body is not the JSON object that " +
                                          std::string{state.path} +
                                          " takes: " + summary.error().text());
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
  return std::nullopt;
}

}  // namespace understudy::net
