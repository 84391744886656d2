#include "trace/describe.hpp"

#include <charconv>

namespace understudy::trace {
namespace {

using telemetry::attempt_outcome;
using telemetry::error_origin;

bool is_failure(const exchange_record& record) {
  return record.status >= 400 || record.status == 0 || record.origin != error_origin::none;
}

/// Nobody's fault: somebody else was quicker, or the client left.
bool is_failure(const attempt_record& attempt) {
  return attempt.outcome != attempt_outcome::ok && attempt.outcome != attempt_outcome::superseded &&
         attempt.outcome != attempt_outcome::cancelled;
}

/// As the SDKs of providers call it (spec/gateway-config.md §5.2).
std::string_view exception_type(int status) {
  switch (status) {
    case 400:
      return "BadRequestError";
    case 401:
      return "AuthenticationError";
    case 403:
      return "PermissionDeniedError";
    case 404:
      return "NotFoundError";
    case 429:
      return "RateLimitError";
    case 500:
    case 502:
    case 503:
      return "InternalServerError";
    default:
      return "Error";
  }
}

/// The words are ours: a provider's body may quote the prompt.
void describe_failure(span& out, const exchange_record& record) {
  out.is_error = true;
  std::string text = "Error code: " + std::to_string(record.status);
  if (record.status == 0) text = "no answer";
  if (!record.details.empty()) text.append(" - ").append(record.details);
  out.message = out.keep(std::move(text));
  const bool is_cut = record.status < 400 && !record.details.empty();
  out.set("error.type", is_cut ? record.details : out.keep(std::to_string(record.status)));
  out.events.push_back(
      {"exception",
       out.end,
       {{"exception.type", exception_type(record.status)}, {"exception.message", out.message}}});
}

void describe_headers(span& out, const settings& by, const exchange_record& record) {
  constexpr std::size_t max_bytes = 256;
  if (record.request_fields == nullptr) return;
  const auto& all = by.header_attributes;
  for (std::size_t i = 0; i < all.size(); ++i)
    out.set_known(all[i].attribute,
                  telemetry::attribute_value(all, i, *record.request_fields).substr(0, max_bytes));
}

/// `10.0.0.1:443`, `[::1]:443`, or the path of a socket.
void describe_peer(span& out, std::string_view address) {
  if (address.empty()) return;
  const auto colon = address.rfind(':');
  std::int64_t port = 0;
  const char* end = address.data() + address.size();
  const bool has_port = colon != address.npos && address.front() != '/' &&
                        std::from_chars(address.data() + colon + 1, end, port).ptr == end;
  auto host = has_port ? address.substr(0, colon) : address;
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  out.set("network.peer.address", host);
  if (has_port) out.set("network.peer.port", port);
}

void set_status(span& out, int status) {
  if (status != 0) out.set("http.response.status_code", std::int64_t{status});
}

}  // namespace

std::int64_t time_of(const exchange_record& record, base::duration after) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(record.start.time_since_epoch())
             .count() +
         after.count();
}

std::string_view answering_model(const exchange_record& record) {
  if (!record.model_answered.empty()) return record.model_answered.view();
  const auto* attempt = record.decisive();
  return attempt != nullptr && !attempt->model.empty() ? attempt->model : record.model;
}

void describe_request(span& out, const request_trace& of, const exchange_record& record,
                      const exchange_bodies& bodies) {
  out.trace = of.own.trace;
  out.id = of.own.span;
  out.parent = of.parent;
  out.is_parent_remote = of.parent != 0;
  out.state = of.state;
  out.start = time_of(record);
  out.end = time_of(record, record.elapsed);
  out.name = record.method;
  if (record.is_ai) {
    if (of.by->names == convention::openinference)
      openinference::describe_request(out, of, record, bodies);
    else
      gen_ai::describe_request(out, of, record, bodies);
    if (record.is_stream && record.time_to_content.count() > 0)
      out.events.push_back(
          {"First Token Stream Event", time_of(record, record.time_to_content), {}});
  }
  out.set("http.request.method", record.method);
  out.set("url.path", record.path);
  set_status(out, record.status);
  out.set("understudy.request_id", record.request_id);
  out.set_known("understudy.route", record.route);
  out.set("understudy.attempts", static_cast<std::int64_t>(record.attempts.size()));
  if (record.answered < record.attempts.size())
    out.set("understudy.backend", record.attempts[record.answered].backend);
  if (record.origin != error_origin::none)
    out.set("understudy.error_origin", telemetry::name(record.origin));
  out.set_known("understudy.response_flags", record.flags);
  describe_headers(out, *of.by, record);
  if (is_failure(record)) describe_failure(out, record);
}

void describe_attempt(span& out, const request_trace& of, const exchange_record& record,
                      std::size_t number) {
  const auto& attempt = record.attempts[number];
  out.trace = of.own.trace;
  out.id = attempt_span(of, number);
  out.parent = of.own.span;
  out.state = of.state;
  out.kind = span_kind::client;
  out.name = out.keep("attempt " + std::string{attempt.backend});
  out.start = time_of(record, attempt.start);
  out.end = time_of(record, attempt.start + attempt.elapsed);
  if (record.is_ai) {
    if (of.by->names == convention::openinference)
      openinference::describe_attempt(out, record, attempt);
    else
      gen_ai::describe_attempt(out, record, attempt);
  }
  const auto outcome = telemetry::name(attempt.outcome);
  out.set("understudy.attempt.number", static_cast<std::int64_t>(number) + 1);
  out.set("understudy.attempt.outcome", outcome);
  out.set("understudy.backend", attempt.backend);
  out.set("understudy.priority", std::int64_t{attempt.priority});
  out.set("understudy.connection.reused", attempt.is_reused);
  if (attempt.is_hedge) out.set("understudy.attempt.hedge", true);
  if (attempt.is_replayed) out.set("understudy.attempt.replayed", true);
  if (attempt.abandoned_tokens != 0)
    out.set("understudy.abandoned_tokens", static_cast<std::int64_t>(attempt.abandoned_tokens));
  set_status(out, attempt.status);
  describe_peer(out, attempt.address.view());
  if (!is_failure(attempt)) return;
  out.is_error = true;
  const bool is_status = attempt.outcome == attempt_outcome::status;
  const auto why = is_status ? out.keep(std::to_string(attempt.status)) : outcome;
  out.set("error.type", why);
  out.message = is_status ? out.keep("status " + std::string{why}) : outcome;
}

}  // namespace understudy::trace
