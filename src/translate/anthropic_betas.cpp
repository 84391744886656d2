#include "translate/anthropic_betas.hpp"

#include <algorithm>
#include <array>

#include <understudy/base/ascii.hpp>

namespace understudy::translate {
namespace {

/// Of the user guide of Bedrock ("Anthropic Claude Messages API", request) and of what gateways in
/// front of it are known to send with success; what is not here Bedrock answers with 400.
constexpr std::array<std::string_view, 22> betas_of_bedrock{
    "compact-2026-01-12",
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "dangerous-tool-use-2026-09-03",
    "dev-full-thinking-2025-05-14",
    "effort-2025-11-24",
    "extended-cache-ttl-2025-04-11",
    "fine-grained-tool-streaming-2025-05-14",
    "interleaved-thinking-2025-05-14",
    "max-tokens-3-5-sonnet-2024-07-15",
    "mid-conversation-output-config-2026-07-01",
    "mid-conversation-tool-changes-2026-07-01",
    "output-128k-2025-02-19",
    "structured-outputs-2025-11-13",
    "thinking-binding-controls-2026-08-01",
    "thinking-display-updates-2026-08-18",
    "token-efficient-tools-2025-02-19",
    "tool-examples-2025-10-29",
    "tool-search-tool-2025-10-19",
};

void add(std::string_view name, claude_betas& out) {
  if (name.empty()) return;
  // The same under its name on the clouds.
  if (name == "advanced-tool-use-2025-11-20") name = "tool-search-tool-2025-10-19";
  const bool is_known = std::ranges::find(betas_of_bedrock, name) != betas_of_bedrock.end();
  if (!is_known)
    out.has_others = true;
  else if (std::ranges::find(out.names, name) == out.names.end())
    out.names.emplace_back(name);
}

}  // namespace

claude_betas bedrock_betas(const codec::field_list* fields) {
  claude_betas out;
  if (fields == nullptr) return out;
  for (const auto& field : *fields) {
    if (!base::iequals(field.name, "anthropic-beta")) continue;
    auto rest = field.value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      add(base::trim(rest.substr(0, comma)), out);
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  }
  return out;
}

}  // namespace understudy::translate
