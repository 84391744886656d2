#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <string>

#include <understudy/admin/hooks.hpp>
#include <understudy/base/result.hpp>

namespace understudy::admin {

struct server_options {
  boost::asio::ip::tcp::endpoint address;  ///< port 0: any free one
  std::string token;  ///< required off loopback; demanded of every request where not empty
  std::size_t max_connections = 64;
  std::chrono::milliseconds request_timeout{10'000};  ///< also the idle limit between requests
  int listening = -1;  ///< a socket that listens on the address already; taken over
  std::chrono::milliseconds heartbeat{15'000};  ///< comment on a quiet event stream
};

/// One line for each action, with who asked for it: the usual `hooks::audit`.
void log_audit(const audit_entry& entry);

/// The admin listener on the control thread's io_context; all members on that thread.
class server {
 public:
  server(boost::asio::io_context& context, server_options options, hooks h);
  /// As stop().
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Binds and begins to accept. The error says why not.
  base::result<void, std::string> start();
  boost::asio::ip::tcp::endpoint local_endpoint() const;
  int listening_descriptor() const;  ///< the server's
  /// Another process accepts from the socket now: connections end with their next answer.
  void hand_over();
  /// Closes the listener and every connection.
  void stop();

 private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

}  // namespace understudy::admin
