#pragma once
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "demo/answer.hpp"
#include "demo/asio.hpp"

namespace understudy::demo {

/// An HTTP/1.1 server on loopback for the simulated providers. Everything but the constructor
/// runs on the context's one thread; outlives its sessions, which end when the context has run dry.
class server {
 public:
  using handler = std::function<answer(const question&)>;

  server(asio::io_context& context, handler answers, std::chrono::milliseconds pace);
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Reserves the port for the server's life (0: any free one) and listens on it.
  boost::system::error_code open(std::uint16_t port);
  std::uint16_t port() const { return port_; }

  void listen();  ///< takes connections; nothing happens if it does already
  void refuse();  ///< closes the listening socket and every connection
  void hang(bool is_hanging) { is_hanging_ = is_hanging; }
  void close();  ///< for good

 private:
  struct session {
    explicit session(socket s) : stream{std::move(s)}, pause{stream.get_executor()} {}
    socket stream;
    timer pause;
    std::string input;
  };
  using session_list = std::list<session>;

  task<> accept_loop();
  task<> serve(session_list::iterator at);
  task<bool> converse(session& peer);
  task<std::optional<question>> read_question(session& peer);
  task<bool> send(session& peer, const answer& given, bool is_head_only);
  task<> wait_for_close(session& peer);
  boost::system::error_code try_listen();
  void drop_sessions();

  asio::io_context& context_;
  handler answers_;
  std::chrono::milliseconds pace_;
  socket reservation_;  ///< bound, never listening: keeps the port ours
  acceptor acceptor_;
  session_list sessions_;
  std::uint16_t port_ = 0;
  bool is_hanging_ = false;
};

}  // namespace understudy::demo
