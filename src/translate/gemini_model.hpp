#pragma once
#include <string_view>

/// What can be told from the name of a Gemini model.
namespace understudy::translate {

struct gemini_model {
  int major = 0;  ///< 0 where the name doesn't say
  int minor = 0;
  bool is_flash = false;  ///< also flash-lite

  bool is_at_least(int a, int b) const { return major > a || (major == a && minor >= b); }
  /// Takes JSON schemas as they are (`parametersJsonSchema`, `responseJsonSchema`).
  bool has_json_schema() const { return is_at_least(2, 5); }
  /// `thinkingLevel` instead of `thinkingBudget`, and signed function calls.
  bool has_levels() const { return major >= 3; }
};

gemini_model gemini_model_named(std::string_view name);

}  // namespace understudy::translate
