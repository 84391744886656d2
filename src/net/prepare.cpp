#include <understudy/net/prepare.hpp>

#include <understudy/codec/json_edit.hpp>
#include <understudy/credentials/apply.hpp>
#include <understudy/proxy/upstream_head.hpp>

namespace understudy::net {
namespace {

/// A mutation that fails leaves the body as it was, as the gateway that it comes from does.
void mutate_body(exchange_state& state) {
  const auto& mutation = state.backend->body;
  if (mutation.empty()) return;
  std::string body{state.upstream.body ? std::string_view{*state.upstream.body} : state.body};
  for (const auto& path : mutation.remove)
    if (auto edited = codec::remove_at(body, path)) body = std::move(*edited);
  for (const auto& set : mutation.set)
    if (auto edited = codec::set_at(body, set.path, set.json)) body = std::move(*edited);
  state.upstream.body = std::move(body);
}

std::optional<attempt_refusal> translate_request(exchange_state& state) {
  state.upstream = {};
  state.translator.reset();
  if (!state.rule->is_ai) {
    state.upstream.target.assign(state.target.path);
    return std::nullopt;
  }
  state.translator = translate::find(state.op, state.backend->schema);
  if (!state.translator)
    return attempt_refusal{false, 422, "unsupported_operation",
                           "backend " + state.backend->name + " (schema " +
                               std::string{translate::name(state.backend->schema)} +
                               ") cannot serve " + std::string{translate::name(state.op)}};
  translate::request_view view;
  view.op = state.op;
  view.method = state.head.method;
  view.target = state.target.path;
  view.content_type = state.head.fields.find("content-type").value_or(std::string_view{});
  view.body = state.body;
  view.model = state.summary.model;
  view.stream = state.summary.stream;
  view.fields = &state.head.fields;
  auto made = state.translator->request(view, state.backend->view());
  if (!made)
    return attempt_refusal{false, made.error().status, "invalid_request", made.error().message};
  state.upstream = std::move(*made);
  return std::nullopt;
}

}  // namespace

std::optional<attempt_refusal> prepare_request(exchange_state& state, const plan::target& target,
                                               const credentials::store& keys) {
  if (auto refused = translate_request(state)) return refused;
  mutate_body(state);

  const std::string_view body =
      state.upstream.body ? std::string_view{*state.upstream.body} : state.body;
  std::string_view host = proxy::upstream_host(target, state.target.authority);
  std::string signed_host;
  std::shared_ptr<const credentials::aws_keys> held;
  const auto now = base::wall_now();
  state.auth.clear();
  if (const auto* aws = std::get_if<plan::aws_credential>(&state.backend->auth)) {
    held = keys.current(*aws, now);
    host = signed_host = credentials::signing_host(target, *aws);
  }
  if (!std::holds_alternative<std::monostate>(state.backend->auth)) {
    auto applied =
        credentials::apply(*state.backend, {state.head.method, state.upstream.target, body}, host,
                           held.get(), now, state.auth);
    if (!applied) return attempt_refusal{true, 503, "no_credentials", applied.error()};
  }

  proxy::upstream_head_parts parts;
  parts.original = &state.head;
  parts.rule = state.rule;
  parts.backend = state.backend;
  parts.op = state.op;
  parts.target_path = state.upstream.target;
  parts.set = &state.upstream.set;
  parts.auth = &state.auth;
  parts.request_id = state.request_id;
  parts.client_address = state.record.client_address;
  parts.host = host;
  parts.is_client_tls = state.is_client_tls;
  parts.has_body = !body.empty() || state.has_body;
  parts.body_size = body.size();
  state.upstream_head.clear();
  proxy::append_upstream_head(state.upstream_head, parts);
  return std::nullopt;
}

}  // namespace understudy::net
