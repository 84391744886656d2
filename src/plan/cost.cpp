#include <understudy/plan/cost.hpp>

namespace understudy::plan {

base::result<std::uint64_t, cel::fault> evaluate(const cost& what, const cost_subject& whose,
                                                 const translate::token_usage& usage) {
  switch (what.type) {
    case cost_type::input_token:
      return usage.input.value_or(0);
    case cost_type::output_token:
      return usage.output.value_or(0);
    case cost_type::total_token:
      return usage.total.value_or(0);
    case cost_type::cached_input_token:
      return usage.cached_input.value_or(0);
    case cost_type::cache_creation_input_token:
      return usage.cache_creation_input.value_or(0);
    case cost_type::reasoning_token:
      return usage.reasoning.value_or(0);
    case cost_type::cel:
      break;
  }
  if (!what.expression) return std::uint64_t{0};
  cel::variables with;
  with.model = whose.model;
  with.backend = whose.backend;
  with.route_name = whose.route;
  with.input_tokens = usage.input.value_or(0);
  with.cached_input_tokens = usage.cached_input.value_or(0);
  with.cache_creation_input_tokens = usage.cache_creation_input.value_or(0);
  with.output_tokens = usage.output.value_or(0);
  with.total_tokens = usage.total.value_or(0);
  with.reasoning_tokens = usage.reasoning.value_or(0);
  return what.expression->evaluate(with);
}

}  // namespace understudy::plan
