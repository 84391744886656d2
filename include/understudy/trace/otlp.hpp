#pragma once
#include <string>
#include <string_view>

#include <understudy/trace/settings.hpp>
#include <understudy/trace/span.hpp>

/// OTLP 1.x over HTTP, written by hand: nothing that encodes it is packaged everywhere.
namespace understudy::trace {

/// Appends spans to a batch. A batch is plain bytes; two of them, one behind the other, are one.
class otlp_encoder {
 public:
  /// Text attributes are cut at `max_value_bytes`, between characters.
  explicit otlp_encoder(otlp_protocol protocol, std::size_t max_value_bytes = SIZE_MAX)
      : protocol_{protocol}, max_value_bytes_{max_value_bytes} {}

  void append(std::string& batch, const span& one);

 private:
  otlp_protocol protocol_;
  std::size_t max_value_bytes_;
  std::string body_, nested_;
};

/// The body of one ExportTraceServiceRequest.
std::string otlp_request(const settings& by, std::string_view batch);
std::string_view otlp_content_type(otlp_protocol protocol);

/// How many spans the answer of a collector says it has refused (`partial_success`).
std::uint64_t rejected_spans(otlp_protocol protocol, std::string_view answer);

/// One JSON line of the span, as OTLP/JSON has it.
void append_console_line(std::string& out, const span& one, std::size_t max_value_bytes);

}  // namespace understudy::trace
