#include "translate/upstream_error.hpp"

#include <algorithm>
#include <array>

#include <understudy/codec/json_scan.hpp>

#include "translate/converse_helper.hpp"
#include "translate/error_event.hpp"

namespace understudy::translate {
namespace {

std::string string_of(std::string_view object, std::string_view name) {
  const auto found = codec::find_member(object, name);
  if (!found || found->kind != codec::json_kind::string) return {};
  return codec::unescape_json(found->raw_string());
}

std::string first_string_of(std::string_view object,
                            std::initializer_list<std::string_view> names) {
  for (const auto name : names)
    if (auto text = string_of(object, name); !text.empty()) return text;
  return {};
}

/// Google's streaming paths put their one error into a list.
std::string_view inside_list(std::string_view body) {
  const auto begin = body.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || body[begin] != '[') return body;
  codec::json_reader reader{body};
  return reader.next() ? reader.value().text : body;
}

bool is_anthropic_type(std::string_view type) {
  constexpr std::array<std::string_view, 10> known{"invalid_request_error", "authentication_error",
                                                   "billing_error",         "permission_error",
                                                   "not_found_error",       "request_too_large",
                                                   "rate_limit_error",      "timeout_error",
                                                   "overloaded_error",      "api_error"};
  return std::ranges::find(known, type) != known.end();
}

}  // namespace

upstream_error read_upstream_error(const codec::response_head& head, std::string_view body) {
  upstream_error out;
  const auto document = inside_list(body);
  if (const auto error = codec::find_member(document, "error")) {
    out.message = error->kind == codec::json_kind::string
                      ? codec::unescape_json(error->raw_string())
                      : string_of(error->text, "message");
    out.type = first_string_of(error->text, {"status", "type"});
  } else {
    out.message = first_string_of(document, {"message", "Message", "detail"});
    out.type = exception_name(head.fields.find("x-amzn-errortype").value_or(""));
  }
  if (out.message.empty()) out.message = quoted_error_text(head.status, body);
  return out;
}

std::string error_answer(operation op, const codec::response_head& head, std::string_view body) {
  const auto error = read_upstream_error(head, body);
  if (op == operation::rerank) {
    std::string out = R"({"message":)";
    codec::append_json_string(out, error.message);
    return out + "}";
  }
  const bool has_own_type = !is_anthropic(op) || is_anthropic_type(error.type);
  return error_body(op, head.status, has_own_type ? error.type : std::string{},
                    std::to_string(head.status), error.message);
}

}  // namespace understudy::translate
