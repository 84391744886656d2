#pragma once
#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <understudy/net/types.hpp>
#include <utility>
#include <vector>

namespace net_test {

namespace asio = understudy::net::asio;
using understudy::net::error_code;

/// The far end of a memory_stream, scripted by a test. One thread, no sockets, no time: every
/// completion is posted to the context.
class memory_peer {
 public:
  explicit memory_peer(asio::io_context& context) : context_{context} {}

  /// The bytes of one or more reads.
  void send(std::string_view bytes) {
    inbound_ += bytes;
    answer();
  }
  void end(error_code how = asio::error::eof) {
    end_ = how;
    answer();
  }
  /// How many bytes a try_write takes before it would block; more room ends a wait to write.
  void accept(std::size_t bytes) {
    room_ += bytes;
    if (!write_ || room_ == 0) return;
    const auto n = take(std::exchange(write_pieces_, {}));
    asio::post(context_, [done = std::exchange(write_, nullptr), n] { done({}, n); });
  }
  void refuse_writes(error_code how) {
    write_failure_ = how;
    if (write_)
      asio::post(context_, [done = std::exchange(write_, nullptr), how] { done(how, 0); });
  }

  std::string received;
  int reads = 0;  ///< that were started
  bool is_closed = false;

 private:
  friend class memory_stream;

  void answer() {
    if (!read_ || (inbound_.empty() && !end_)) return;
    const auto n = std::min(inbound_.size(), target_.size());
    if (n != 0) std::memcpy(target_.data(), inbound_.data(), n);
    inbound_.erase(0, n);
    asio::post(context_, [done = std::exchange(read_, nullptr), n,
                          ec = n == 0 ? end_ : error_code{}] { done(ec, n); });
  }
  void abort() {
    if (read_)
      asio::post(context_, [done = std::exchange(read_, nullptr)] {
        done(asio::error::operation_aborted, 0);
      });
    if (write_)
      asio::post(context_, [done = std::exchange(write_, nullptr)] {
        done(asio::error::operation_aborted, 0);
      });
  }
  template <class Pieces>
  std::size_t take(const Pieces& pieces) {
    std::size_t total = 0;
    for (auto at = asio::buffer_sequence_begin(pieces); at != asio::buffer_sequence_end(pieces);
         ++at) {
      const asio::const_buffer piece{*at};
      const auto n = std::min(room_, piece.size());
      received.append(static_cast<const char*>(piece.data()), n);
      room_ -= n;
      total += n;
    }
    return total;
  }

  asio::io_context& context_;
  std::string inbound_;
  error_code end_, write_failure_;
  std::size_t room_ = 0;
  asio::mutable_buffer target_;
  std::function<void(error_code, std::size_t)> read_, write_;
  std::vector<asio::const_buffer> write_pieces_;
};

/// What net::connection asks of a stream. The peer must outlive it.
class memory_stream {
 public:
  explicit memory_stream(memory_peer& peer) : peer_{peer} {}

  auto get_executor() { return peer_.context_.get_executor(); }

  template <class Handler>
  void async_read_some(asio::mutable_buffer target, Handler handler) {
    ++peer_.reads;
    peer_.target_ = target;
    peer_.read_ = shared(std::move(handler));
    if (peer_.is_closed) return peer_.abort();
    peer_.answer();
  }
  template <class Pieces>
  std::size_t try_write(const Pieces& pieces, error_code& ec) {
    ec = peer_.write_failure_;
    if (!ec && peer_.room_ == 0) ec = asio::error::would_block;
    return ec ? 0 : peer_.take(pieces);
  }
  template <class Pieces, class Handler>
  void async_write_some(const Pieces& pieces, Handler handler) {
    peer_.write_pieces_.assign(pieces.begin(), pieces.end());
    peer_.write_ = shared(std::move(handler));
    peer_.accept(0);
  }
  bool can_try_write() const { return true; }
  bool end_writing() { return !peer_.is_closed; }
  void cancel() { peer_.abort(); }
  void close() {
    peer_.is_closed = true;
    peer_.abort();
  }

 private:
  /// Handlers may be movable only; std::function wants to copy.
  template <class Handler>
  static std::function<void(error_code, std::size_t)> shared(Handler handler) {
    auto held = std::make_shared<Handler>(std::move(handler));
    return [held](error_code ec, std::size_t n) { std::move (*held)(ec, n); };
  }

  memory_peer& peer_;
};

}  // namespace net_test
