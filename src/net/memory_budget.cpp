#include <understudy/net/memory_budget.hpp>

namespace understudy::net {

memory_budget& request_memory() {
  static memory_budget budget{std::numeric_limits<std::size_t>::max()};
  return budget;
}

}  // namespace understudy::net
