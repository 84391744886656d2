#pragma once
#include <string>

#include <understudy/simulate/report.hpp>

namespace understudy::simulate {

/// For people: strips, timeline, causes, summary. `is_coloured`: ANSI colours.
std::string to_text(const report& story, bool is_coloured);
/// One JSON object, every row of the timeline in it.
std::string to_json(const report& story);
/// One HTML page with the timeline drawn; needs nothing from outside.
std::string to_html(const report& story);

}  // namespace understudy::simulate
