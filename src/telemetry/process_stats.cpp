#include "telemetry/process_stats.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iterator>

namespace understudy::telemetry {
namespace {

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

struct memory_pages {
  std::uint64_t size = 0, resident = 0;
};

memory_pages read_memory() {
  memory_pages pages;
  if (std::FILE* file = std::fopen("/proc/self/statm", "re")) {
    unsigned long size = 0;
    unsigned long resident = 0;
    if (std::fscanf(file, "%lu %lu", &size, &resident) == 2) pages = {size, resident};
    std::fclose(file);
  }
  return pages;
}

std::uint64_t count_open_files() {
  std::error_code ec;
  std::filesystem::directory_iterator it{"/proc/self/fd", ec};
  if (ec) return 0;
  std::uint64_t n = 0;
  for (const std::filesystem::directory_iterator end; it != end; it.increment(ec)) {
    if (ec) break;
    ++n;
  }
  return n > 0 ? n - 1 : 0;  // the folder itself is open while it is read
}

}  // namespace

void expose_process(exposition& out, base::wall_time started) {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    out.family("process_cpu_seconds", metric_type::counter, "User and system CPU time.");
    out.sample({}, seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
  }
  const auto pages = read_memory();
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  out.family("process_resident_memory_bytes", metric_type::gauge, "Resident memory.");
  out.sample({}, pages.resident * page_bytes);
  out.family("process_virtual_memory_bytes", metric_type::gauge, "Virtual memory.");
  out.sample({}, pages.size * page_bytes);
  out.family("process_open_fds", metric_type::gauge, "Open file descriptors.");
  out.sample({}, count_open_files());
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    out.family("process_max_fds", metric_type::gauge, "Most file descriptors allowed.");
    out.sample({}, std::uint64_t{files.rlim_cur});
  }
  out.family("process_start_time_seconds", metric_type::gauge, "Start, as Unix time.");
  out.sample({}, static_cast<double>(started.time_since_epoch().count()) / 1e6);
}

const std::string& host_name() {
  static const std::string name = [] {
    char buffer[256] = {};
    return std::string{::gethostname(buffer, sizeof buffer - 1) == 0 ? buffer : ""};
  }();
  return name;
}

}  // namespace understudy::telemetry
