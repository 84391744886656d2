#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/config/position.hpp>

namespace understudy::config {

struct node;
using node_ptr = std::shared_ptr<const node>;

/// One YAML node with its place; environment references in scalars are already replaced.
/// Aliases share the node they name.
struct node {
  enum class kind { null, scalar, sequence, map };
  struct entry {
    std::string key;
    position at;
    node_ptr value;
  };

  kind type = kind::null;
  position at;
  std::string text;
  bool is_plain = false;        ///< a scalar without quotes: may be a number or a boolean
  bool is_substituted = false;  ///< holds text from the environment: never shown
  std::string problem;          ///< of the substitution; told when the scalar is read
  position problem_at;
  std::vector<node_ptr> items;
  std::vector<entry> entries;
  std::size_t weight = 1;  ///< nodes below and itself, aliases counted at each use
};

struct yaml_problem {
  position at;
  std::string message;
  std::optional<std::size_t> document = {};  ///< its index, of a problem that ended nothing
};

struct yaml_result {
  std::vector<node_ptr> documents;  ///< those before the first problem
  std::vector<yaml_problem> problems;
};

using environment_lookup = std::function<std::optional<std::string>(const std::string&)>;

/// Parses every document of a file. Bounded: 8 MiB of text, 64 levels, 200,000 nodes after
/// aliases. A syntax error ends the file with one problem; duplicate keys are one problem each.
/// `file` must outlive the result.
yaml_result parse_yaml(std::string_view file, const std::string& text,
                       const environment_lookup& environment);

}  // namespace understudy::config
