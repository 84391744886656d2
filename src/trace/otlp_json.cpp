#include <charconv>
#include <cmath>

#include <understudy/codec/json_scan.hpp>

#include "trace/encoders.hpp"

// OTLP/JSON: ids in hexadecimal, 64-bit integers as strings, enumerations as numbers.
namespace understudy::trace {
namespace {

struct json_value_writer {
  std::string& out;
  std::size_t max_bytes;

  void operator()(std::string_view text) const {
    out += R"({"stringValue":)";
    codec::append_json_string(out, cut_text(text, max_bytes));
    out += '}';
  }
  void operator()(bool value) const {
    out.append(R"({"boolValue":)").append(value ? "true" : "false").append("}");
  }
  void operator()(std::int64_t value) const {
    out.append(R"({"intValue":")").append(std::to_string(value)).append("\"}");
  }
  void operator()(double value) const {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, std::isfinite(value) ? value : 0.0);
    out.append(R"({"doubleValue":)").append(text, end.ptr).append("}");
  }
  void operator()(std::span<const std::string> texts) const {
    out += R"({"arrayValue":{"values":[)";
    for (const auto& text : texts) {
      if (&text != texts.data()) out += ',';
      (*this)(std::string_view{text});
    }
    out += "]}}";
  }
};

void put_attributes(std::string& out, const std::vector<attribute>& all, std::size_t max_bytes) {
  out += R"("attributes":[)";
  bool is_first = true;
  for (const auto& a : all) {
    out.append(is_first ? "" : ",").append(R"({"key":)");
    is_first = false;
    codec::append_json_string(out, a.key);
    out += R"(,"value":)";
    std::visit(json_value_writer{out, max_bytes}, a.value);
    out += '}';
  }
  out += ']';
}

void put_events(std::string& out, const span& one, std::size_t max_bytes) {
  out += R"(,"events":[)";
  bool is_first = true;
  for (const auto& e : one.events) {
    out.append(is_first ? "" : ",").append(R"({"timeUnixNano":")");
    is_first = false;
    out.append(std::to_string(e.at)).append(R"(","name":)");
    codec::append_json_string(out, e.name);
    out += ',';
    put_attributes(out, e.attributes, max_bytes);
    out += '}';
  }
  out += ']';
}

}  // namespace

void append_json_span(std::string& out, const span& one, std::size_t max_value_bytes) {
  out.append(R"({"traceId":")").append(to_text(one.trace));
  out.append(R"(","spanId":")").append(to_text(one.id));
  if (one.parent != 0) out.append(R"(","parentSpanId":")").append(to_text(one.parent));
  out += '"';
  if (!one.state.empty()) {
    out += R"(,"traceState":)";
    codec::append_json_string(out, one.state);
  }
  out += R"(,"name":)";
  codec::append_json_string(out, one.name);
  out.append(R"(,"kind":)").append(std::to_string(static_cast<int>(one.kind)));
  out.append(R"(,"startTimeUnixNano":")").append(std::to_string(one.start));
  out.append(R"(","endTimeUnixNano":")").append(std::to_string(one.end)).append(R"(",)");
  put_attributes(out, one.attributes, max_value_bytes);
  if (!one.events.empty()) put_events(out, one, max_value_bytes);
  if (one.is_error) {
    out += R"(,"status":{"code":2)";
    if (!one.message.empty()) {
      out += R"(,"message":)";
      codec::append_json_string(out, one.message);
    }
    out += '}';
  }
  out.append(R"(,"flags":)").append(one.is_parent_remote ? "769" : "257").append("}");
}

std::string json_request(const settings& by, std::string_view batch) {
  std::string out = R"({"resourceSpans":[{"resource":{)";
  out.reserve(batch.size() + 1024);
  std::vector<attribute> resource;
  for (const auto& [key, value] : by.resource) resource.push_back({key, std::string_view{value}});
  put_attributes(out, resource, SIZE_MAX);
  out += R"(},"scopeSpans":[{"scope":{"name":)";
  codec::append_json_string(out, scope_name);
  out += R"(,"version":)";
  codec::append_json_string(out, by.scope_version);
  out.append(R"(},"spans":[)").append(batch).append("]}]}]}");
  return out;
}

std::uint64_t json_rejected(std::string_view answer) {
  const auto partial = codec::find_member(answer, "partialSuccess");
  if (!partial) return 0;
  const auto count = codec::find_member(partial->text, "rejectedSpans");
  if (!count) return 0;
  const auto digits = count->kind == codec::json_kind::string ? count->raw_string() : count->text;
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace understudy::trace
