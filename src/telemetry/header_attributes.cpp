#include <understudy/telemetry/header_attributes.hpp>

#include <algorithm>

#include <understudy/base/ascii.hpp>

#include "telemetry/log_line.hpp"

namespace understudy::telemetry {
namespace {

constexpr auto base_variable = "OTEL_AIGW_REQUEST_HEADER_ATTRIBUTES";

std::string variable_of(signal_kind of) {
  switch (of) {
    case signal_kind::spans:
      return "OTEL_AIGW_SPAN_REQUEST_HEADER_ATTRIBUTES";
    case signal_kind::metrics:
      return "OTEL_AIGW_METRICS_REQUEST_HEADER_ATTRIBUTES";
    case signal_kind::access_log:
      break;
  }
  return "OTEL_AIGW_LOG_REQUEST_HEADER_ATTRIBUTES";
}

/// Twice the same label would make a page that nobody can read.
bool is_taken_label(std::string_view name) {
  return name.starts_with("__") ||
         base::is_one_of(name, {"le", "error_type", "gen_ai_operation_name", "gen_ai_provider_name",
                                "gen_ai_original_model", "gen_ai_request_model",
                                "gen_ai_response_model", "gen_ai_token_type", "otel_scope_name",
                                "otel_scope_version", "otel_scope_schema_url"});
}

/// What is wrong with one pair; empty: nothing.
std::string fault_of(const header_attribute& one, signal_kind of) {
  if (is_secret_field(one.header))
    return ": `" + one.header + "` holds a secret and can't be shown; leave it out";
  if (of == signal_kind::metrics && is_taken_label(label_name(one.attribute)))
    return ": `" + one.attribute + "` is a label of the metrics already; call it otherwise";
  return {};
}

/// Returns what is wrong with the map.
std::string add(std::string_view map, signal_kind of, header_attributes& into) {
  if (map.empty()) return {};
  const std::string malformed = " is not a list such as `x-session-id:session.id`";
  for (std::size_t at = 0; at <= map.size();) {
    const auto comma = std::min(map.find(',', at), map.size());
    const auto item = map.substr(at, comma - at);
    at = comma + 1;
    const auto colon = item.find(':');
    if (colon == item.npos) return malformed;
    header_attribute one{base::lower(base::trim(item.substr(0, colon))),
                         std::string{base::trim(item.substr(colon + 1))}};
    if (one.header.empty() || one.attribute.empty()) return malformed;
    if (auto fault = fault_of(one, of); !fault.empty()) return fault;
    const auto known = std::ranges::find(into, one.header, &header_attribute::header);
    if (known != into.end())
      known->attribute = std::move(one.attribute);
    else
      into.push_back(std::move(one));
  }
  return {};
}

}  // namespace

header_attributes_result read_header_attributes(const environment& look_up, signal_kind of) {
  const std::string own_variable = variable_of(of);
  const auto general = look_up(base_variable);
  const auto own = look_up(own_variable);
  const std::string default_map =
      of == signal_kind::metrics ? std::string{} : "agent-session-id:session.id";
  header_attributes_result result;
  result.error = add(base::trim(general ? *general : std::string{}), of, result.all);
  if (!result.error.empty()) {
    result.error.insert(0, base_variable);
    return result;
  }
  result.error = add(base::trim(own ? *own : default_map), of, result.all);
  if (!result.error.empty()) result.error.insert(0, own_variable);
  return result;
}

std::string label_name(std::string_view attribute) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string out = !attribute.empty() && is_digit(attribute.front()) ? "key_" : "";
  for (const char c : attribute) {
    const char lower = base::to_lower(c);
    out += (lower >= 'a' && lower <= 'z') || is_digit(c) ? c : '_';
  }
  return out;
}

std::string_view attribute_value(const header_attributes& from, std::size_t number,
                                 const codec::field_list& fields) {
  const auto value = fields.find(from[number].header).value_or(std::string_view{});
  if (value.empty()) return {};
  for (std::size_t i = 0; i < number; ++i)
    if (from[i].attribute == from[number].attribute &&
        !fields.find(from[i].header).value_or(std::string_view{}).empty())
      return {};
  return value;
}

}  // namespace understudy::telemetry
