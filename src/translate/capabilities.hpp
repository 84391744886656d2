#pragma once
#include <optional>
#include <string_view>

#include <understudy/translate/request_features.hpp>

/// What single targets can't carry, in the user's words; would_drop() asks them.
namespace understudy::translate {

/// OpenAI's chat in Gemini's generateContent (gemini_request.hpp says what becomes of the rest).
std::optional<std::string_view> lost_in_gemini(const request_features& features);

}  // namespace understudy::translate
