#include <bit>

#include <understudy/codec/json_scan.hpp>

#include "trace/encoders.hpp"
#include "trace/protobuf.hpp"

// Field numbers: opentelemetry/proto/{trace,common,resource,collector/trace}/v1.
namespace understudy::trace {
namespace {

using namespace protobuf;  // NOLINT: this file is written in its words

std::string id_bytes(std::uint64_t value) {
  std::string out(8, '\0');
  for (int i = 7; i >= 0; --i, value >>= 8)
    out[static_cast<std::size_t>(i)] = static_cast<char>(value & 0xFFU);
  return out;
}

/// A receiver refuses a whole request for one string that is not UTF-8.
void put_text(std::string& out, unsigned field, std::string_view text) {
  if (codec::is_utf8(text)) return put_bytes(out, field, text);
  std::string clean{text};
  for (char& c : clean)
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  put_bytes(out, field, clean);
}

struct protobuf_value_writer {
  std::string& out;
  std::size_t max_bytes;

  void operator()(std::string_view text) const { put_text(out, 1, cut_text(text, max_bytes)); }
  void operator()(bool value) const { put_number(out, 2, value ? 1 : 0); }
  void operator()(std::int64_t value) const {
    put_number(out, 3, static_cast<std::uint64_t>(value));
  }
  void operator()(double value) const { put_fixed64(out, 4, std::bit_cast<std::uint64_t>(value)); }
  /// ArrayValue{values = 1: AnyValue}.
  void operator()(std::span<const std::string> texts) const {
    std::string list, one;
    for (const auto& text : texts) {
      one.clear();
      protobuf_value_writer{one, max_bytes}(std::string_view{text});
      put_bytes(list, 1, one);
    }
    put_bytes(out, 5, list);
  }
};

/// KeyValue{key = 1, value = 2: AnyValue}.
void put_attribute(std::string& out, unsigned field, const attribute& one, std::size_t max_bytes) {
  std::string value;  // short ones need no memory
  std::visit(protobuf_value_writer{value, max_bytes}, one.value);
  const auto size = 1 + varint_bytes(one.key.size()) + one.key.size() + 1 +
                    varint_bytes(value.size()) + value.size();
  put_tag(out, field, wire::bytes);
  put_varint(out, size);
  put_bytes(out, 1, one.key);
  put_bytes(out, 2, value);
}

void put_event(std::string& out, const span_event& one, std::size_t max_bytes,
               std::string& nested) {
  nested.clear();
  put_fixed64(nested, 1, static_cast<std::uint64_t>(one.at));
  put_text(nested, 2, one.name);
  for (const auto& a : one.attributes) put_attribute(nested, 3, a, max_bytes);
  put_bytes(out, 11, nested);
}

/// Span.flags: the trace flags, and whether the parent is known to be of another process.
std::uint32_t flags_of(const span& one) {
  constexpr std::uint32_t is_sampled = 1, is_known = 0x100, is_remote = 0x200;
  return is_sampled | is_known | (one.is_parent_remote ? is_remote : 0);
}

}  // namespace

void append_protobuf_span(std::string& batch, const span& one, std::size_t max_value_bytes,
                          std::string& body, std::string& nested) {
  body.clear();
  put_bytes(body, 1, id_bytes(one.trace.high) + id_bytes(one.trace.low));
  put_bytes(body, 2, id_bytes(one.id));
  if (!one.state.empty()) put_text(body, 3, one.state);
  if (one.parent != 0) put_bytes(body, 4, id_bytes(one.parent));
  put_text(body, 5, one.name);
  put_number(body, 6, static_cast<std::uint64_t>(one.kind));
  put_fixed64(body, 7, static_cast<std::uint64_t>(one.start));
  put_fixed64(body, 8, static_cast<std::uint64_t>(one.end));
  for (const auto& a : one.attributes) put_attribute(body, 9, a, max_value_bytes);
  for (const auto& e : one.events) put_event(body, e, max_value_bytes, nested);
  if (one.is_error) {
    nested.clear();
    if (!one.message.empty()) put_text(nested, 2, one.message);
    put_number(nested, 3, 2);
    put_bytes(body, 15, nested);
  }
  put_fixed32(body, 16, flags_of(one));
  put_bytes(batch, 2, body);  // ScopeSpans.spans
}

std::string protobuf_request(const settings& by, std::string_view batch) {
  std::string resource;
  for (const auto& [key, value] : by.resource)
    put_attribute(resource, 1, {key, std::string_view{value}}, SIZE_MAX);
  std::string scope;
  put_text(scope, 1, scope_name);
  put_text(scope, 2, by.scope_version);
  std::string scope_spans;
  scope_spans.reserve(batch.size() + 64);
  put_bytes(scope_spans, 1, scope);
  scope_spans.append(batch);
  std::string resource_spans;
  resource_spans.reserve(scope_spans.size() + resource.size() + 16);
  put_bytes(resource_spans, 1, resource);
  put_bytes(resource_spans, 2, scope_spans);
  std::string request;
  put_bytes(request, 1, resource_spans);
  return request;
}

std::uint64_t protobuf_rejected(std::string_view answer) {
  while (const auto outer = take_field(answer)) {
    if (outer->number != 1) continue;
    auto partial = outer->bytes;
    while (const auto inner = take_field(partial))
      if (inner->number == 1) return inner->value;
  }
  return 0;
}

}  // namespace understudy::trace
