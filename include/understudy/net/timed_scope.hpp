#pragma once
#include <understudy/net/cancel_scope.hpp>
#include <understudy/net/timer_queue.hpp>

namespace understudy::net {

/// A cancel scope with a deadline of its own. Kept from exchange to exchange: its timer stays in
/// the queue, and moving it is an assignment. Pinned in memory.
class timed_scope {
 public:
  explicit timed_scope(timer_queue& timers) : watchdog_{timers, *this} {}

  cancel_scope& scope() { return scope_; }
  void begin() { scope_ = {}; }
  void arm(time_point deadline) { watchdog_.arm(deadline); }
  void disarm() { watchdog_.disarm(); }

 private:
  struct watchdog : timer_queue::entry {
    watchdog(timer_queue& timers, timed_scope& s)
        : entry{timers,
                [](entry& e) {
                  static_cast<watchdog&>(e).owner.scope_.cancel(cancel_reason::deadline);
                }},
          owner{s} {}
    timed_scope& owner;
  };

  cancel_scope scope_;
  watchdog watchdog_;
};

}  // namespace understudy::net
