#include <understudy/telemetry/access_log.hpp>

#include "telemetry/log_line.hpp"

namespace understudy::telemetry {
namespace {

using base::text_writer;

constexpr std::size_t max_flags_bytes = 64;

void append_attempt(text_writer& out, const attempt_record& a) {
  out.put(R"({"backend":)");
  put_json(out, a.backend);
  out.put(R"(,"priority":)");
  out.put_number(a.priority);
  if (!a.address.empty()) {
    out.put(R"(,"endpoint":)");
    put_json(out, a.address.view());
  }
  if (!a.model.empty()) {
    out.put(R"(,"model":)");
    put_json(out, a.model);
  }
  out.put(R"(,"outcome":")");
  out.put(name(a.outcome));
  out.put(R"(","status":)");
  out.put_number(a.status);
  out.put(R"(,"start_ms":)");
  put_milliseconds(out, a.start);
  out.put(R"(,"ms":)");
  put_milliseconds(out, a.elapsed);
  if (a.time_to_content.count() != 0) {
    out.put(R"(,"content_ms":)");
    put_milliseconds(out, a.time_to_content);
  }
  if (a.is_reused) out.put(R"(,"reused":true)");
  if (a.is_replayed) out.put(R"(,"replayed":true)");
  if (a.is_hedge) out.put(R"(,"hedge":true)");
  if (a.abandoned_tokens != 0) {
    out.put(R"(,"abandoned_tokens":)");
    out.put_number(a.abandoned_tokens);
  }
  out.put('}');
}

void append_tokens(text_writer& out, const translate::token_usage& usage) {
  const struct {
    const char* key;
    const std::optional<std::uint64_t>& value;
  } all[] = {{"input", usage.input},
             {"output", usage.output},
             {"total", usage.total},
             {"cached_input", usage.cached_input},
             {"cache_creation_input", usage.cache_creation_input},
             {"reasoning", usage.reasoning}};
  bool is_begun = false;
  for (const auto& [key, value] : all) {
    if (!value) continue;
    out.put(is_begun ? ",\"" : R"(,"tokens":{")");
    out.put(key);
    out.put("\":");
    out.put_number(*value);
    is_begun = true;
  }
  if (is_begun) out.put('}');
}

void append_text_attempt(text_writer& out, const attempt_record& a) {
  put_escaped(out, a.backend);
  out.put(' ');
  if (a.status != 0)
    out.put_number(a.status);
  else
    out.put(name(a.outcome));
  if (a.status != 0 && a.outcome != attempt_outcome::ok && a.outcome != attempt_outcome::status) {
    out.put(' ');
    out.put(name(a.outcome));
  }
  out.put(' ');
  out.put_number(a.elapsed.count() / 1'000'000);
  out.put("ms");
}

void append_costs(text_writer& out, const exchange_record& record) {
  if (record.costs.empty()) return;
  char separator = '{';
  out.put(R"(,"costs":)");
  for (const auto& cost : record.costs) {
    out.put(separator);
    put_json(out, cost.key);
    out.put(':');
    out.put_number(cost.value);
    separator = ',';
  }
  out.put('}');
}

}  // namespace

void put_attempts(text_writer& out, const exchange_record& record) {
  out.put('[');
  for (std::size_t i = 0; i < record.attempts.size() && i < access_log::max_attempts; ++i) {
    if (i != 0) out.put(',');
    append_attempt(out, record.attempts[i]);
  }
  out.put(']');
}

line_source access_log::source_of(const exchange_record& record, std::size_t first_field) {
  return {record, time_, first_field, attributes_};
}

void access_log::append_attributes(text_writer& out, const exchange_record& record) const {
  if (record.request_fields == nullptr) return;
  bool is_begun = false;
  for (std::size_t i = 0; i < attributes_->size(); ++i) {
    const auto found = attribute_value(*attributes_, i, *record.request_fields);
    if (found.empty()) continue;
    out.put(is_begun ? "," : R"(,"attributes":{)");
    put_json(out, (*attributes_)[i].attribute);
    out.put(':');
    put_json(out, found);
    is_begun = true;
  }
  if (is_begun) out.put('}');
}

void access_log::append(std::string& out, const exchange_record& record,
                        const plan::log_format& format, std::size_t first_field) {
  text_writer line{out, 1024};
  switch (format.what) {
    case plan::log_format::kind::own_json:
      return append_json_line(line, record);
    case plan::log_format::kind::own_text:
      return append_text_line(line, record);
    case plan::log_format::kind::pattern:
      return put_pattern_line(line, source_of(record, first_field), format);
    case plan::log_format::kind::fields:
      return put_fields_line(line, source_of(record, first_field), format);
  }
}

void access_log::append(std::string& out, const exchange_record& record, log_format format) {
  text_writer line{out, 1024};
  if (format == log_format::json)
    append_json_line(line, record);
  else
    append_text_line(line, record);
}

void access_log::append_json_line(text_writer& out, const exchange_record& record) {
  out.put(R"({"time":")");
  time_.put(out, record.start);
  out.put(R"(","request_id":)");
  put_json_or_null(out, record.request_id);
  out.put(R"(,"method":)");
  put_json_or_null(out, record.method);
  out.put(R"(,"path":)");
  put_json_or_null(out, record.path);
  out.put(R"(,"route":)");
  put_json_or_null(out, record.route);
  out.put(R"(,"model":)");
  put_json_or_null(out, record.model);
  const auto* decisive = record.decisive();
  out.put(R"(,"model_sent":)");
  put_json_or_null(out, decisive == nullptr ? std::string_view{} : decisive->model);
  out.put(R"(,"model_answered":)");
  put_json_or_null(out, record.model_answered.view());
  out.put(R"(,"response_id":)");
  put_json_or_null(out, record.response_id.view());
  out.put(R"(,"status":)");
  out.put_number(record.status);
  out.put(R"(,"origin":)");
  put_json_or_null(out, record.origin == error_origin::none ? "" : name(record.origin));
  out.put(R"(,"details":)");
  put_json_or_null(out, record.details);
  out.put(R"(,"flags":)");
  put_json_or_null(out, record.flags, max_flags_bytes);
  out.put(record.is_stream ? R"(,"stream":true)" : R"(,"stream":false)");
  out.put(R"(,"bytes_received":)");
  out.put_number(record.bytes_received);
  out.put(R"(,"bytes_sent":)");
  out.put_number(record.bytes_sent);
  out.put(R"(,"duration_ms":)");
  put_milliseconds(out, record.elapsed);
  out.put(R"(,"first_byte_ms":)");
  put_milliseconds(out, record.time_to_first_byte);
  if (record.time_to_content.count() != 0) {
    out.put(R"(,"first_content_ms":)");
    put_milliseconds(out, record.time_to_content);
  }
  out.put(R"(,"client":)");
  put_json_or_null(out, record.client_address);
  out.put(R"(,"listener":)");
  put_json_or_null(out, record.listener);
  if (attributes_ != nullptr) append_attributes(out, record);
  append_tokens(out, record.usage);
  append_costs(out, record);
  out.put(R"(,"attempts":)");
  put_attempts(out, record);
  if (record.attempts.size() > max_attempts) {
    out.put(R"(,"attempts_total":)");
    out.put_number(record.attempts.size());
  }
  out.put("}\n");
}

/// `2026-01-02T03:04:05.678Z 200 POST /v1/chat/completions 812ms model=m a 503 3ms > b 200 808ms`
void access_log::append_text_line(text_writer& out, const exchange_record& record) {
  time_.put(out, record.start);
  out.put(' ');
  if (record.status == 0)
    out.put('-');
  else
    out.put_number(record.status);
  out.put(' ');
  put_escaped(out, record.method);
  out.put(' ');
  put_escaped(out, record.path);
  out.put(' ');
  out.put_number(record.elapsed.count() / 1'000'000);
  out.put("ms");
  if (!record.model.empty()) {
    out.put(" model=");
    put_escaped(out, record.model);
  }
  const char* separator = "  ";
  for (std::size_t i = 0; i < record.attempts.size() && i < max_attempts; ++i) {
    out.put(separator);
    append_text_attempt(out, record.attempts[i]);
    separator = " > ";
  }
  if (!record.flags.empty()) {
    out.put(" flags=");
    put_escaped(out, record.flags, max_flags_bytes);
  }
  if (!record.details.empty()) {
    out.put("  (");
    put_escaped(out, record.details);
    out.put(')');
  }
  out.put('\n');
}

}  // namespace understudy::telemetry
