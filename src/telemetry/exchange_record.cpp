#include <understudy/telemetry/exchange_record.hpp>

namespace understudy::telemetry {

void exchange_record::reset() {
  auto kept_attempts = std::move(attempts);
  auto kept_costs = std::move(costs);
  auto kept_fields = std::move(response_fields);
  auto kept_flags = std::move(flags);
  kept_attempts.clear();
  kept_costs.clear();
  kept_flags.clear();
  *this = {};
  attempts = std::move(kept_attempts);
  costs = std::move(kept_costs);
  response_fields = std::move(kept_fields);
  flags = std::move(kept_flags);
}

/// spec/gateway-config.md §5.1.
std::string_view provider_name(translate::schema s) {
  switch (s) {
    case translate::schema::openai:
      return "openai";
    case translate::schema::azure_openai:
      return "azure.openai";
    case translate::schema::aws_bedrock:
    case translate::schema::aws_openai:
      return "aws.bedrock";
    case translate::schema::aws_anthropic:
      return "aws.anthropic";
    case translate::schema::anthropic:
      return "anthropic";
    case translate::schema::gcp_vertex_ai:
      return "gcp.vertex_ai";
    case translate::schema::gcp_anthropic:
      return "gcp.anthropic";
    case translate::schema::cohere:
      return "cohere";
  }
  return "unknown";
}

std::string_view operation_name(translate::operation op) {
  using translate::operation;
  switch (op) {
    case operation::chat_completions:
      return "chat";
    case operation::completions:
      return "completion";
    case operation::embeddings:
      return "embeddings";
    case operation::responses:
      return "responses";
    case operation::responses_input_tokens:
      return "responses_input_tokens";
    case operation::image_generations:
      return "image_generation";
    case operation::image_edits:
      return "image_edit";
    case operation::image_variations:
      return "image_variation";
    case operation::audio_speech:
      return "speech";
    case operation::audio_transcriptions:
      return "transcription";
    case operation::audio_translations:
      return "translation";
    case operation::moderations:
      return "moderation";
    case operation::rerank:
    case operation::generic_rerank:
      return "rerank";
    case operation::tokenize:
      return "tokenize";
    case operation::messages:
      return "messages";
    case operation::count_tokens:
      return "count_tokens";
    case operation::openai_other:
    case operation::anthropic_other:
    case operation::cohere_other:
    case operation::unknown:
      break;
  }
  return {};
}

}  // namespace understudy::telemetry
