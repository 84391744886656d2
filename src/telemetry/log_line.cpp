#include "telemetry/log_line.hpp"

#include <algorithm>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/headers.hpp>
#include <understudy/telemetry/access_log.hpp>

#include "telemetry/process_stats.hpp"

namespace understudy::telemetry {
namespace {

using base::text_writer;
using plan::log_operator;
using plan::log_segment;

constexpr std::string_view redacted = "[redacted]";

/// What a command stands for: text, a number, JSON, or nothing.
struct value {
  enum class kind : std::uint8_t {
    absent,
    text,
    number,
    milliseconds,
    time,
    attempts
  } what = kind::absent;
  std::string_view text;
  std::uint64_t number = 0;
  base::duration length{};
};

value text_value(std::string_view text) {
  if (text.empty()) return {};
  return {value::kind::text, text, 0, {}};
}
value number_value(std::uint64_t n) { return {value::kind::number, {}, n, {}}; }
value number_value(const std::optional<std::uint64_t>& n) { return n ? number_value(*n) : value{}; }
/// Whole milliseconds, as Envoy prints durations.
value whole_milliseconds(base::duration d) {
  return number_value(static_cast<std::uint64_t>(std::max<std::int64_t>(d.count(), 0)) / 1'000'000);
}

value request_field(const exchange_record& r, std::string_view name) {
  if (name.starts_with(':')) {
    if (name == ":method") return text_value(r.method);
    // Without the query, which may hold a key.
    if (name == ":path") return text_value(r.path);
    if (name == ":authority") return text_value(r.authority);
    if (name == ":scheme") return text_value(r.is_tls ? "https" : "http");
    return {};
  }
  if (name == "x-request-id") return text_value(r.request_id);
  if (name == "x-ai-eg-model") return text_value(r.model);
  if (name == "x-envoy-original-path") return text_value(r.path);
  if (name == "host") return text_value(r.authority);
  if (r.request_fields == nullptr) return {};
  const auto found = r.request_fields->find(name);
  if (!found) return {};
  return text_value(is_secret_field(name) ? redacted : *found);
}

value response_field(const line_source& from, const log_segment& s, bool is_alternative) {
  const auto& name = is_alternative ? s.alternative : s.text;
  const auto index = is_alternative ? s.alternative_field : s.field;
  if (name == ":status")
    return from.record.status == 0 ? value{}
                                   : number_value(static_cast<std::uint64_t>(from.record.status));
  if (name == "x-request-id") return text_value(from.record.request_id);
  const auto& fields = from.record.response_fields;
  if (from.first_field == exchange_record::no_field || index >= fields.size() ||
      from.first_field + index >= fields.size())
    return {};
  const auto& found = fields[from.first_field + index];
  if (found.empty()) return {};
  return text_value(is_secret_field(name) ? redacted : std::string_view{found});
}

value mapped_attribute(const line_source& from, std::string_view key) {
  if (from.attributes == nullptr || from.record.request_fields == nullptr) return {};
  const auto& all = *from.attributes;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].attribute == key)
      if (const auto found = attribute_value(all, i, *from.record.request_fields); !found.empty())
        return text_value(found);
  return {};
}

/// Keys of the namespace `io.envoy.ai_gateway` (spec/gateway-config.md §5.3), and costs.
value metadata(const line_source& from, std::string_view key) {
  const auto& r = from.record;
  for (const auto& cost : r.costs)
    if (cost.key == key) return number_value(cost.value);
  const auto* a = r.decisive();
  const auto* to = a == nullptr ? nullptr : a->to;
  if (key == "backend_name") return text_value(to == nullptr ? std::string_view{} : to->id);
  if (key == "ai_service_backend_name")
    return text_value(to == nullptr ? std::string_view{} : to->full_name);
  if (key == "model_name_override") return text_value(a == nullptr ? std::string_view{} : a->model);
  if (key == "route_name") return text_value(r.route);
  if (key == "response_model") return text_value(r.model_answered.view());
  if (key == "content_length") return number_value(r.bytes_received);
  if (key == "token_latency_ttft")
    return a == nullptr || !r.is_stream || a->time_to_content.count() == 0
               ? value{}
               : whole_milliseconds(a->time_to_content);
  if (key == "token_latency_itl") {
    const auto output = r.usage.output.value_or(0);
    if (a == nullptr || !r.is_stream || a->time_to_content.count() == 0 || output < 2) return {};
    return whole_milliseconds((a->elapsed - a->time_to_content) /
                              static_cast<std::int64_t>(output - 1));
  }
  // What Agent Router's own default format asks for.
  if (key == "llm_input_token") return number_value(r.usage.input);
  if (key == "llm_output_token") return number_value(r.usage.output);
  if (key == "llm_total_token") return number_value(r.usage.total);
  if (key == "llm_cached_input_token") return number_value(r.usage.cached_input);
  if (key == "llm_cache_creation_input_token") return number_value(r.usage.cache_creation_input);
  if (key == "llm_reasoning_token") return number_value(r.usage.reasoning);
  return mapped_attribute(from, key);
}

std::string_view long_flag(std::string_view flags) {
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"UH", "NoHealthyUpstream"},
      {"UF", "UpstreamConnectionFailure"},
      {"UO", "UpstreamOverflow"},
      {"NR", "NoRouteFound"},
      {"URX", "UpstreamRetryLimitExceeded"},
      {"UT", "UpstreamRequestTimeout"},
      {"UC", "UpstreamConnectionTermination"},
      {"UPE", "UpstreamProtocolError"},
      {"DC", "DownstreamConnectionTermination"},
      {"SI", "StreamIdleTimeout"}};
  for (const auto& [flag, name] : names)
    if (flag == flags) return name;
  return flags;
}

value upstream_value(const exchange_record& r, log_operator what) {
  const auto* a = r.decisive();
  if (what == log_operator::upstream_attempts) return number_value(r.attempts.size());
  if (what == log_operator::upstream_cluster)
    return text_value(r.matched == nullptr ? std::string_view{} : r.matched->name);
  if (a == nullptr) return {};
  switch (what) {
    case log_operator::upstream_host:
      return text_value(a->address.view());
    case log_operator::upstream_failure:
      return a->outcome == attempt_outcome::connect_failure ||
                     a->outcome == attempt_outcome::connect_timeout ||
                     a->outcome == attempt_outcome::local_shortage
                 ? text_value(name(a->outcome))
                 : value{};
    case log_operator::model_sent:
      return text_value(a->model);
    case log_operator::backend:
      return text_value(a->backend);
    case log_operator::provider:
      return a->to == nullptr || !r.is_ai ? value{} : text_value(provider_name(a->to->schema));
    default:
      return {};
  }
}

value exchange_value(const exchange_record& r, log_operator what) {
  switch (what) {
    case log_operator::start_time:
      return {value::kind::time, {}, 0, {}};
    case log_operator::attempts:
      return {value::kind::attempts, {}, 0, {}};
    case log_operator::duration:
      return whole_milliseconds(r.elapsed);
    case log_operator::request_duration:
      return number_value(std::uint64_t{0});  // measured from the complete request
    case log_operator::response_duration:
    case log_operator::first_byte:
      return r.status == 0 ? value{} : whole_milliseconds(r.time_to_first_byte);
    case log_operator::first_content:
      return r.time_to_content.count() == 0 ? value{} : whole_milliseconds(r.time_to_content);
    case log_operator::bytes_received:
      return number_value(r.bytes_received);
    case log_operator::bytes_sent:
      return number_value(r.bytes_sent);
    case log_operator::protocol:
      return text_value(r.version == 10 ? "HTTP/1.0" : "HTTP/1.1");
    case log_operator::response_code:
      return number_value(static_cast<std::uint64_t>(std::max(r.status, 0)));
    case log_operator::response_code_details:
      return text_value(!r.details.empty() ? r.details
                        : r.status == 0    ? std::string_view{}
                                           : "via_upstream");
    case log_operator::termination_details:
      return r.origin == error_origin::none ? value{} : text_value(r.details);
    case log_operator::response_flags:
      return text_value(r.flags);
    case log_operator::response_flags_long:
      return text_value(long_flag(r.flags));
    case log_operator::downstream_remote:
      return text_value(r.client_address);
    case log_operator::route_name:
      return text_value(r.route);
    case log_operator::requested_host:
      return text_value(r.authority);
    case log_operator::hostname:
      return text_value(host_name());
    case log_operator::model_asked:
      return text_value(r.model);
    case log_operator::model_answered:
      return text_value(r.model_answered.view());
    case log_operator::response_id:
      return text_value(r.response_id.view());
    case log_operator::error_origin:
      return r.origin == error_origin::none ? value{} : text_value(name(r.origin));
    case log_operator::operation:
      return text_value(operation_name(r.op));
    case log_operator::listener:
      return text_value(r.listener);
    default:
      return upstream_value(r, what);
  }
}

value value_of(const line_source& from, const log_segment& s) {
  switch (s.what) {
    case log_operator::literal:
      return text_value(s.text);
    case log_operator::request_field: {
      const auto first = request_field(from.record, s.text);
      return first.what != value::kind::absent || s.alternative.empty()
                 ? first
                 : request_field(from.record, s.alternative);
    }
    case log_operator::response_field: {
      const auto first = response_field(from, s, false);
      return first.what != value::kind::absent || s.alternative.empty()
                 ? first
                 : response_field(from, s, true);
    }
    case log_operator::dynamic_metadata:
      return metadata(from, s.text);
    default:
      return exchange_value(from.record, s.what);
  }
}

/// In a line of text, or inside a JSON string: both want the same escapes.
void put_text(text_writer& out, const line_source& from, const log_segment& s, const value& v) {
  switch (v.what) {
    case value::kind::absent:
      return out.put('-');
    case value::kind::text: {
      const std::size_t limit = s.max_length == 0 ? max_text_bytes : s.max_length;
      return put_escaped(out, s.max_length == 0 ? v.text : v.text.substr(0, limit), limit);
    }
    case value::kind::number:
      return out.put_number(v.number);
    case value::kind::milliseconds:
      return put_milliseconds(out, v.length);
    case value::kind::time:
      return from.time.put(out, from.record.start);
    case value::kind::attempts:
      return put_attempts(out, from.record);
  }
}

void put_literal(text_writer& out, const log_segment& s) { out.put(std::string_view{s.text}); }

void put_json_value(text_writer& out, const line_source& from, const plan::log_pattern& pattern) {
  // A command alone keeps its type; an absent value is null.
  if (pattern.size() == 1 && pattern.front().what != log_operator::literal) {
    const auto& only = pattern.front();
    const auto v = value_of(from, only);
    switch (v.what) {
      case value::kind::absent:
        return out.put("null");
      case value::kind::number:
      case value::kind::milliseconds:
      case value::kind::attempts:
        return put_text(out, from, only, v);
      case value::kind::text:
      case value::kind::time:
        break;
    }
    out.put('"');
    put_text(out, from, only, v);
    return out.put('"');
  }
  out.put('"');
  for (const auto& s : pattern) {
    const auto v = value_of(from, s);
    // Attempts inside a longer text would need escapes of their own.
    if (v.what == value::kind::attempts)
      out.put_number(from.record.attempts.size());
    else if (s.what == log_operator::literal)
      put_escaped(out, s.text, s.text.size());
    else
      put_text(out, from, s, v);
  }
  out.put('"');
}

}  // namespace

bool is_secret_field(std::string_view name) {
  if (codec::kind_of(name) == codec::field_kind::credential) return true;
  for (const std::string_view secret :
       {"cookie", "set-cookie", "proxy-authorization", "x-goog-api-key", "x-amz-security-token",
        "x-auth-token", "x-csrf-token", "x-amz-signature", "ocp-apim-subscription-key"})
    if (base::iequals(name, secret)) return true;
  return base::istarts_with(name, "x-aigw-");
}

void put_pattern_line(text_writer& out, const line_source& from, const plan::log_format& format) {
  for (const auto& s : format.pattern)
    if (s.what == log_operator::literal)
      put_literal(out, s);
    else
      put_text(out, from, s, value_of(from, s));
  out.put('\n');
}

void put_fields_line(text_writer& out, const line_source& from, const plan::log_format& format) {
  char separator = '{';
  for (const auto& [name, pattern] : format.fields) {
    out.put(separator);
    put_json(out, name);
    out.put(':');
    put_json_value(out, from, pattern);
    separator = ',';
  }
  out.put(format.fields.empty() ? "{}\n" : "}\n");
}

}  // namespace understudy::telemetry
