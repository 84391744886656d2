#include "trace/content.hpp"
#include "trace/describe.hpp"
#include "trace/parameters.hpp"

// OpenTelemetry's semantic conventions for generative AI (spec/gateway-config.md §5.2).
namespace understudy::trace::gen_ai {
namespace {

using translate::operation;

/// As spans have it, where one word may stand for several operations of the metrics.
std::string_view operation_name(operation op) {
  switch (op) {
    case operation::chat_completions:
    case operation::messages:
    case operation::responses:
      return "chat";
    case operation::completions:
      return "text_completion";
    default:
      return telemetry::operation_name(op);
  }
}

void set_tokens(span& out, const translate::token_usage& usage) {
  const auto set = [&](std::string_view key, const std::optional<std::uint64_t>& value) {
    if (value) out.set(key, static_cast<std::int64_t>(*value));
  };
  set("gen_ai.usage.input_tokens", usage.input);
  set("gen_ai.usage.output_tokens", usage.output);
  set("gen_ai.usage.cache_read.input_tokens", usage.cached_input);
  set("gen_ai.usage.cache_creation.input_tokens", usage.cache_creation_input);
  set("gen_ai.usage.reasoning.output_tokens", usage.reasoning);
}

}  // namespace

std::string_view span_name(span& out, const exchange_record& record) {
  const auto operation = operation_name(record.op);
  if (operation.empty()) return record.method;
  if (record.model.empty()) return operation;
  return out.keep(std::string{operation} + " " + std::string{record.model});
}

void describe_request(span& out, const request_trace& of, const exchange_record& record,
                      const exchange_bodies& bodies) {
  out.name = span_name(out, record);
  out.set_known("gen_ai.operation.name", operation_name(record.op));
  if (const auto* attempt = record.decisive(); attempt != nullptr && attempt->to != nullptr)
    out.set("gen_ai.provider.name", telemetry::provider_name(attempt->to->schema));
  out.set_known("gen_ai.request.model", record.model);
  set_request_parameters(out, bodies.request);
  out.set_known("gen_ai.response.id", record.response_id.view());
  if (record.answered < record.attempts.size())
    out.set_known("gen_ai.response.model", answering_model(record));
  if (!of.finish_reasons.empty()) out.set("gen_ai.response.finish_reasons", of.finish_reasons);
  set_tokens(out, record.usage);
  add_content(out, of, record, bodies);
}

void describe_attempt(span& out, const exchange_record& record, const attempt_record& attempt) {
  out.set_known("gen_ai.operation.name", operation_name(record.op));
  if (attempt.to != nullptr)
    out.set("gen_ai.provider.name", telemetry::provider_name(attempt.to->schema));
  out.set_known("gen_ai.request.model", attempt.model.empty() ? record.model : attempt.model);
}

}  // namespace understudy::trace::gen_ai
