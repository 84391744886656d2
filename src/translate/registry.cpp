#include <algorithm>
#include <array>

#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

using enum operation;

struct operation_entry {
  operation op;
  std::string_view name;
  std::string_view path;
};

constexpr std::array operations{
    operation_entry{chat_completions, "chat_completions", "/v1/chat/completions"},
    operation_entry{completions, "completions", "/v1/completions"},
    operation_entry{embeddings, "embeddings", "/v1/embeddings"},
    operation_entry{responses, "responses", "/v1/responses"},
    operation_entry{responses_input_tokens, "responses_input_tokens", "/v1/responses/input_tokens"},
    operation_entry{image_generations, "image_generations", "/v1/images/generations"},
    operation_entry{image_edits, "image_edits", "/v1/images/edits"},
    operation_entry{image_variations, "image_variations", "/v1/images/variations"},
    operation_entry{audio_speech, "audio_speech", "/v1/audio/speech"},
    operation_entry{audio_transcriptions, "audio_transcriptions", "/v1/audio/transcriptions"},
    operation_entry{audio_translations, "audio_translations", "/v1/audio/translations"},
    operation_entry{moderations, "moderations", "/v1/moderations"},
    operation_entry{rerank, "rerank", "/cohere/v2/rerank"},
    operation_entry{generic_rerank, "generic_rerank", "/v1/rerank"},
    operation_entry{tokenize, "tokenize", "/tokenize"},
    operation_entry{messages, "messages", "/anthropic/v1/messages"},
    operation_entry{count_tokens, "count_tokens", "/anthropic/v1/messages/count_tokens"},
};

/// Of all other paths below these.
constexpr std::array others{
    operation_entry{openai_other, "openai_other", "/v1/"},
    operation_entry{anthropic_other, "anthropic_other", "/anthropic/"},
    operation_entry{cohere_other, "cohere_other", "/cohere/"},
};

struct schema_entry {
  schema id;
  std::string_view name;
};

constexpr std::array schemas{
    schema_entry{schema::openai, "OpenAI"},
    schema_entry{schema::azure_openai, "AzureOpenAI"},
    schema_entry{schema::aws_bedrock, "AWSBedrock"},
    schema_entry{schema::aws_anthropic, "AWSAnthropic"},
    schema_entry{schema::anthropic, "Anthropic"},
    schema_entry{schema::gcp_vertex_ai, "GCPVertexAI"},
    schema_entry{schema::gcp_anthropic, "GCPAnthropic"},
    schema_entry{schema::cohere, "Cohere"},
    schema_entry{schema::aws_openai, "AWSOpenAI"},
};

struct pair_entry {
  operation op;
  schema target;
  maker make;
};

/// All that exists. A new pair is one line here and one file.
constexpr std::array pairs{
    pair_entry{chat_completions, schema::openai, make_openai_to_openai},
    pair_entry{chat_completions, schema::azure_openai, make_openai_to_azure_openai},
    pair_entry{chat_completions, schema::aws_openai, make_openai_to_aws_openai},
    pair_entry{chat_completions, schema::aws_bedrock, make_chat_completions_openai_to_bedrock},
    pair_entry{chat_completions, schema::anthropic, make_chat_completions_openai_to_anthropic},
    pair_entry{chat_completions, schema::gcp_anthropic,
               make_chat_completions_openai_to_gcp_anthropic},
    pair_entry{chat_completions, schema::aws_anthropic,
               make_chat_completions_openai_to_aws_anthropic},
    pair_entry{chat_completions, schema::gcp_vertex_ai, make_chat_completions_openai_to_gemini},
    pair_entry{completions, schema::openai, make_openai_to_openai},
    pair_entry{completions, schema::aws_bedrock, make_completions_by_chat<schema::aws_bedrock>},
    pair_entry{completions, schema::aws_anthropic, make_completions_by_chat<schema::aws_anthropic>},
    pair_entry{completions, schema::anthropic, make_completions_by_chat<schema::anthropic>},
    pair_entry{completions, schema::gcp_anthropic, make_completions_by_chat<schema::gcp_anthropic>},
    pair_entry{completions, schema::gcp_vertex_ai, make_completions_by_chat<schema::gcp_vertex_ai>},
    pair_entry{completions, schema::azure_openai, make_openai_to_azure_openai},
    pair_entry{embeddings, schema::openai, make_openai_to_openai},
    pair_entry{embeddings, schema::azure_openai, make_openai_to_azure_openai},
    pair_entry{embeddings, schema::aws_bedrock, make_embeddings_openai_to_bedrock},
    pair_entry{embeddings, schema::gcp_vertex_ai, make_embeddings_openai_to_vertex},
    pair_entry{embeddings, schema::cohere, make_embeddings_openai_to_cohere},
    pair_entry{responses, schema::openai, make_openai_to_openai},
    pair_entry{responses, schema::azure_openai, make_openai_to_azure_openai},
    pair_entry{responses, schema::aws_openai, make_openai_to_aws_openai},
    pair_entry{responses_input_tokens, schema::openai, make_openai_to_openai},
    pair_entry{responses_input_tokens, schema::azure_openai, make_openai_to_azure_openai},
    pair_entry{image_generations, schema::openai, make_openai_to_openai},
    pair_entry{image_generations, schema::azure_openai, make_openai_to_azure_openai},
    pair_entry{image_edits, schema::openai, make_openai_to_openai},
    pair_entry{image_edits, schema::azure_openai, make_openai_to_azure_openai},
    pair_entry{image_variations, schema::openai, make_openai_to_openai},
    pair_entry{audio_speech, schema::openai, make_openai_to_openai},
    pair_entry{audio_speech, schema::azure_openai, make_openai_to_azure_openai},
    pair_entry{audio_transcriptions, schema::openai, make_openai_to_openai},
    pair_entry{audio_transcriptions, schema::azure_openai, make_openai_to_azure_openai},
    pair_entry{audio_translations, schema::openai, make_openai_to_openai},
    pair_entry{audio_translations, schema::azure_openai, make_openai_to_azure_openai},
    pair_entry{moderations, schema::openai, make_openai_to_openai},
    pair_entry{rerank, schema::cohere, make_cohere_to_cohere},
    pair_entry{rerank, schema::openai, make_rerank_to_openai},
    pair_entry{rerank, schema::aws_bedrock, make_rerank_to_bedrock},
    pair_entry{generic_rerank, schema::openai, make_openai_to_openai},
    pair_entry{generic_rerank, schema::cohere, make_rerank_to_cohere},
    pair_entry{generic_rerank, schema::aws_bedrock, make_rerank_to_bedrock},
    pair_entry{tokenize, schema::openai, make_openai_to_openai},
    pair_entry{tokenize, schema::aws_bedrock, make_tokenize_by_chat<schema::aws_bedrock>},
    pair_entry{tokenize, schema::aws_anthropic, make_tokenize_by_chat<schema::aws_anthropic>},
    pair_entry{tokenize, schema::anthropic, make_tokenize_by_chat<schema::anthropic>},
    pair_entry{tokenize, schema::gcp_anthropic, make_tokenize_by_chat<schema::gcp_anthropic>},
    pair_entry{tokenize, schema::gcp_vertex_ai, make_tokenize_by_chat<schema::gcp_vertex_ai>},
    pair_entry{messages, schema::anthropic, make_anthropic_to_anthropic},
    pair_entry{messages, schema::openai, make_messages_anthropic_to_openai},
    pair_entry{messages, schema::azure_openai, make_messages_anthropic_to_openai},
    pair_entry{messages, schema::aws_openai, make_messages_anthropic_to_openai},
    pair_entry{messages, schema::aws_bedrock, make_messages_anthropic_to_bedrock},
    pair_entry{messages, schema::aws_anthropic, make_messages_to_aws_anthropic},
    pair_entry{messages, schema::gcp_anthropic, make_messages_to_gcp_anthropic},
    pair_entry{messages, schema::gcp_vertex_ai, make_messages_anthropic_to_gemini},
    pair_entry{count_tokens, schema::anthropic, make_anthropic_to_anthropic},
    pair_entry{count_tokens, schema::aws_anthropic, make_count_tokens_to_aws},
    pair_entry{count_tokens, schema::aws_bedrock, make_count_tokens_to_aws},
    pair_entry{count_tokens, schema::gcp_anthropic, make_count_tokens_to_gcp},
    pair_entry{openai_other, schema::openai, make_passthrough},
    pair_entry{anthropic_other, schema::anthropic, make_passthrough},
    pair_entry{cohere_other, schema::cohere, make_passthrough},
};

const pair_entry* pair_of(operation op, schema target) {
  const auto* found = std::ranges::find_if(
      pairs, [&](const pair_entry& entry) { return entry.op == op && entry.target == target; });
  return found == pairs.end() ? nullptr : found;
}

operation other_of(std::string_view path) {
  const auto found = std::ranges::find_if(
      others, [&](const operation_entry& entry) { return path.starts_with(entry.path); });
  return found == others.end() ? unknown : found->op;
}

bool speaks_openai(schema s) {
  return s == schema::openai || s == schema::azure_openai || s == schema::aws_openai;
}

bool speaks_anthropic(schema s) {
  return s == schema::anthropic || s == schema::aws_anthropic || s == schema::gcp_anthropic;
}

}  // namespace

std::string_view name(operation op) {
  const auto found = std::ranges::find(operations, op, &operation_entry::op);
  if (found != operations.end()) return found->name;
  const auto other = std::ranges::find(others, op, &operation_entry::op);
  return other == others.end() ? "unknown" : other->name;
}

std::string_view name(schema s) {
  const auto found = std::ranges::find(schemas, s, &schema_entry::id);
  return found == schemas.end() ? "unknown" : found->name;
}

std::optional<schema> schema_named(std::string_view name) {
  const auto found = std::ranges::find(schemas, name, &schema_entry::name);
  if (found == schemas.end()) return std::nullopt;
  return found->id;
}

operation operation_of(std::string_view target) {
  const auto path = target.substr(0, target.find('?'));
  const auto found = std::ranges::find(operations, path, &operation_entry::path);
  return found == operations.end() ? other_of(path) : found->op;
}

operation operation_of(std::string_view method, std::string_view target) {
  return method == "POST" ? operation_of(target) : other_of(target.substr(0, target.find('?')));
}

bool is_passthrough(operation op) {
  return op == openai_other || op == anthropic_other || op == cohere_other;
}

bool is_anthropic(operation op) {
  return op == messages || op == count_tokens || op == anthropic_other;
}

bool can_serve(operation op, schema target, operation_set served) {
  if (op == unknown) return true;
  const auto asked = upstream_operation(op, target, served);
  if (!served.contains(asked)) return false;
  const bool is_by_chat = op == responses && asked == chat_completions;
  return pair_of(is_by_chat ? asked : op, target) != nullptr;
}

std::unique_ptr<translator> find(operation op, schema target) {
  if (op == unknown) return make_verbatim(op);
  const auto* found = pair_of(op, target);
  if (found != nullptr) return found->make(op);
  return op == responses ? make_responses_by_chat(target) : nullptr;
}

operation upstream_operation(operation op, schema target, operation_set served) {
  if (op == messages) return speaks_anthropic(target) ? op : chat_completions;
  if (op != responses) return op;
  return speaks_openai(target) && served.contains(responses) ? op : chat_completions;
}

std::unique_ptr<translator> find(operation op, schema target, operation_set served) {
  if (op == unknown) return find(op, target);
  const auto asked = upstream_operation(op, target, served);
  if (!served.contains(asked)) return nullptr;
  const bool is_by_chat = op == responses && asked == chat_completions;
  return is_by_chat ? make_responses_by_chat(target) : find(op, target);
}

std::optional<operation> operation_named(std::string_view name) {
  for (int op = 0; op < static_cast<int>(unknown); ++op)
    if (translate::name(static_cast<operation>(op)) == name) return static_cast<operation>(op);
  return std::nullopt;
}

}  // namespace understudy::translate
