#pragma once
#include <string>
#include <string_view>

#include <understudy/simulate/report.hpp>

namespace understudy::simulate {

/// Text for the inside of an element or of a quoted attribute.
std::string escaped(std::string_view text);
/// One lane a backend and one for the clients, as an `<svg>` element.
std::string draw_timeline(const report& story);

}  // namespace understudy::simulate
