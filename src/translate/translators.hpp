#pragma once
#include <memory>

#include <understudy/translate/translator.hpp>

/// Makers of the translators, one group a file; the registry's table names them all.
namespace understudy::translate {

using maker = std::unique_ptr<translator> (*)(operation op);

std::unique_ptr<translator> make_verbatim(operation op);
std::unique_ptr<translator> make_openai_to_openai(operation op);
std::unique_ptr<translator> make_openai_to_azure_openai(operation op);
std::unique_ptr<translator> make_anthropic_to_anthropic(operation op);
std::unique_ptr<translator> make_cohere_to_cohere(operation op);
std::unique_ptr<translator> make_chat_completions_openai_to_bedrock(operation op);

/// Responses through a chat at `target`; null where there is none.
std::unique_ptr<translator> make_responses_by_chat(schema target);

}  // namespace understudy::translate
