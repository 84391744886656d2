#pragma once
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/demo/schedule.hpp>

namespace understudy::demo {

/// An attempt of a request, in the words of the access log.
struct attempt_story {
  std::string_view backend;
  std::string_view outcome;  ///< `ok`, `status`, `connect_failure` …
  int status = 0;            ///< 0 when no head came
  base::duration elapsed{};
};

struct request_story {
  int status = 0;  ///< what the client got; 0: it left before
  bool is_stream = false;
  base::duration elapsed{};
  std::vector<attempt_story> attempts;
};

/// Turns what happens in the demo into lines for a terminal. Every function may be called from any
/// thread; lines come out whole and one after the other.
class narrator {
 public:
  /// `print` gets a line without its end, never two at a time.
  narrator(std::function<void(std::string_view)> print, bool is_coloured);

  void phase_began(const phase& now);
  /// `length` is nominal: the return waits for the next sweep.
  void ejected(std::string_view backend, base::duration length);
  void returned(std::string_view backend);
  void request_ended(const request_story& story);

 private:
  void say(std::string_view colour, std::string_view label, std::string_view text);

  std::mutex mutex_;
  std::function<void(std::string_view)> print_;
  bool is_coloured_;
};

}  // namespace understudy::demo
