#include "translate/error_event.hpp"

namespace understudy::translate {
namespace {

using codec::append_json_string;

void append_openai(std::string& out, std::string_view type, std::string_view code,
                   std::string_view message) {
  out += R"({"message":)";
  append_json_string(out, message);
  out += R"(,"type":)";
  append_json_string(out, type);
  out += R"(,"param":null,"code":)";
  if (code.empty())
    out += "null";
  else
    append_json_string(out, code);
  out += "}";
}

void append_anthropic(std::string& out, std::string_view type, std::string_view message) {
  out += R"({"type":"error","error":{"type":)";
  append_json_string(out, type);
  out += R"(,"message":)";
  append_json_string(out, message);
  out += "}}";
}

}  // namespace

std::string malformed_event_text(const codec::json_error& error) {
  return "malformed event from the upstream: " + error.text();
}

std::string malformed_event_text(std::string_view event) {
  const auto error = codec::check_json(event);
  return error ? malformed_event_text(*error) : "malformed event from the upstream: not JSON";
}

std::string_view openai_error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 408:
    case 504:
      return "timeout_error";
    case 429:
      return "rate_limit_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

std::string_view anthropic_error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 408:
    case 504:
      return "timeout_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
    case 529:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

std::string error_body(operation op, int status, std::string_view type, std::string_view code,
                       std::string_view message) {
  std::string out;
  if (is_anthropic(op)) {
    append_anthropic(out, type.empty() ? anthropic_error_type(status) : type, message);
    return out;
  }
  out += R"({"error":)";
  append_openai(out, type.empty() ? openai_error_type(status) : type, code, message);
  out += "}";
  return out;
}

void append_error_event(std::string& out, operation op, std::string_view type,
                        std::string_view code, std::string_view message,
                        std::uint64_t sequence_number) {
  constexpr int status = 502;
  if (is_anthropic(op)) {
    out += "event: error\ndata: ";
    append_anthropic(out, type.empty() ? anthropic_error_type(status) : type, message);
  } else if (op == operation::responses) {
    // The event of the Responses API, with the `error` member that SDKs look for as well.
    out += R"(event: error
data: {"type":"error","sequence_number":)";
    out.append(std::to_string(sequence_number)) += R"(,"code":)";
    append_json_string(out, code.empty() ? "upstream_error" : code);
    out += R"(,"message":)";
    append_json_string(out, message);
    out += R"(,"param":null,"error":)";
    append_openai(out, type.empty() ? openai_error_type(status) : type, code, message);
    out += "}";
  } else {
    out += R"(data: {"error":)";
    append_openai(out, type.empty() ? openai_error_type(status) : type, code, message);
    out += "}";
  }
  out += "\n\n";
}

std::string quoted_error_text(int status, std::string_view body) {
  constexpr std::size_t max_bytes = 4096;
  constexpr std::string_view space = " \t\r\n";
  const auto first = body.find_first_not_of(space);
  if (first == std::string_view::npos)
    return "the upstream answered " + std::to_string(status) + " without a body";
  body = body.substr(first, body.find_last_not_of(space) - first + 1);
  return std::string{body.substr(0, max_bytes)};
}

}  // namespace understudy::translate
