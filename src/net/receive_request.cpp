#include <understudy/net/receive_request.hpp>

#include <understudy/codec/framing.hpp>

namespace understudy::net {
namespace {

proxy::local_reply refusal(translate::operation op, int status, std::string_view code,
                           std::string_view message, std::string_view details) {
  auto reply = proxy::error_reply(op, status, code, message, details);
  reply.closes = true;
  return reply;
}

bool expects_something_else(const codec::field_list& fields) {
  return std::ranges::any_of(fields, [](const codec::field& f) {
    return codec::kind_of(f.name) == codec::field_kind::expect &&
           !base::iequals(f.value, "100-continue");
  });
}

}  // namespace

proxy::local_reply head_refusal(const head_result& found) {
  constexpr auto op = translate::operation::unknown;
  switch (found.status) {
    case head_status::too_large:
      return refusal(op, 431, "header_too_large", found.reason, "header_too_large");
    case head_status::bad_version:
      return refusal(op, 505, "http_version", "only HTTP/1.1 is spoken here", "http_version");
    default:
      break;
  }
  return refusal(op, 400, "bad_request", std::string{"malformed request: "}.append(found.reason),
                 "malformed_request");
}

proxy::local_reply body_too_large(translate::operation op, std::size_t limit) {
  return refusal(op, 413, "request_too_large",
                 "the request body is larger than " + std::to_string(limit) + " bytes",
                 "body_too_large");
}

proxy::local_reply malformed_body(translate::operation op, std::string_view detail) {
  return proxy::error_reply(op, 400, "bad_request",
                            std::string{"malformed request: "}.append(detail), "malformed_request");
}

proxy::local_reply request_timed_out() {
  return refusal(translate::operation::unknown, 408, "request_timeout",
                 "the request did not arrive in time", "request_timeout");
}

proxy::local_reply no_memory_left(translate::operation op) {
  auto reply = refusal(op, 503, "overloaded",
                       "the proxy holds as many request bodies as it may; try again shortly",
                       "request_memory");
  reply.fields.push_back({"retry-after", "1"});
  return reply;
}

std::optional<proxy::local_reply> examine_head(exchange_state& state,
                                               const plan::client_limits& limits,
                                               codec::body_framing& framing) {
  const auto& head = state.head;
  state.op = translate::operation_of(head.method, head.target);
  if (head.version < 11)
    return refusal(state.op, 426, "upgrade_required", "HTTP/1.0 is not spoken here; use HTTP/1.1",
                   "http_1_0");
  const auto target = codec::check_request(head);
  if (!target)
    return refusal(state.op, 400, "bad_request",
                   std::string{"malformed request: "}.append(codec::describe(target.error())),
                   "malformed_request");
  const auto framed = codec::request_framing(head);
  if (!framed)
    return refusal(state.op, 400, "bad_request",
                   std::string{"malformed request: "}.append(codec::describe(framed.error())),
                   "malformed_framing");
  if (limits.rejects_underscores && codec::has_underscored_name(head.fields))
    return refusal(state.op, 400, "bad_request",
                   "malformed request: a header name contains an underscore",
                   "underscore_in_header");
  if (head.method == "CONNECT" || head.method == "TRACE")
    return refusal(state.op, 405, "method_not_allowed",
                   "method " + std::string{head.method} + " is not served here", "method");
  if (expects_something_else(head.fields))
    return refusal(state.op, 417, "expectation_failed", "only `expect: 100-continue` is known",
                   "expectation");
  if (framed->length > limits.max_body_bytes)
    return body_too_large(state.op, limits.max_body_bytes);

  framing = *framed;
  state.target = *target;
  const auto question = state.target.path.find('?');
  state.path = state.target.path.substr(0, question);
  if (question != state.target.path.npos) state.query = state.target.path.substr(question + 1);
  state.op = translate::operation_of(head.method, state.target.path);
  state.has_body = framing.kind != codec::framing_kind::none;
  state.is_head_method = head.method == "HEAD";
  state.wants_explanation = head.fields.find("x-understudy-explain") == "1";
  const codec::connection_options options{head.fields};
  if (options.is_overflowing())
    return refusal(state.op, 400, "bad_request",
                   std::string{"malformed request: "}.append(
                       codec::describe(codec::head_error::too_many_connection_options)),
                   "malformed_request");
  state.closes_downstream = !codec::is_persistent(head.version, options);
  return std::nullopt;
}

}  // namespace understudy::net
