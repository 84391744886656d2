#include <understudy/telemetry/access_log.hpp>

namespace understudy::telemetry {
namespace {

constexpr std::size_t max_flags_bytes = 64;

void append_attempt(std::string& out, const attempt_record& a) {
  out += R"({"backend":)";
  append_json(out, a.backend);
  out += R"(,"priority":)";
  append_number(out, std::uint64_t{a.priority});
  out += R"(,"outcome":")";
  out += name(a.outcome);
  out += R"(","status":)";
  append_number(out, std::int64_t{a.status});
  out += R"(,"ms":)";
  append_milliseconds(out, a.elapsed);
  if (a.is_reused) out += R"(,"reused":true)";
  if (a.is_replayed) out += R"(,"replayed":true)";
  if (a.is_hedge) out += R"(,"hedge":true)";
  if (a.abandoned_tokens != 0) {
    out += R"(,"abandoned_tokens":)";
    append_number(out, a.abandoned_tokens);
  }
  out += '}';
}

void append_tokens(std::string& out, const translate::token_usage& usage) {
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
    out += is_begun ? ",\"" : R"(,"tokens":{")";
    out += key;
    out += "\":";
    append_number(out, *value);
    is_begun = true;
  }
  if (is_begun) out += '}';
}

void append_text_attempt(std::string& out, const attempt_record& a) {
  append_escaped(out, a.backend);
  out += ' ';
  if (a.status != 0)
    append_number(out, std::int64_t{a.status});
  else
    out += name(a.outcome);
  if (a.status != 0 && a.outcome != attempt_outcome::ok && a.outcome != attempt_outcome::status) {
    out += ' ';
    out += name(a.outcome);
  }
  out += ' ';
  append_number(out, std::int64_t{a.elapsed.count() / 1'000'000});
  out += "ms";
}

}  // namespace

void access_log::append(std::string& out, const exchange_record& record, log_format format) {
  if (format == log_format::json)
    append_json_line(out, record);
  else
    append_text_line(out, record);
}

void access_log::append_json_line(std::string& out, const exchange_record& record) {
  out += R"({"time":")";
  time_.append(out, record.start);
  out += R"(","request_id":)";
  append_json_or_null(out, record.request_id);
  out += R"(,"method":)";
  append_json_or_null(out, record.method);
  out += R"(,"path":)";
  append_json_or_null(out, record.path);
  out += R"(,"route":)";
  append_json_or_null(out, record.route);
  out += R"(,"model":)";
  append_json_or_null(out, record.model);
  out += R"(,"status":)";
  append_number(out, std::int64_t{record.status});
  out += R"(,"origin":)";
  append_json_or_null(out, record.origin == error_origin::none ? "" : name(record.origin));
  out += R"(,"details":)";
  append_json_or_null(out, record.details);
  out += R"(,"flags":)";
  append_json_or_null(out, record.flags, max_flags_bytes);
  out += record.is_stream ? R"(,"stream":true)" : R"(,"stream":false)";
  out += R"(,"bytes_received":)";
  append_number(out, record.bytes_received);
  out += R"(,"bytes_sent":)";
  append_number(out, record.bytes_sent);
  out += R"(,"duration_ms":)";
  append_milliseconds(out, record.elapsed);
  out += R"(,"first_byte_ms":)";
  append_milliseconds(out, record.time_to_first_byte);
  out += R"(,"client":)";
  append_json_or_null(out, record.client_address);
  out += R"(,"listener":)";
  append_json_or_null(out, record.listener);
  append_tokens(out, record.usage);
  out += R"(,"attempts":[)";
  for (std::size_t i = 0; i < record.attempts.size() && i < max_attempts; ++i) {
    if (i != 0) out += ',';
    append_attempt(out, record.attempts[i]);
  }
  out += ']';
  if (record.attempts.size() > max_attempts) {
    out += R"(,"attempts_total":)";
    append_number(out, std::uint64_t{record.attempts.size()});
  }
  out += "}\n";
}

/// `2026-01-02T03:04:05.678Z 200 POST /v1/chat/completions 812ms model=m a 503 3ms > b 200 808ms`
void access_log::append_text_line(std::string& out, const exchange_record& record) {
  time_.append(out, record.start);
  out += ' ';
  if (record.status == 0)
    out += '-';
  else
    append_number(out, std::int64_t{record.status});
  out += ' ';
  append_escaped(out, record.method);
  out += ' ';
  append_escaped(out, record.path);
  out += ' ';
  append_number(out, std::int64_t{record.elapsed.count() / 1'000'000});
  out += "ms";
  if (!record.model.empty()) {
    out += " model=";
    append_escaped(out, record.model);
  }
  const char* separator = "  ";
  for (std::size_t i = 0; i < record.attempts.size() && i < max_attempts; ++i) {
    out += separator;
    append_text_attempt(out, record.attempts[i]);
    separator = " > ";
  }
  if (!record.flags.empty()) {
    out += " flags=";
    append_escaped(out, record.flags, max_flags_bytes);
  }
  if (!record.details.empty()) {
    out += "  (";
    append_escaped(out, record.details);
    out += ')';
  }
  out += '\n';
}

}  // namespace understudy::telemetry
