#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <understudy/translate/translator.hpp>

/// What the unary and the streamed answers of Claude share on their way to an OpenAI client.
namespace understudy::translate {

/// OpenAI's `finish_reason` of Anthropic's `stop_reason`. Reasons that come to be later are `stop`.
std::string_view finish_reason_of_claude(std::string_view stop_reason);

/// OpenAI's name of the tier in Anthropic's `usage`; empty where it says none.
std::string_view service_tier_of(std::string_view anthropic_tier);

/// Adds up Anthropic's `usage` objects. Those of a stream are cumulative, and a later one may lack
/// what an earlier one told: of each number the greatest counts.
class claude_usage {
 public:
  void take(std::string_view usage_json);
  /// Tokens read from and written to a cache are part of OpenAI's input. Nothing before take().
  token_usage total() const;
  const std::string& service_tier() const { return service_tier_; }  ///< OpenAI's name, or empty

 private:
  std::optional<std::uint64_t> uncached_, output_, cached_, created_, thinking_;
  std::string service_tier_;
};

/// Characters (code points) of the inside of a JSON string, or of plain text without escapes.
std::uint64_t code_points(std::string_view raw, bool has_escapes);

/// Body of an error answer in OpenAI's shape: Anthropic's own, AWS's or Google's, or any text.
std::string claude_error_body(const codec::response_head& head, std::string_view body);

}  // namespace understudy::translate
