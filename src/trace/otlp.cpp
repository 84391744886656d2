#include <understudy/trace/otlp.hpp>

#include "trace/encoders.hpp"

namespace understudy::trace {

std::string_view cut_text(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  std::size_t end = max_bytes;
  while (end != 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

void otlp_encoder::append(std::string& batch, const span& one) {
  if (protocol_ == otlp_protocol::http_protobuf)
    return append_protobuf_span(batch, one, max_value_bytes_, body_, nested_);
  batch += ',';
  append_json_span(batch, one, max_value_bytes_);
}

std::string otlp_request(const settings& by, std::string_view batch) {
  if (by.protocol == otlp_protocol::http_protobuf) return protobuf_request(by, batch);
  if (!batch.empty()) batch.remove_prefix(1);
  return json_request(by, batch);
}

std::string_view otlp_content_type(otlp_protocol protocol) {
  return protocol == otlp_protocol::http_protobuf ? "application/x-protobuf" : "application/json";
}

std::uint64_t rejected_spans(otlp_protocol protocol, std::string_view answer) {
  return protocol == otlp_protocol::http_protobuf ? protobuf_rejected(answer)
                                                  : json_rejected(answer);
}

void append_console_line(std::string& out, const span& one, std::size_t max_value_bytes) {
  append_json_span(out, one, max_value_bytes);
  out += '\n';
}

}  // namespace understudy::trace
