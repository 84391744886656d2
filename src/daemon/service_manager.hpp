#pragma once
#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "daemon/given_sockets.hpp"

namespace understudy::daemon {

/// Tells systemd what the process is at (`Type=notify`, sd_notify(3)'s protocol): datagrams to
/// $NOTIFY_SOCKET. Without that variable nothing happens. Control thread.
class service_manager {
 public:
  service_manager(boost::asio::io_context& context, const environment& look_up, long own_id);

  void ready(const std::string& status);
  void reloading();
  void stopping(const std::string& status);
  void status(const std::string& text);
  /// Another process of this service serves from now on; this one is not heard any more.
  void hand_over_to(pid_t process);

  /// Half of $WATCHDOG_USEC, where that is meant for this process.
  std::optional<std::chrono::microseconds> watchdog_interval() const { return interval_; }
  /// Asks `check` in every interval; what it is given is called when all is well. One that does not
  /// answer is the last: systemd then ends the process.
  void guard(std::function<void(std::function<void()> is_well)> check);
  void stop();

 private:
  void send(const std::string& message) const;
  void next_check();

  std::string socket_;  ///< empty: nobody listens
  std::optional<std::chrono::microseconds> interval_;
  std::function<void(std::function<void()>)> check_;
  boost::asio::steady_timer timer_;
};

}  // namespace understudy::daemon
