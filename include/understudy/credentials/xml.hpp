#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace understudy::credentials {

/// Path of element names (`A/B/C`) to text.
using xml_leaves = std::map<std::string, std::string, std::less<>>;

/// The elements of a small XML document that hold text and no elements; the first of a path wins.
/// Strict: nothing for what is not well formed, and for what AWS's services never write: document
/// types, CDATA, processing instructions inside, more than 16 levels. Attributes are read over.
std::optional<xml_leaves> read_xml(std::string_view text);

}  // namespace understudy::credentials
