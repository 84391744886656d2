#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <understudy/codec/http.hpp>
#include <understudy/telemetry/header_attributes.hpp>
#include <understudy/trace/propagation.hpp>
#include <understudy/trace/sampler.hpp>

namespace understudy::trace {

/// AI_GATEWAY_TRACING_SEMCONV: whose names the attributes have.
enum class convention : std::uint8_t { openinference, gen_ai };
enum class otlp_protocol : std::uint8_t { http_protobuf, http_json };

/// What of prompts and answers may be in a span. Nothing, unless it is asked for
/// (docs/differences-from-envoy.md).
struct content_rules {
  bool has_inputs = false, has_outputs = false;  ///< asked for
  bool hides_inputs = false, hides_outputs = false;
  bool hides_input_messages = false, hides_output_messages = false;
  bool hides_input_text = false, hides_output_text = false;
  bool hides_parameters = false;
};

/// Everything that the environment says about traces. Immutable once read.
struct settings {
  bool to_otlp = false, to_console = false;

  std::string endpoint;  ///< URL with its path
  otlp_protocol protocol = otlp_protocol::http_protobuf;
  bool is_compressed = false;               ///< gzip
  std::vector<codec::owned_field> headers;  ///< may hold keys: never to be shown
  std::chrono::milliseconds timeout{10'000};

  std::vector<std::pair<std::string, std::string>>
      resource;  ///< attributes, service.name among them
  std::string scope_version;
  sampler sampling;
  propagators formats{propagator::tracecontext};
  convention names = convention::openinference;
  content_rules content;
  telemetry::header_attributes header_attributes;
  std::size_t max_value_bytes = SIZE_MAX;  ///< of a text attribute

  std::size_t max_queue_spans = 2'048, max_batch_spans = 512;
  std::chrono::milliseconds schedule_delay{5'000}, export_timeout{30'000};
};

struct settings_result {
  std::optional<settings> on;  ///< absent: tracing is off
  std::vector<std::string> warnings;
  std::string error;  ///< not empty: the process must not start
};

using telemetry::environment;

/// The OTEL_* variables of OpenTelemetry's specification and AI_GATEWAY_TRACING_SEMCONV
/// (spec/gateway-config.md §5.2). An empty variable is as if unset. `version`: of this program.
settings_result read_settings(const environment& look_up, std::string_view version);

}  // namespace understudy::trace
