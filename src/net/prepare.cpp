#include <understudy/net/prepare.hpp>

#include <understudy/base/wipe.hpp>
#include <understudy/codec/json_edit.hpp>
#include <understudy/credentials/apply.hpp>
#include <understudy/credentials/google.hpp>
#include <understudy/proxy/upstream_head.hpp>
#include <understudy/trace/propagation.hpp>
#include <understudy/translate/answer_watch.hpp>

namespace understudy::net {
namespace {

/// The client's body, or what asks for the rest of its answer.
std::string_view original_body(const exchange_state& state) {
  return state.continued_body ? std::string_view{*state.continued_body} : state.body;
}

/// A mutation that fails leaves the body as it was, as the gateway that it comes from does.
void mutate_body(const exchange_state& state, attempt_state& attempt) {
  const auto& mutation = attempt.backend->body;
  if (mutation.empty()) return;
  std::string body{upstream_body(state, attempt)};
  for (const auto& path : mutation.remove)
    if (auto edited = codec::remove_at(body, path)) body = std::move(*edited);
  for (const auto& set : mutation.set)
    if (auto edited = codec::set_at(body, set.path, set.json)) body = std::move(*edited);
  attempt.upstream.body = std::move(body);
}

std::optional<attempt_refusal> translate_request(const exchange_state& state,
                                                 attempt_state& attempt) {
  attempt.upstream = {};
  attempt.translator.reset();
  if (!state.rule->is_ai) {
    attempt.upstream.target.assign(state.target.path);
    return std::nullopt;
  }
  const auto& backend = *attempt.backend;
  attempt.translator = translate::find(state.op, backend.schema, backend.operations);
  if (!attempt.translator)
    return attempt_refusal{false, 422, "unsupported_operation",
                           "backend " + backend.name + " (schema " +
                               std::string{translate::name(backend.schema)} + ") cannot serve " +
                               std::string{translate::name(state.op)}};
  translate::request_view view;
  view.op = state.op;
  view.method = state.head.method;
  view.target = state.target.path;
  view.content_type = state.head.fields.find("content-type").value_or(std::string_view{});
  view.body = original_body(state);
  view.model = state.summary.model;
  view.stream = state.summary.stream;
  view.wants_usage = state.rule->counts_tokens && !state.summary.include_usage.value_or(false);
  view.fields = &state.head.fields;
  auto target = backend.view();
  target.may_drop = !state.rule->failover.is_guarded;
  auto made = attempt.translator->request(view, target);
  if (!made)
    return attempt_refusal{false, made.error().status, "invalid_request", made.error().message};
  attempt.upstream = std::move(*made);
  return std::nullopt;
}

bool refuse(attempt_state& attempt, credentials::refusal why) {
  attempt.refusal = attempt_refusal{.is_credential_missing = true,
                                    .status = why.status,
                                    .code = std::move(why.code),
                                    .cause = std::move(why.message),
                                    .is_final = why.is_final};
  return false;
}

/// Fills `attempt.auth`: with what the request brings along, or what the store has.
bool authenticate(const exchange_state& state, attempt_state& attempt, std::string_view body,
                  std::string_view host, const credentials::store& keys) {
  const auto& backend = *attempt.backend;
  if (std::holds_alternative<std::monostate>(backend.auth)) return true;
  const auto now = base::wall_now();
  std::optional<credentials::secret> brought;
  if (backend.request_auth) {
    auto found = credentials::from_request(backend, state.head.fields);
    if (!found) return refuse(attempt, found.error());
    brought = std::move(*found);
  }
  std::shared_ptr<const credentials::secret> held;
  if (!brought && credentials::is_looked_up(backend.auth)) held = keys.current(backend.auth, now);
  auto applied = credentials::apply(backend, {state.head.method, attempt.upstream.target, body},
                                    host, brought ? &*brought : held.get(), now, attempt.auth);
  return applied || refuse(attempt, applied.error());
}

}  // namespace

std::string_view upstream_body(const exchange_state& state, const attempt_state& attempt) {
  return attempt.upstream.body ? std::string_view{*attempt.upstream.body} : original_body(state);
}

bool prepare_request(const exchange_state& state, attempt_state& attempt,
                     const plan::target& target, const credentials::store& keys) {
  attempt.refusal = translate_request(state, attempt);
  if (attempt.refusal) return false;
  mutate_body(state, attempt);

  const auto& backend = *attempt.backend;
  if (const auto* gcp = std::get_if<plan::gcp_credential>(&backend.auth))
    attempt.upstream.target = credentials::vertex_target(*gcp, attempt.upstream.target);
  const std::string_view body = upstream_body(state, attempt);
  std::string_view host = proxy::upstream_host(target, state.target.authority);
  std::string signed_host;
  if (const auto* aws = std::get_if<plan::aws_credential>(&backend.auth))
    host = signed_host = credentials::signing_host(target, *aws);
  attempt.wipe_credentials();
  const base::wipe_scope all;  // copies of keys, buffers that grow
  if (!authenticate(state, attempt, body, host, keys)) return false;

  proxy::upstream_head_parts parts;
  parts.original = &state.head;
  parts.rule = state.rule;
  parts.backend = attempt.backend;
  parts.op = state.op;
  parts.target_path = attempt.upstream.target;
  parts.set = &attempt.upstream.set;
  parts.auth = &attempt.auth;
  trace::carrier carrier;
  trace::inject(state.trace, attempt.number, carrier);
  parts.trace = carrier.fields();
  parts.request_id = state.request_id;
  parts.client_address = state.record.client_address;
  parts.host = host;
  parts.is_client_tls = state.is_client_tls;
  parts.is_answer_read =
      state.rule->is_ai &&
      translate::answer_watch::can_watch(backend.upstream_operation(state.op), backend.schema);
  parts.has_body = !body.empty() || state.has_body;
  parts.body_size = body.size();
  proxy::append_upstream_head(attempt.upstream_head, parts);
  return true;
}

}  // namespace understudy::net
