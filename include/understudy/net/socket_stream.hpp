#pragma once
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <span>
#include <utility>

#include <understudy/net/types.hpp>

namespace understudy::net {

/// A TCP or unix connection, in clear text or under TLS. Owns the socket. One worker.
class socket_stream {
 public:
  using tls_layer = asio::ssl::stream<socket&>;

  explicit socket_stream(socket s) : socket_{std::move(s)} {}
  ~socket_stream() { keep_session_resumable(); }

  executor get_executor() { return socket_.get_executor(); }
  socket& plain() { return socket_; }
  tls_layer* tls() { return tls_.get(); }
  /// `keeps` lives as long as the layer (what OpenSSL's callbacks point to).
  tls_layer& add_tls(asio::ssl::context& context, std::shared_ptr<void> keeps = nullptr) {
    kept_ = std::move(keeps);
    tls_ = std::make_unique<tls_layer>(socket_, context);
    return *tls_;
  }

  template <class Handler>
  void async_read_some(asio::mutable_buffer target, Handler&& handler) {
    if (tls_) {
      tls_->async_read_some(target, std::forward<Handler>(handler));
    } else {
      socket_.async_read_some(target, std::forward<Handler>(handler));
    }
  }

  template <class Handler>
  void async_write_some(std::span<const asio::const_buffer> pieces, Handler&& handler) {
    if (tls_) {
      tls_->async_write_some(pieces, std::forward<Handler>(handler));
    } else {
      socket_.async_write_some(pieces, std::forward<Handler>(handler));
    }
  }

  template <class Handler>
  void async_readable(Handler&& handler) {
    socket_.async_wait(socket::wait_read, std::forward<Handler>(handler));
  }

  /// Under TLS the engine belongs to the asynchronous path.
  bool can_try_write() const { return !tls_; }
  /// Sends without waiting; `would_block` when nothing could be sent (always under TLS).
  template <class Pieces>  // one const_buffer, or several
  std::size_t try_write(const Pieces& pieces, error_code& ec) {
    if (tls_) {
      ec = asio::error::would_block;
      return 0;
    }
    return socket_.write_some(pieces, ec);
  }

  /// Says goodbye in TLS and waits for the peer's; the caller bounds it. No read outstanding.
  auto async_end_tls() { return tls_->async_shutdown(use_await); }

  /// FIN: nothing more will be sent. False when the socket is gone.
  bool end_writing() {
    error_code ec;
    socket_.shutdown(socket::shutdown_send, ec);
    return !ec;
  }

  void cancel() {
    error_code ignored;
    socket_.cancel(ignored);
  }

  void close() {
    keep_session_resumable();
    error_code ignored;
    socket_.close(ignored);
  }

  /// The peer gets RST instead of FIN: nothing that was sent may look like a clean end.
  void abort() {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger{true, 0}, ignored);
    close();
  }

 private:
  // A session whose stream ends without both shutdown flags is dropped by OpenSSL.
  void keep_session_resumable() {
    if (tls_) SSL_set_shutdown(tls_->native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }

  socket socket_;
  std::shared_ptr<void> kept_;
  std::unique_ptr<tls_layer> tls_;
};

}  // namespace understudy::net
