#pragma once
#include <understudy/net/resume_slot.hpp>
#include <understudy/net/timer_queue.hpp>

namespace understudy::net {

/// One coroutine's wait for a time of the worker's queue. cancel() ends it early.
class sleeper {
 public:
  explicit sleeper(timer_queue& queue) : timer_{queue, *this} {}

  auto async_wait_until(time_point when) {
    return asio::async_initiate<const await_token, void(error_code)>(
        [this, when](auto handler) {
          slot_.set(std::move(handler));
          timer_.arm(when);
        },
        use_await);
  }

  /// Ends the wait as if its time had come, from the worker's loop.
  void wake() { timer_.arm(time_point{}); }

  void cancel() {
    timer_.disarm();
    if (slot_) slot_(asio::error::operation_aborted);
  }

 private:
  struct timer : timer_queue::entry {
    timer(timer_queue& queue, sleeper& s)
        : entry{queue,
                [](entry& e) {
                  auto& slot = static_cast<timer&>(e).owner.slot_;
                  if (slot) slot({});
                }},
          owner{s} {}
    sleeper& owner;
  };

  resume_slot slot_;
  timer timer_;
};

}  // namespace understudy::net
