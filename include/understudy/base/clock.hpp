#pragma once
#include <chrono>

namespace understudy::base {

using duration = std::chrono::nanoseconds;

/// The one steady clock. Everything that decides takes a `time_point` as an argument; only the
/// outer rooms call `now()`. A simulated time may be installed per thread (tests, simulator).
struct clock {
  using duration = base::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<clock>;
  static constexpr bool is_steady = true;

  static time_point now() noexcept;
};

using time_point = clock::time_point;

/// Wall-clock time, for dates that leave the process (SigV4, logs). Same simulation hook.
using wall_time = std::chrono::sys_time<std::chrono::microseconds>;
wall_time wall_now() noexcept;

/// While it lives, `clock::now()` and `wall_now()` of this thread read the simulated values.
class simulated_time {
 public:
  simulated_time(time_point start, wall_time wall);
  ~simulated_time();
  simulated_time(const simulated_time&) = delete;
  simulated_time& operator=(const simulated_time&) = delete;

  void advance_to(time_point t);

 private:
  time_point now_;
  wall_time wall_;
  simulated_time* previous_;
  friend struct clock;
  friend wall_time wall_now() noexcept;
};

}  // namespace understudy::base
