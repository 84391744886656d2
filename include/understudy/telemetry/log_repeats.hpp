#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/telemetry/log.hpp>

namespace understudy::telemetry::log {

/// Keeps a log readable while the same thing happens a thousand times a second: a message of the
/// same level, room and text is shown again after a second, and while it keeps coming every ten
/// seconds; in between it is counted. Bounded; not thread-safe.
class repeat_filter {
 public:
  static constexpr std::size_t max_messages = 128;
  static constexpr std::chrono::seconds first_window{1}, later_window{10};

  /// A message that was held back `times` times.
  struct summary {
    level at = level::info;
    std::string room, message;
    std::uint64_t times = 0;
  };

  /// True: write it. What was held back of it before comes from due(), which is to be asked first.
  bool lets_through(level at, std::string_view room, std::string_view message,
                    base::time_point now);
  /// Those whose window has ended; all of them where `is_last`.
  std::vector<summary> due(base::time_point now, bool is_last = false);
  /// When due() has something to say at the earliest.
  base::time_point next() const { return next_; }

 private:
  struct entry {
    summary held;
    base::time_point window_end{};
  };

  void forget_old(base::time_point now);

  std::unordered_map<std::string, entry> entries_;
  std::string key_;
  base::time_point next_ = base::time_point::max();
};

/// Writes of the process's log what was held back and is due; all of it where `is_last`. From the
/// control thread's tick; write() does it by the way. Thread-safe.
void tell_repeats(bool is_last = false);

}  // namespace understudy::telemetry::log
