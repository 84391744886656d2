#pragma once
#include <functional>
#include <memory>
#include <vector>

#include <understudy/net/listener.hpp>
#include <understudy/net/listener_place.hpp>
#include <understudy/net/timer_queue.hpp>
#include <understudy/net/types.hpp>

namespace understudy::net {

/// The listening sockets of one worker and the loops that accept from them. A loop that is refused
/// a descriptor, or whose worker has all the connections it may have, pauses and leaves what comes
/// to the kernel's queue. One worker; outlives its loops.
class acceptors {
 public:
  using shared_place = std::shared_ptr<listener_place>;
  struct host {
    std::function<void(socket, const asio::ip::tcp::endpoint&, const shared_place&)> begin;
    std::function<bool()> is_full;  ///< no more connections for now
    std::function<void()> ended;    ///< a loop has; is_idle() may be true now
  };

  acceptors(asio::io_context& context, timer_queue& timers, host h);
  ~acceptors();
  acceptors(const acceptors&) = delete;
  acceptors& operator=(const acceptors&) = delete;

  /// Takes the socket over; accepts from it once started and named by assign().
  void add(const bound_listener& bound);
  /// Tells every listener its place in the newest plan and closes those that have none.
  /// Returns the places whose open connections must end: gone, or between clear text and TLS.
  std::vector<shared_place> assign(const std::vector<worker_listener>& listeners);
  void start();
  void close();
  bool is_idle() const { return loops_ == 0; }

 private:
  struct door;
  void run(const std::shared_ptr<door>& from);
  awaitable<void> accept_loop(std::shared_ptr<door> from);

  asio::io_context& context_;
  timer_queue& timers_;
  host host_;
  std::vector<std::shared_ptr<door>> doors_;
  std::vector<shared_place> places_;
  std::size_t loops_ = 0;
  bool is_started_ = false;
  bool is_failing_ = false;
};

}  // namespace understudy::net
