#include <understudy/trace/span.hpp>

namespace understudy::trace {

void span::clear() {
  trace = {};
  id = parent = 0;
  is_parent_remote = is_error = false;
  state = name = message = {};
  kind = span_kind::internal;
  start = end = 0;
  attributes.clear();
  events.clear();
  kept_.clear();
}

}  // namespace understudy::trace
