#include <understudy/codec/framing.hpp>

#include <algorithm>
#include <limits>

#include <understudy/codec/headers.hpp>

#include "codec/char_class.hpp"

namespace understudy::codec {

std::string_view describe(head_error error) {
  using enum head_error;
  switch (error) {
    case length_and_transfer_encoding:
      return "both Content-Length and Transfer-Encoding";
    case repeated_length:
      return "more than one Content-Length";
    case invalid_length:
      return "invalid Content-Length";
    case repeated_transfer_encoding:
      return "more than one Transfer-Encoding";
    case unsupported_transfer_encoding:
      return "Transfer-Encoding other than chunked";
    case transfer_encoding_in_1_0:
      return "Transfer-Encoding in HTTP/1.0";
    case invalid_version:
      return "unsupported HTTP version";
    case invalid_method:
      return "invalid method";
    case invalid_field_name:
      return "invalid field name";
    case invalid_field_value:
      return "invalid field value";
    case missing_host:
      return "no Host field";
    case repeated_host:
      return "more than one Host field";
    case invalid_host:
      return "invalid Host field";
    case invalid_target:
      return "invalid request target";
    case unsupported_target_form:
      return "unsupported form of request target";
    case dot_segment:
      return "a `.` or `..` segment in the path; resolve it first";
    case bare_line_feed:
      return "line feed without carriage return";
    case bare_carriage_return:
      return "carriage return without line feed";
    case folded_field:
      return "folded field";
    case too_many_connection_options:
      return "too many Connection options";
  }
  return "invalid head";
}

std::optional<std::uint64_t> parse_content_length(std::string_view value) {
  if (value.empty() || value.size() > 19) return std::nullopt;
  std::uint64_t out = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (out > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return std::nullopt;
  return out;
}

namespace {

/// Framing fields alone; kind `none` when there are none.
framing_result framing_of(const field_list& fields, int version) {
  std::size_t lengths = 0, codings = 0;
  std::string_view length, coding;
  for (const auto& f : fields) {
    if (f.name.size() == 14 && base::iequals(f.name, "content-length")) {
      ++lengths;
      length = f.value;
    } else if (f.name.size() == 17 && base::iequals(f.name, "transfer-encoding")) {
      ++codings;
      coding = f.value;
    }
  }
  if (codings > 0) {
    if (lengths > 0) return head_error::length_and_transfer_encoding;
    if (version < 11) return head_error::transfer_encoding_in_1_0;
    if (codings > 1) return head_error::repeated_transfer_encoding;
    if (!base::iequals(base::trim(coding), "chunked"))
      return head_error::unsupported_transfer_encoding;
    return body_framing{framing_kind::chunked, 0};
  }
  if (lengths == 0) return body_framing{};
  if (lengths > 1) return head_error::repeated_length;
  const auto parsed = parse_content_length(base::trim(length));
  if (!parsed) return head_error::invalid_length;
  return body_framing{framing_kind::length, *parsed};
}

}  // namespace

framing_result request_framing(const request_head& head) {
  return framing_of(head.fields, head.version);
}

framing_result response_framing(const response_head& head, std::string_view request_method) {
  const bool is_bodiless = head.status < 200 || head.status == 204 || head.status == 304;
  if (is_bodiless || request_method == "HEAD") return body_framing{};
  auto framing = framing_of(head.fields, head.version);
  if (framing && framing->kind == framing_kind::none) framing->kind = framing_kind::until_close;
  return framing;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_tchar);
}

bool is_field_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

std::optional<head_error> check_fields(const field_list& fields) {
  if (fields.is_checked()) return std::nullopt;
  for (const auto& [name, value] : fields) {
    if (!is_token(name)) return head_error::invalid_field_name;
    if (!is_field_value(value)) return head_error::invalid_field_value;
  }
  return std::nullopt;
}

bool has_underscored_name(const field_list& fields) {
  return std::ranges::any_of(
      fields, [](const field& f) { return f.name.find('_') != std::string_view::npos; });
}

std::optional<head_error> check_raw_head(std::string_view head) {
  std::size_t i = 0;
  while ((i = head.find_first_of("\r\n", i)) != std::string_view::npos) {
    if (head[i] == '\n') return head_error::bare_line_feed;
    if (i + 1 == head.size() || head[i + 1] != '\n') return head_error::bare_carriage_return;
    i += 2;
    if (i < head.size() && (head[i] == ' ' || head[i] == '\t')) return head_error::folded_field;
  }
  return std::nullopt;
}

std::optional<head_error> check_response(const response_head& head) {
  if (head.version != 10 && head.version != 11) return head_error::invalid_version;
  return check_fields(head.fields);
}

}  // namespace understudy::codec
