#include <understudy/proxy/local_reply.hpp>

#include <algorithm>

namespace understudy::proxy {
namespace {

using resilience::failure_class;
using resilience::stop_reason;

struct verdict {
  int status;
  std::string_view code;
  std::string_view details;
};

verdict verdict_of(failure_class last, stop_reason why) {
  if (why == stop_reason::request_timeout) return {504, "request_timeout", "request_timeout"};
  switch (last) {
    case failure_class::per_try:
    case failure_class::global:
      return {504, "upstream_timeout", "upstream_timeout"};
    case failure_class::protocol:
      return {502, "upstream_protocol_error", "upstream_protocol_error"};
    case failure_class::in_band:
      return {502, "upstream_error", "upstream_in_band_error"};
    case failure_class::unprepared:
      return {503, "no_credentials", "no_credentials"};
    case failure_class::overflow:
      return {503, "overloaded", "overflow"};
    case failure_class::local_shortage:
      return {503, "overloaded", "local_shortage"};
    case failure_class::no_host:
      return {503, "no_healthy_upstream", "no_healthy_upstream"};
    case failure_class::connect:
    case failure_class::connect_timeout:
      return {503, "upstream_unavailable", "upstream_connection_failure"};
    case failure_class::closed:
    case failure_class::status:
      break;
  }
  return {503, "upstream_unavailable", "upstream_connection_termination"};
}

/// `a: connection refused (3 attempts); b: status 500`, attempts of one cause run together.
std::string tell(std::span<const failed_attempt> attempts) {
  std::string text;
  for (std::size_t i = 0; i < attempts.size();) {
    std::size_t same = i + 1;
    while (same < attempts.size() && attempts[same].backend == attempts[i].backend &&
           attempts[same].cause == attempts[i].cause)
      ++same;
    if (!text.empty()) text += "; ";
    text.append(attempts[i].backend).append(": ").append(attempts[i].cause);
    if (same - i > 1) text += " (" + std::to_string(same - i) + " attempts)";
    i = same;
  }
  return text;
}

std::size_t distinct_backends(std::span<const failed_attempt> attempts) {
  std::vector<std::string_view> names;
  for (const auto& a : attempts)
    if (std::ranges::find(names, a.backend) == names.end()) names.push_back(a.backend);
  return names.size();
}

}  // namespace

local_reply error_reply(translate::operation op, int status, std::string_view code,
                        std::string_view message, std::string_view details) {
  local_reply reply;
  reply.status = status;
  reply.body = translate::error_body(op, status, {}, code, message);
  reply.details = details;
  reply.is_client_fault = status >= 400 && status < 500;
  return reply;
}

local_reply no_route_reply(translate::operation op, std::string_view path, std::string_view model) {
  if (op == translate::operation::unknown || (translate::is_passthrough(op) && model.empty()))
    return error_reply(op, 404, "unknown_url", "no route for path " + std::string{path},
                       "no_route");
  if (model.empty())
    return error_reply(op, 404, "model_not_found", "no route matches: the request names no model",
                       "no_route");
  return error_reply(op, 404, "model_not_found",
                     "no route matches: the model `" + std::string{model.substr(0, 200)} +
                         "` is not configured in this gateway",
                     "no_route");
}

std::string failure_text(std::string_view route, std::size_t backends,
                         std::span<const failed_attempt> attempts) {
  const std::size_t tried = distinct_backends(attempts);
  std::string text = tried < backends
                         ? std::to_string(tried) + " of " + std::to_string(backends) + " backends"
                     : backends == 1 ? std::string{"the only backend"}
                                     : "all " + std::to_string(backends) + " backends";
  return text.append(" of route ").append(route) + " failed: " + tell(attempts);
}

local_reply failure_reply(translate::operation op, std::string_view route, std::size_t backends,
                          std::span<const failed_attempt> attempts, failure_class last,
                          stop_reason why) {
  const verdict v = verdict_of(last, why);
  std::string message;
  if (attempts.empty()) {
    message = "no backend of route " + std::string{route} + " could be tried: " +
              (v.details == "overflow" ? "too many requests are in flight" : "none is healthy");
  } else {
    message = failure_text(route, backends, attempts);
    if (why == stop_reason::request_timeout) message += "; the request timeout was reached";
  }
  auto reply = error_reply(op, v.status, v.code, message, v.details);
  reply.is_client_fault = false;
  return reply;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

}  // namespace understudy::proxy
