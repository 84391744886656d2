#pragma once
#include <string_view>

/// What is known of a Claude model by its name (the one that goes upstream, any of the vendors'
/// spellings). A name that says no family and version is taken for a model that takes what every
/// Claude took: nothing is left out, and nothing newer is tried.
/// Sources: Anthropic's pages on effort, structured outputs and migration between versions.
namespace understudy::translate {

struct claude_model {
  bool has_effort = false;  ///< `output_config.effort`
  bool has_schema = false;  ///< `output_config.format` and a tool's `strict`
  /// From 4.7 on a request with `temperature`, `top_p` or `top_k` is refused.
  bool has_sampling = true;
  /// From 4.1 on one of `temperature` and `top_p`, not both.
  bool has_both_samplings = true;
  /// From 5 on thinking is on where nothing is said.
  bool thinks_unasked = false;
};

claude_model claude_model_of(std::string_view name);

}  // namespace understudy::translate
