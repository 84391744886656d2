#pragma once
#include <string>
#include <vector>

#include <understudy/plan/setting.hpp>
#include <understudy/telemetry/story_book.hpp>

namespace understudy::admin {

/// A line of the configuration that had a part in a step.
struct deciding_line {
  std::string_view setting;  ///< as /config names it; `backendRef` for the place in the route
  plan::setting_origin origin;
};

/// A step in words, with what decided it.
struct told_step {
  std::string text;
  std::vector<deciding_line> decided_by;
};

/// What a step is told from: the story so far.
struct story_context {
  const telemetry::request_story& story;
  const proxy::rule_card& card;
  const proxy::story_entry* attempt = nullptr;   ///< that the step is about
  const proxy::story_entry* previous = nullptr;  ///< `attempt`: the one before
  std::string_view cause = {};                   ///< `outcome`: why it failed, in words
};

told_step tell(const proxy::story_entry& step, const story_context& in);
deciding_line line_of(plan::setting s, const proxy::rule_card& card);
std::string duration_text(base::duration d);
std::string_view name(proxy::story_step step);

}  // namespace understudy::admin
