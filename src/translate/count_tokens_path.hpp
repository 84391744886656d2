#pragma once
#include <string>
#include <string_view>

/// Where tokens are counted (spec/gateway-config.md §4.1).
namespace understudy::translate {

/// `/model/M/count-tokens` of Bedrock, which knows base models only: of the name of a cross-region
/// profile (`us.anthropic.claude-…`) the geography is cut off.
std::string bedrock_count_path(std::string_view model);

/// Under the project; the model stands in the body.
inline constexpr std::string_view vertex_anthropic_count_path =
    "publishers/anthropic/models/count-tokens:rawPredict";

/// Counting on Vertex AI refuses the aliases `@default` and `@latest`, which others need.
std::string_view without_alias(std::string_view model);

/// Base64 of an InvokeModel body as CountTokens takes it.
std::string bedrock_count_body(std::string_view invoke_body);

/// `anthropic_version` of the backend, or the provider's only one.
std::string_view bedrock_anthropic_version(std::string_view version);
std::string_view vertex_anthropic_version(std::string_view version);

}  // namespace understudy::translate
