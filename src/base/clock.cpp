#include <understudy/base/clock.hpp>

namespace understudy::base {
namespace {
thread_local simulated_time* installed = nullptr;
}

clock::time_point clock::now() noexcept {
  if (installed != nullptr) return installed->now_;
  return time_point{
      std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

wall_time wall_now() noexcept {
  if (installed != nullptr) return installed->wall_;
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

simulated_time::simulated_time(time_point start, wall_time wall)
    : now_{start}, wall_{wall}, previous_{installed} {
  installed = this;
}

simulated_time::~simulated_time() { installed = previous_; }

void simulated_time::advance_to(time_point t) {
  if (t <= now_) return;
  wall_ += std::chrono::duration_cast<std::chrono::microseconds>(t - now_);
  now_ = t;
}

}  // namespace understudy::base
