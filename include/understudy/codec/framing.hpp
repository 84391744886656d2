#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include <understudy/base/result.hpp>
#include <understudy/codec/http.hpp>

/// Strict message framing of HTTP/1.1 (RFC 9110, RFC 9112): what a lenient peer could read in two
/// ways is an error here. Pure functions over heads that a parser has split; any thread.
namespace understudy::codec {

enum class framing_kind : std::uint8_t { none, length, chunked, until_close };

struct body_framing {
  framing_kind kind = framing_kind::none;
  std::uint64_t length = 0;  ///< bytes, of kind `length`; may be 0
  bool operator==(const body_framing&) const = default;
};

enum class head_error : std::uint8_t {
  length_and_transfer_encoding,
  repeated_length,
  invalid_length,
  repeated_transfer_encoding,
  unsupported_transfer_encoding,
  transfer_encoding_in_1_0,
  invalid_version,
  invalid_method,
  invalid_field_name,
  invalid_field_value,
  missing_host,
  repeated_host,
  invalid_host,
  invalid_target,
  unsupported_target_form,
  dot_segment,
  bare_line_feed,
  bare_carriage_return,
  folded_field,
  too_many_connection_options,
};

/// `both Content-Length and Transfer-Encoding`: for the client (400) and the log.
std::string_view describe(head_error error);

using framing_result = base::result<body_framing, head_error>;

/// Never `until_close`.
framing_result request_framing(const request_head& head);
/// `request_method` is that of the request answered: no body follows HEAD, 1xx, 204 and 304.
framing_result response_framing(const response_head& head, std::string_view request_method);

/// A Content-Length value: digits only, at most 2^63 - 1.
std::optional<std::uint64_t> parse_content_length(std::string_view value);

bool is_token(std::string_view text);  ///< RFC 9110 §5.6.2, not empty
/// No control character but tab.
bool is_field_value(std::string_view text);
/// Host or authority: name, IPv4 or bracketed IPv6 address, optional port. No user information.
bool is_authority(std::string_view text);

/// First field whose name or value is malformed.
std::optional<head_error> check_fields(const field_list& fields);
/// True when some field's name holds `_` (which others fold into `-`).
bool has_underscored_name(const field_list& fields);

/// What a parser that splits lines hides: bare CR or LF and folded fields in the bytes of a head
/// (start line to the empty line, inclusive).
std::optional<head_error> check_raw_head(std::string_view head);

enum class target_form : std::uint8_t { origin, absolute, asterisk };

struct request_target {
  target_form form = target_form::origin;
  std::string_view authority;  ///< of the absolute form, else the Host field; empty in HTTP/1.0
  std::string_view path;  ///< with query, no dot segments; `*` for the asterisk form; not empty
};

/// Version, method, fields, Host and target of a request; views point into `head`. In the absolute
/// form the target's authority replaces Host, which must be present and valid all the same.
base::result<request_target, head_error> check_request(const request_head& head);
/// Version and fields.
std::optional<head_error> check_response(const response_head& head);

}  // namespace understudy::codec
