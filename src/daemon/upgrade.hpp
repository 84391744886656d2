#pragma once
#include <sys/types.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <vector>

#include <understudy/base/result.hpp>

#include "daemon/listener_table.hpp"

namespace understudy::daemon {

/// The start of the program as it is on disk now, beside this process, with the sockets that this
/// one listens on: they are passed, not bound again, because a listening socket that closes resets
/// the connections in its queue. At most one at a time. Control thread.
class upgrade {
 public:
  struct listener {
    std::function<void(pid_t)> serves;                     ///< the new process has said so
    std::function<void(const std::string& reason)> fails;  ///< it is gone, all is as before
  };

  explicit upgrade(boost::asio::io_context& context) : told_{context}, limit_{context} {}
  ~upgrade();
  upgrade(const upgrade&) = delete;
  upgrade& operator=(const upgrade&) = delete;

  bool is_running() const { return child_ > 0; }
  /// The new process is ended; the listener hears nothing.
  void cancel();
  /// The error is one line; then the listener hears nothing.
  base::result<pid_t, std::string> start(const std::vector<passed_socket>& sockets, listener who);

 private:
  void await_word();
  void give_up(const std::string& reason);
  void end_child();

  boost::asio::posix::stream_descriptor told_;
  boost::asio::steady_timer limit_;
  std::array<char, 1> word_{};
  pid_t child_ = 0;
  listener listener_;
};

}  // namespace understudy::daemon
