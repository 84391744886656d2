#pragma once
#include <memory>

#include <understudy/translate/translator.hpp>

/// Makers of the translators, one group a file; the registry's table names them all.
namespace understudy::translate {

using maker = std::unique_ptr<translator> (*)(operation op);

std::unique_ptr<translator> make_verbatim(operation op);
std::unique_ptr<translator> make_passthrough(operation op);
std::unique_ptr<translator> make_openai_to_openai(operation op);
std::unique_ptr<translator> make_openai_to_azure_openai(operation op);
std::unique_ptr<translator> make_openai_to_aws_openai(operation op);
std::unique_ptr<translator> make_anthropic_to_anthropic(operation op);
std::unique_ptr<translator> make_cohere_to_cohere(operation op);
std::unique_ptr<translator> make_chat_completions_openai_to_bedrock(operation op);
std::unique_ptr<translator> make_chat_completions_openai_to_anthropic(operation op);
std::unique_ptr<translator> make_chat_completions_openai_to_gcp_anthropic(operation op);
std::unique_ptr<translator> make_chat_completions_openai_to_aws_anthropic(operation op);
std::unique_ptr<translator> make_messages_anthropic_to_openai(operation op);
std::unique_ptr<translator> make_messages_anthropic_to_gemini(operation op);
std::unique_ptr<translator> make_embeddings_openai_to_bedrock(operation op);
std::unique_ptr<translator> make_embeddings_openai_to_cohere(operation op);
std::unique_ptr<translator> make_embeddings_openai_to_vertex(operation op);
std::unique_ptr<translator> make_rerank_to_bedrock(operation op);
std::unique_ptr<translator> make_rerank_to_cohere(operation op);
std::unique_ptr<translator> make_rerank_to_openai(operation op);
std::unique_ptr<translator> make_count_tokens_to_aws(operation op);
std::unique_ptr<translator> make_count_tokens_to_gcp(operation op);
/// By way of the schema's chat translator; null where it has none.
template <schema Target>
std::unique_ptr<translator> make_tokenize_by_chat(operation op);
template <schema Target>
std::unique_ptr<translator> make_completions_by_chat(operation op);
std::unique_ptr<translator> make_chat_completions_openai_to_gemini(operation op);
std::unique_ptr<translator> make_messages_anthropic_to_bedrock(operation op);
std::unique_ptr<translator> make_messages_to_aws_anthropic(operation op);
std::unique_ptr<translator> make_messages_to_gcp_anthropic(operation op);

/// Responses through a chat at `target`; null where there is none.
std::unique_ptr<translator> make_responses_by_chat(schema target);

}  // namespace understudy::translate
