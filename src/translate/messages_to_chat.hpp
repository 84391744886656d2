#pragma once
#include <memory>

#include <understudy/translate/translator.hpp>

#include "translate/messages_chat_builder.hpp"

/// Anthropic's Messages over anything that serves OpenAI chat completions.
namespace understudy::translate {

/// Asks for a chat completion at the paths of the OpenAI schemas, answers in Anthropic's dialect.
std::unique_ptr<translator> make_messages_to_chat(chat_dialect dialect);

/// The same, with `inner` (of chat completions) behind it; null without one.
std::unique_ptr<translator> make_messages_by_way_of_chat(std::unique_ptr<translator> inner);

}  // namespace understudy::translate
