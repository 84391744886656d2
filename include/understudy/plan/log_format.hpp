#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <understudy/base/result.hpp>

/// Envoy's access-log format strings, compiled. Pure. What an operator prints is telemetry's.
namespace understudy::plan {

enum class log_operator : std::uint8_t {
  literal,
  request_field,     ///< REQ(name?alternative)
  response_field,    ///< RESP(name?alternative)
  dynamic_metadata,  ///< DYNAMIC_METADATA(io.envoy.ai_gateway:key)
  start_time,
  duration,
  request_duration,
  response_duration,
  bytes_received,
  bytes_sent,
  protocol,
  response_code,
  response_code_details,
  response_flags,
  response_flags_long,
  upstream_host,
  upstream_cluster,
  upstream_attempts,
  upstream_failure,  ///< UPSTREAM_TRANSPORT_FAILURE_REASON
  downstream_remote,
  downstream_local_port,
  downstream_tls,
  route_name,
  requested_host,
  hostname,
  termination_details,  ///< CONNECTION_TERMINATION_DETAILS
  attempts,             ///< UNDERSTUDY(ATTEMPTS): every one of them
  model_asked,          ///< UNDERSTUDY(MODEL_ASKED)
  model_sent,
  model_answered,
  backend,
  error_origin,
  first_content,
  first_byte,
  response_id,
  operation,
  provider,
  listener,
  nothing,  ///< a command of Envoy's that has no meaning here: `-`
};

struct log_segment {
  log_operator what = log_operator::literal;
  std::string text;              ///< literal; name of a field or key, lower case for fields
  std::string alternative;       ///< field to print where the first is absent
  std::uint32_t max_length = 0;  ///< 0: the log's own limit
  std::size_t field = SIZE_MAX;  ///< response_field: its place in log_format::response_fields
  std::size_t alternative_field = SIZE_MAX;

  bool operator==(const log_segment&) const = default;
};

using log_pattern = std::vector<log_segment>;

/// How lines are written.
struct log_format {
  enum class kind : std::uint8_t {
    own_json,  ///< understudy's line: everything, attempts included
    own_text,
    pattern,  ///< a format string
    fields,   ///< a JSON object with a format string a member
  } what = kind::own_json;
  log_pattern pattern;
  std::vector<std::pair<std::string, log_pattern>> fields;
  std::vector<std::string> response_fields;  ///< that it prints; lower case, no two alike

  bool operator==(const log_format&) const = default;
};

struct log_format_failure {
  std::size_t offset = 0;  ///< bytes into the text
  std::string message;
};

/// Adds a pattern; `into` collects the response fields it needs.
base::result<log_pattern, log_format_failure> parse_log_pattern(std::string_view text,
                                                                log_format& into);

/// One output of lines.
struct access_log {
  std::string path;  ///< `/dev/stdout` and `/dev/stderr` are the process's own
  log_format format;

  bool operator==(const access_log&) const = default;
};

}  // namespace understudy::plan
