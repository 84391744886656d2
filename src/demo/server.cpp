#include "demo/server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdio>

namespace understudy::demo {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t read_bytes = 16 * 1024;
constexpr std::chrono::milliseconds accept_pause{100};
constexpr std::uint64_t max_body_bytes = 64ULL * 1024 * 1024;

/// An exception that leaves a session is a bug: it ends the process loudly.
void rethrow(std::exception_ptr failure) {
  if (failure) std::rethrow_exception(failure);
}

std::string head_text(const answer& given) {
  std::string text = "HTTP/1.1 " + std::to_string(given.status) + " ";
  text += http::obsolete_reason(static_cast<http::status>(given.status));
  text += "\r\n";
  for (const auto& f : given.fields) text += f.name + ": " + f.value + "\r\n";
  if (given.is_stream) return text + "transfer-encoding: chunked\r\n\r\n";
  std::size_t length = 0;
  for (const auto& piece : given.pieces) length += piece.size();
  return text + "content-length: " + std::to_string(length) + "\r\n\r\n";
}

std::string chunk(std::string_view piece) {
  char size[20];
  const int n = std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
  std::string text{size, static_cast<std::size_t>(n)};
  text += piece;
  return text + "\r\n";
}

}  // namespace

server::server(asio::io_context& context, handler answers, std::chrono::milliseconds pace)
    : context_{context},
      answers_{std::move(answers)},
      pace_{pace},
      reservation_{context.get_executor()},
      acceptor_{context.get_executor()} {}

error_code server::open(std::uint16_t port) {
  error_code ec;
  reservation_.open(tcp::v4(), ec);
  if (!ec) reservation_.set_option(asio::socket_base::reuse_address{true}, ec);
  if (!ec) reservation_.bind({asio::ip::address_v4::loopback(), port}, ec);
  if (!ec) port_ = reservation_.local_endpoint(ec).port();
  if (!ec) ec = try_listen();
  return ec;
}

error_code server::try_listen() {
  error_code ec;
  acceptor_.open(tcp::v4(), ec);
  if (!ec) acceptor_.set_option(asio::socket_base::reuse_address{true}, ec);
  if (!ec) acceptor_.bind({asio::ip::address_v4::loopback(), port_}, ec);
  if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) {
    error_code ignored;
    acceptor_.close(ignored);
    return ec;
  }
  asio::co_spawn(context_.get_executor(), accept_loop(), rethrow);
  return ec;
}

void server::listen() {
  if (!acceptor_.is_open()) static_cast<void>(try_listen());
}

void server::refuse() {
  error_code ignored;
  acceptor_.close(ignored);
  drop_sessions();
}

void server::close() {
  refuse();
  error_code ignored;
  reservation_.close(ignored);
}

void server::drop_sessions() {
  for (auto& s : sessions_) {
    error_code ignored;
    s.stream.close(ignored);
    s.pause.cancel();
  }
}

task<> server::accept_loop() {
  // A closed and reopened acceptor ends this loop (its accept is cancelled) and starts another.
  for (;;) {
    auto accepted = co_await acceptor_.async_accept(as_result);
    auto& [ec, stream] = accepted;
    if (ec == asio::error::operation_aborted || !acceptor_.is_open()) co_return;
    if (ec) {  // out of descriptors: try again soon, not at once
      timer pause{context_.get_executor(), accept_pause};
      co_await pause.async_wait(as_result);
      continue;
    }
    error_code ignored;
    stream.set_option(tcp::no_delay{true}, ignored);
    sessions_.emplace_front(std::move(stream));
    asio::co_spawn(context_.get_executor(), serve(sessions_.begin()), rethrow);
  }
}

task<> server::serve(session_list::iterator at) {
  // Not `while (co_await …)`: g++ 12 miscompiles a co_await with arguments in a while condition.
  for (bool goes_on = true; goes_on;) goes_on = co_await converse(*at);
  sessions_.erase(at);
}

/// One request and its answer. False: the connection is over.
task<bool> server::converse(session& peer) {
  const auto asked = co_await read_question(peer);
  if (!asked) co_return false;
  if (is_hanging_) {
    co_await wait_for_close(peer);
    co_return false;
  }
  const auto given = answers_(*asked);
  co_return co_await send(peer, given, asked->method == "HEAD");
}

task<std::optional<question>> server::read_question(session& peer) {
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  parser.body_limit(max_body_bytes);
  for (;;) {
    error_code bad;
    if (!peer.input.empty()) {
      const auto used = parser.put(asio::buffer(peer.input), bad);
      peer.input.erase(0, used);
      if (bad && bad != http::error::need_more) co_return std::nullopt;
      if (parser.is_done()) break;
    }
    const auto before = peer.input.size();
    peer.input.resize(before + read_bytes);
    auto got = co_await peer.stream.async_read_some(
        asio::buffer(peer.input.data() + before, read_bytes), as_result);
    auto& [ec, n] = got;
    peer.input.resize(before + n);
    if (ec) co_return std::nullopt;
  }
  auto message = parser.release();
  question asked{std::string{message.method_string()}, std::string{message.target()}, {}, {}};
  for (const auto& f : message)
    asked.fields.push_back({std::string{f.name_string()}, std::string{f.value()}});
  asked.body = std::move(message.body());
  co_return asked;
}

task<bool> server::send(session& peer, const answer& given, bool is_head_only) {
  std::string out = head_text(given);
  if (!given.is_stream && !is_head_only)
    for (const auto& piece : given.pieces) out += piece;
  auto sent = co_await asio::async_write(peer.stream, asio::buffer(out), as_result);
  if (std::get<0>(sent)) co_return false;
  if (!given.is_stream || is_head_only) co_return true;
  for (const auto& piece : given.pieces) {
    out = chunk(piece);
    if (&piece == &given.pieces.back()) out += "0\r\n\r\n";
    sent = co_await asio::async_write(peer.stream, asio::buffer(out), as_result);
    if (std::get<0>(sent)) co_return false;
    if (&piece == &given.pieces.back()) break;
    peer.pause.expires_after(pace_);
    co_await peer.pause.async_wait(as_result);
    if (!peer.stream.is_open()) co_return false;
  }
  co_return true;
}

task<> server::wait_for_close(session& peer) {
  char ignored[256];
  for (;;) {
    auto got = co_await peer.stream.async_read_some(asio::buffer(ignored), as_result);
    if (std::get<0>(got)) co_return;
  }
}

}  // namespace understudy::demo
