#include <understudy/simulate/render.hpp>

namespace understudy::simulate {
std::string to_html(const report& story) { return to_json(story); }
}  // namespace understudy::simulate
