#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <exception>
#include <memory>

#include <understudy/admin/answer.hpp>
#include <understudy/admin/server.hpp>

namespace understudy::admin {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using executor = asio::io_context::executor_type;
template <class T>
using awaitable = asio::awaitable<T, executor>;
using tcp = asio::ip::tcp;
using tcp_socket = asio::basic_stream_socket<tcp, executor>;
using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, executor>;
/// With Beast's operations `deferred` would copy what they refer to.
inline constexpr auto use_await = asio::as_tuple(asio::use_awaitable_t<executor>{});

/// For co_spawn: an exception that escapes is a bug of ours and must not end the process.
void log_escaped(const std::exception_ptr& thrown);

struct session_shared {
  server_options options;
  hooks asked;
  bool is_ending = false;  ///< answers are the last of their connections
};

/// One connection: requests in turn, or one event stream until it breaks.
class session {
 public:
  session(asio::io_context& context, const session_shared& shared, tcp_socket socket);

  static awaitable<void> run(std::shared_ptr<session> self);
  void stop();

 private:
  awaitable<bool> serve_one();
  awaitable<bool> send(const reply& what, unsigned version, bool is_head, bool is_kept);
  awaitable<void> send_events(const reply& what);
  awaitable<bool> send_text(std::string text);

  asio::io_context& context_;
  const session_shared& shared_;
  std::string client_;
  beast::basic_stream<tcp, executor> stream_;
  beast::flat_buffer buffer_;
  std::shared_ptr<timer> wake_;  ///< an event listener on another thread may outlive the session
  bool is_stopped_ = false;
};

}  // namespace understudy::admin
