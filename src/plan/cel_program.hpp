#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/plan/cel.hpp>

/// What the parser and checker make, and the evaluator runs: a tree in one vector, children before
/// their parents.
namespace understudy::plan::cel {

enum class type : std::uint8_t { int_, uint_, double_, boolean, string };

enum class node_kind : std::uint8_t {
  literal,
  variable,
  negate,
  invert,  ///< !
  add,
  subtract,
  multiply,
  divide,
  modulo,
  equal,
  unequal,
  less,
  less_equal,
  greater,
  greater_equal,
  both,    ///< &&
  either,  ///< ||
  choose,  ///< ?:
  in_list,
  convert,  ///< to `result`
  size_of,
  starts_with,
  ends_with,
  contains,
};

enum class variable_name : std::uint8_t {
  model,
  backend,
  route_name,
  input_tokens,
  cached_input_tokens,
  cache_creation_input_tokens,
  output_tokens,
  total_tokens,
  reasoning_tokens,
};

using node_index = std::uint32_t;
inline constexpr node_index no_node = UINT32_MAX;

struct node {
  node_kind kind = node_kind::literal;
  type result = type::int_;
  variable_name variable = variable_name::model;
  std::int64_t int_value = 0;
  std::uint64_t uint_value = 0;
  double double_value = 0;
  bool bool_value = false;
  std::string text;
  node_index a = no_node, b = no_node, c = no_node;
  std::vector<node_index> list;  ///< in_list: what it may be
};

struct program::impl {
  std::vector<node> nodes;
  node_index root = no_node;
};

std::string_view name(type t);

}  // namespace understudy::plan::cel
