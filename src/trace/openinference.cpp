#include "trace/content.hpp"
#include "trace/describe.hpp"
#include "trace/parameters.hpp"

// OpenInference's names (spec/gateway-config.md §5.2).
namespace understudy::trace::openinference {
namespace {

using translate::operation;

enum class kind : std::uint8_t { llm, embedding, reranker, counter };

kind kind_of(operation op) {
  switch (op) {
    case operation::embeddings:
      return kind::embedding;
    case operation::rerank:
    case operation::generic_rerank:
      return kind::reranker;
    case operation::tokenize:
    case operation::count_tokens:
    case operation::responses_input_tokens:
      return kind::counter;
    default:
      return kind::llm;
  }
}

std::string_view name_of(kind k) {
  switch (k) {
    case kind::embedding:
      return "EMBEDDING";
    case kind::reranker:
      return "RERANKER";
    case kind::counter:
      return "TOKEN_COUNTER";
    case kind::llm:
      break;
  }
  return "LLM";
}

/// The product whose API the client speaks.
std::string_view system_of(operation op) {
  if (translate::is_anthropic(op)) return "anthropic";
  if (op == operation::rerank || op == operation::cohere_other) return "cohere";
  return "openai";
}

/// Who serves it.
std::string_view provider_of(translate::schema s) {
  using translate::schema;
  switch (s) {
    case schema::openai:
      return "openai";
    case schema::azure_openai:
      return "azure";
    case schema::aws_bedrock:
    case schema::aws_anthropic:
    case schema::aws_openai:
      return "aws";
    case schema::gcp_vertex_ai:
    case schema::gcp_anthropic:
      return "google";
    case schema::anthropic:
      return "anthropic";
    case schema::cohere:
      return "cohere";
  }
  return {};
}

void set_tokens(span& out, const translate::token_usage& usage) {
  const auto set = [&](std::string_view key, const std::optional<std::uint64_t>& value) {
    if (value) out.set(key, static_cast<std::int64_t>(*value));
  };
  set("llm.token_count.prompt", usage.input);
  set("llm.token_count.completion", usage.output);
  auto total = usage.total;
  if (!total && usage.input && usage.output) total = *usage.input + *usage.output;
  set("llm.token_count.total", total);
  set("llm.token_count.prompt_details.cache_read", usage.cached_input);
  set("llm.token_count.prompt_details.cache_creation", usage.cache_creation_input);
  set("llm.token_count.completion_details.reasoning", usage.reasoning);
}

}  // namespace

std::string_view span_name(operation op) {
  switch (op) {
    case operation::chat_completions:
      return "ChatCompletion";
    case operation::completions:
      return "Completion";
    case operation::embeddings:
      return "CreateEmbeddings";
    case operation::responses:
      return "Responses";
    case operation::responses_input_tokens:
      return "ResponsesInputTokens";
    case operation::image_generations:
      return "CreateImage";
    case operation::image_edits:
      return "EditImage";
    case operation::image_variations:
      return "CreateImageVariation";
    case operation::audio_speech:
      return "CreateSpeech";
    case operation::audio_transcriptions:
      return "CreateTranscription";
    case operation::audio_translations:
      return "CreateTranslation";
    case operation::moderations:
      return "CreateModeration";
    case operation::rerank:
    case operation::generic_rerank:
      return "Rerank";
    case operation::tokenize:
      return "Tokenize";
    case operation::messages:
      return "Message";
    case operation::count_tokens:
      return "CountTokens";
    case operation::openai_other:
    case operation::anthropic_other:
    case operation::cohere_other:
    case operation::unknown:
      break;
  }
  return {};
}

void describe_request(span& out, const request_trace& of, const exchange_record& record,
                      const exchange_bodies& bodies) {
  const auto name = span_name(record.op);
  if (!name.empty()) out.name = name;
  const auto what = kind_of(record.op);
  out.set("openinference.span.kind", name_of(what));
  out.set("llm.system", system_of(record.op));
  if (const auto* attempt = record.decisive(); attempt != nullptr && attempt->to != nullptr)
    out.set_known("llm.provider", provider_of(attempt->to->schema));
  out.set_known(what == kind::embedding ? "embedding.model_name" : "llm.model_name",
                answering_model(record));
  if (!of.by->content.hides_parameters) {
    auto parameters = invocation_parameters(bodies.request);
    if (!parameters.empty()) out.set("llm.invocation_parameters", out.keep(std::move(parameters)));
  }
  set_tokens(out, record.usage);
  add_content(out, of, record, bodies);
}

void describe_attempt(span& out, const exchange_record& record, const attempt_record& attempt) {
  out.set("openinference.span.kind", "CHAIN");
  if (attempt.to != nullptr) out.set_known("llm.provider", provider_of(attempt.to->schema));
  out.set_known("llm.model_name", attempt.model.empty() ? record.model : attempt.model);
}

}  // namespace understudy::trace::openinference
