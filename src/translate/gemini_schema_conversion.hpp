#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "translate/json.hpp"

/// The work behind gemini_schema(). Every step returns false after fail().
namespace understudy::translate {

/// About the memory that a copy takes.
std::size_t weight_of_schema(const json& value);

class schema_conversion {
 public:
  /// What references may make of a schema; far more than any API takes.
  static constexpr std::size_t max_bytes = std::size_t{4} << 20;
  static constexpr std::size_t max_depth = 64;

  explicit schema_conversion(const json& root) : root_{root} {}

  bool convert(const json& schema, json& out);
  const std::string& why() const { return why_; }
  bool is_too_large() {
    return bytes_ > max_bytes && !fail("the schema is too large with its references resolved");
  }

 private:
  bool fail(std::string why) {
    why_ = std::move(why);
    return false;
  }
  // gemini_schema.cpp
  const json* target_of(std::string_view reference) const;
  bool convert_reference(const json& schema, std::string_view reference, json& out);
  bool convert_object(const json& schema, json& out);
  void add_plain(const json& schema, json& out);
  bool add_types(const json& schema, json& out);
  // gemini_schema_parts.cpp
  bool add_alternatives(const json& schema, json& out);
  bool add_all_of(const json& schema, json& out);
  bool add_properties(const json& schema, json& out);
  bool add_items(const json& schema, json& out);
  void add_enum(const json& schema, json& out);

  const json& root_;
  std::string why_;
  std::size_t bytes_ = 0;  ///< copied so far
  std::size_t depth_ = 0;
  std::vector<std::string_view> open_references_;
};

inline void make_nullable(json& out) { out["nullable"] = true; }

}  // namespace understudy::translate
