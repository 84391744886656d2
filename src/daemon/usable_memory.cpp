#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include <understudy/daemon/server.hpp>

namespace understudy::daemon {
namespace {

/// cgroup v2 `memory.max`, or v1's file; "max" is no number.
std::size_t memory_of_group() {
  for (const char* name :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file{name};
    std::size_t bytes = 0;
    if (file >> bytes) return bytes;
  }
  return std::numeric_limits<std::size_t>::max();
}

}  // namespace

std::size_t usable_memory() {
  const auto pages = ::sysconf(_SC_PHYS_PAGES);
  const auto size = ::sysconf(_SC_PAGESIZE);
  const auto machine = pages > 0 && size > 0
                           ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(size)
                           : std::numeric_limits<std::size_t>::max();
  return std::min(machine, memory_of_group());
}

}  // namespace understudy::daemon
