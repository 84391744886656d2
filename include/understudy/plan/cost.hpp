#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <understudy/plan/cel.hpp>
#include <understudy/translate/translator.hpp>

namespace understudy::plan {

enum class cost_type : std::uint8_t {
  input_token,
  output_token,
  total_token,
  cached_input_token,
  cache_creation_input_token,
  reasoning_token,
  cel,
};

/// One of `llmRequestCosts` (spec/gateway-config.md §1.8).
struct cost {
  std::string key;  ///< `metadataKey`
  cost_type type = cost_type::total_token;
  std::optional<cel::program> expression;  ///< of type CEL
};

/// Whom a cost is for.
struct cost_subject {
  std::string_view model;  ///< as sent
  std::string_view backend;
  std::string_view route;
};

/// Counts that nobody has told are 0.
base::result<std::uint64_t, cel::fault> evaluate(const cost& what, const cost_subject& whose,
                                                 const translate::token_usage& usage);

}  // namespace understudy::plan
