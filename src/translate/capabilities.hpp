#pragma once
#include <optional>
#include <string_view>

#include <understudy/translate/request_features.hpp>

/// What single dialects can't carry, for would_drop().
namespace understudy::translate {

/// OpenAI's legacy completions as a chat (completions_openai_to_chat.cpp).
std::optional<std::string_view> lost_in_chat(const request_features& f);

/// OpenAI's chat in Gemini's generateContent (gemini_request.hpp says what becomes of the rest).
std::optional<std::string_view> lost_in_gemini(const request_features& features);

}  // namespace understudy::translate
