#include "translate/anthropic_betas.hpp"

#include <algorithm>
#include <array>

#include <understudy/base/ascii.hpp>

namespace understudy::translate {
namespace {

/// No list of Amazon's own is complete. These stand in the tables of two gateways in front of it
/// (LiteLLM's anthropic_beta_headers_config.json, `bedrock`; new-api's map for AWS) or in the
/// Amazon Bedrock User Guide ("Anthropic Claude Messages API", request and response), as of
/// November 2026. Any other has the whole request answered with 400 "invalid beta flag", which
/// users report of `claude-code`, `extended-cache-ttl` and `structured-outputs`, too. Some models
/// take fewer.
constexpr std::array betas_of_bedrock = std::to_array<std::string_view>({
    "compact-2026-01-12",
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "dangerous-tool-use-2026-09-03",
    "dev-full-thinking-2025-05-14",
    "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14",
    "interleaved-thinking-2025-05-14",
    "mid-conversation-output-config-2026-07-01",
    "mid-conversation-tool-changes-2026-07-01",
    "output-128k-2025-02-19",
    "thinking-binding-controls-2026-08-01",
    "thinking-display-updates-2026-08-18",
    "token-efficient-tools-2025-02-19",
    "tool-examples-2025-10-29",
    "tool-search-tool-2025-10-19",
});

/// They are about members of tools that Converse has none of (Anthropic's documentation, "Tool
/// search tool": on Bedrock through InvokeModel only).
bool is_of_invoke_alone(std::string_view name) {
  return name == "tool-examples-2025-10-29" || name == "tool-search-tool-2025-10-19";
}

void add(std::string_view name, bedrock_api api, claude_betas& out) {
  if (name.empty()) return;
  // The same under its name on the clouds.
  if (name == "advanced-tool-use-2025-11-20") name = "tool-search-tool-2025-10-19";
  const bool is_taken = std::ranges::find(betas_of_bedrock, name) != betas_of_bedrock.end() &&
                        (api == bedrock_api::invoke || !is_of_invoke_alone(name));
  if (!is_taken)
    out.has_others = true;
  else if (std::ranges::find(out.names, name) == out.names.end())
    out.names.emplace_back(name);
}

}  // namespace

claude_betas bedrock_betas(const codec::field_list* fields, bedrock_api api) {
  claude_betas out;
  if (fields == nullptr) return out;
  for (const auto& field : *fields) {
    if (!base::iequals(field.name, "anthropic-beta")) continue;
    auto rest = field.value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      add(base::trim(rest.substr(0, comma)), api, out);
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  }
  return out;
}

}  // namespace understudy::translate
