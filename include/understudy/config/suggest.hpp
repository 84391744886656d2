#pragma once
#include <span>
#include <string>
#include <string_view>

namespace understudy::config {

/// The known name nearest to a misspelt one (edits, case aside), or empty when none is near.
std::string nearest(std::string_view name, std::span<const std::string_view> known);
/// "did you mean `x`?" or "write one of `x`, `y`".
std::string suggestion(std::string_view name, std::span<const std::string_view> known);

}  // namespace understudy::config
