#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include <understudy/daemon/server.hpp>

namespace understudy::daemon {
namespace {

/// cgroup v2 `cpu.max`: "QUOTA PERIOD" or "max PERIOD"; v1 has the two in files.
unsigned quota_cpus() {
  double quota = 0;
  double period = 0;
  if (std::ifstream file{"/sys/fs/cgroup/cpu.max"}) {
    if (!(file >> quota >> period)) return ~0U;  // "max" is no number
  } else {
    std::ifstream quota_file{"/sys/fs/cgroup/cpu/cpu.cfs_quota_us"};
    std::ifstream period_file{"/sys/fs/cgroup/cpu/cpu.cfs_period_us"};
    if (!(quota_file >> quota) || !(period_file >> period)) return ~0U;
  }
  if (quota <= 0 || period <= 0) return ~0U;
  return std::max(1U, static_cast<unsigned>(std::ceil(quota / period)));
}

}  // namespace

unsigned usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const bool is_known = sched_getaffinity(0, sizeof set, &set) == 0;
  const unsigned allowed = is_known ? static_cast<unsigned>(CPU_COUNT(&set)) : 1U;
  return std::max(1U, std::min(allowed, quota_cpus()));
}

}  // namespace understudy::daemon
