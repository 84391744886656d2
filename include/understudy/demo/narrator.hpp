#pragma once
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include <understudy/demo/schedule.hpp>

namespace understudy::demo {

/// Turns what happens in the demo into lines for a terminal. Every function may be called from any
/// thread; lines come out whole and one after the other.
class narrator {
 public:
  /// `print` gets a line without its end, never two at a time.
  narrator(std::function<void(std::string_view)> print, bool is_coloured);

  void phase_began(const phase& now);
  /// `length` is nominal: the return waits for the next sweep.
  /// An event of the telemetry room: its kind and its sentence.
  void happened(std::string_view kind, std::string_view text);

 private:
  void say(std::string_view colour, std::string_view label, std::string_view text);

  std::mutex mutex_;
  std::function<void(std::string_view)> print_;
  bool is_coloured_;
};

}  // namespace understudy::demo
