#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace understudy::admin {

/// Nothing where a `%` is not followed by two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace understudy::admin
