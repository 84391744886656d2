#pragma once
#include <string>
#include <string_view>

namespace understudy::admin {

/// src/admin/page/index.html, compiled in.
extern const std::string_view page_html;

/// Allows the page's own script and style by their hashes, requests to its own origin, and
/// nothing else.
const std::string& page_policy();

}  // namespace understudy::admin
