#pragma once
#include <string>
#include <string_view>

#include "config/yaml_tree.hpp"

namespace understudy::config {

/// `${…}` spans of the raw text with every character that means something to YAML replaced by a
/// control byte, so that a reference may stand anywhere, a flow collection included, and positions
/// stay what they are. The text must hold no control bytes of its own.
std::string mask_references(std::string_view text);

/// Undoes mask_references in a piece of text.
std::string unmask(std::string_view text);

struct substitution {
  std::string text;
  bool is_changed = false;  ///< a value came from the environment or a default
  std::string problem;      ///< empty when all went well
  std::string culprit;      ///< the masked span of the problem, to find its place
};

/// Replaces `${NAME}`, `${NAME:-default}` and `${NAME:=default}` in a masked scalar; `$${` stands
/// for a literal `${`. Defaults may hold references themselves.
substitution substitute(std::string_view masked, const environment_lookup& environment);

}  // namespace understudy::config
