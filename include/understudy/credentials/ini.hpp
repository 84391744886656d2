#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace understudy::credentials {

/// The INI dialect of AWS's shared files: `[section]`, `key = value`, whole-line comments with `#`
/// or `;`, comments after ` #` or ` ;`, indented lines (nested settings) skipped. Keys are lower
/// case; the last of a kind wins. What is neither is skipped, as the SDKs do.
using ini_section = std::map<std::string, std::string, std::less<>>;
using ini_sections = std::map<std::string, ini_section, std::less<>>;

ini_sections parse_ini(std::string_view text);

}  // namespace understudy::credentials
