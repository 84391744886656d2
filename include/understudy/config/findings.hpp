#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace understudy::config {

enum class severity : std::uint8_t { error, warning, info };

/// One thing to tell the user, in the format of spec/interface.md:
/// `FILE:LINE:COLUMN: error|warning: KIND NAMESPACE/NAME: field.path: what is wrong; what to
/// write`.
struct finding {
  severity level = severity::error;
  std::string file;
  int line = 0;         ///< from 1; 0 when there is no position
  int column = 0;       ///< from 1
  std::string object;   ///< `AIGatewayRoute default/provider-fallback`, may be empty
  std::string field;    ///< `spec.rules[0].backendRefs[1].name`, may be empty
  std::string message;  ///< what is wrong; what to write instead
};

std::string to_text(const finding& f);
/// The same as a JSON array of objects (`--output json`).
std::string to_json(const std::vector<finding>& findings);
bool has_error(const std::vector<finding>& findings);

}  // namespace understudy::config
