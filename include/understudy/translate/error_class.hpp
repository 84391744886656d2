#pragma once
#include <cstdint>
#include <string_view>

#include <understudy/translate/translator.hpp>

/// What an upstream's refusal is about, in every provider's words: decides whether another model
/// may do better (`fallbackOn`) and what the request's story says. Semantics: spec/interface.md,
/// FailoverPolicy.
namespace understudy::translate {

enum class error_class : std::uint8_t {
  other,
  context_window_exceeded,  ///< too long for this model, or for its limit: never fits there
  content_policy,           ///< refused by a filter, a guardrail or a safety system
  rate_limited,
  overloaded,
  quota_exhausted,  ///< no credit, or a quota that waiting for seconds does not bring back
  authentication,
  model_not_found,  ///< also: retired, or not open to this account
};

std::string_view name(error_class c);  ///< `context_window_exceeded`

/// How much of a body is looked at. A longer one is judged by its status alone.
inline constexpr std::size_t max_classified_bytes = std::size_t{64} << 10;

/// Classifies an answer by its body as the upstream sent it (identity coding), any bytes.
///
/// Codes and types win over the message's words, and those over the status. A success is `other`
/// unless it holds an error object, or is a Gemini or Bedrock answer that was blocked as a whole.
/// `error_type` is Bedrock's `x-amzn-errortype` field, where its exceptions are named.
error_class classify_error(schema upstream, int status, std::string_view body,
                           std::string_view error_type = {});

}  // namespace understudy::translate
