#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <understudy/base/result.hpp>
#include <understudy/demo/schedule.hpp>

namespace understudy::demo {

struct options {
  std::uint16_t primary_port = 0;                    ///< 0: any free one
  std::uint16_t fallback_port = 0;                   ///< 0: any free one
  std::vector<phase> schedule = default_schedule();  ///< empty: healthy until show()
  std::chrono::milliseconds pace{40};                ///< between two pieces of a streamed answer
};

struct ports {
  std::uint16_t primary = 0;
  std::uint16_t fallback = 0;
};

/// Two providers on loopback, cleartext, on a thread of their own: a primary that speaks OpenAI
/// chat completions and fails on a schedule, a fallback that speaks Bedrock Converse and
/// ConverseStream and wants a SigV4 signature to be there. Their answers name who gave them.
class providers {
 public:
  /// `on_phase` is called on the providers' thread, also for the first phase.
  providers(options chosen, std::function<void(const phase&)> on_phase);
  ~providers();  ///< stops
  providers(const providers&) = delete;
  providers& operator=(const providers&) = delete;

  /// Binds both and begins the schedule. Call once. The error is that of the bind.
  base::result<ports> start();

  /// Ends the schedule; the primary behaves so from the next request on. Any thread.
  void show(behaviour what);

  /// Closes everything and joins the thread. Any thread but the providers' own; idempotent.
  void stop();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace understudy::demo
