#pragma once
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <understudy/net/cancel_scope.hpp>
#include <understudy/net/connection.hpp>
#include <understudy/net/resume_slot.hpp>
#include <understudy/plan/plan.hpp>

#include "sim/ledger.hpp"
#include "sim/network.hpp"

/// What the templates of `net` need of a network, over wires in memory.
namespace sim {

namespace net = understudy::net;
namespace asio = boost::asio;
using net::error_code;

/// A completion handler that can only be moved.
class pending_operation {
 public:
  explicit operator bool() const { return held_ != nullptr; }
  template <bool has_size, class Handler>
  void set(Handler&& handler) {
    held_ =
        std::make_unique<holder<std::decay_t<Handler>, has_size>>(std::forward<Handler>(handler));
  }
  /// Completes it from the context, as a reactor does.
  void post(asio::io_context& context, error_code ec, std::size_t n) {
    asio::post(context, [held = std::move(held_), ec, n]() mutable { held->complete(ec, n); });
  }

 private:
  struct base_holder {
    virtual ~base_holder() = default;
    virtual void complete(error_code ec, std::size_t n) = 0;
  };
  template <class Handler, bool has_size>
  struct holder final : base_holder {
    explicit holder(Handler h) : handler{std::move(h)} {}
    void complete(error_code ec, [[maybe_unused]] std::size_t n) override {
      if constexpr (has_size) {
        std::move(handler)(ec, n);
      } else {
        std::move(handler)(ec);
      }
    }
    Handler handler;
  };
  std::unique_ptr<base_holder> held_;
};

class simulated_stream final : wire::listener {
 public:
  simulated_stream(asio::io_context& context, std::shared_ptr<wire> on, write_observer& observer)
      : context_{context}, wire_{std::move(on)}, observer_{observer} {
    wire_->listen(wire::proxy, this);
  }
  ~simulated_stream() { wire_->close(wire::proxy); }
  simulated_stream(const simulated_stream&) = delete;
  simulated_stream& operator=(const simulated_stream&) = delete;

  net::executor get_executor() { return context_.get_executor(); }

  template <class Handler>
  void async_read_some(asio::mutable_buffer target, Handler&& handler) {
    if (read_) observer_.on_misuse("two reads at a time on one connection");
    target_ = target;
    read_.set<true>(std::forward<Handler>(handler));
    if (is_closed_) return read_.post(context_, asio::error::bad_descriptor, 0);
    answer_read();
  }
  template <class Handler>
  void async_readable(Handler&& handler) {
    readable_.set<false>(std::forward<Handler>(handler));
    if (is_closed_) return readable_.post(context_, asio::error::bad_descriptor, 0);
    answer_read();
  }
  template <class Handler>
  void async_write_some(std::span<const asio::const_buffer> pieces, Handler&& handler) {
    if (write_) observer_.on_misuse("two writes at a time on one connection");
    pieces_.assign(pieces.begin(), pieces.end());
    write_.set<true>(std::forward<Handler>(handler));
    if (is_closed_) return write_.post(context_, asio::error::bad_descriptor, 0);
    answer_write();
  }

  std::size_t try_write(const asio::const_buffer& piece, error_code& ec) {
    return try_write(std::span{&piece, 1}, ec);
  }
  std::size_t try_write(std::span<const asio::const_buffer> pieces, error_code& ec) {
    if (!is_closed_)
      for (const auto& p : pieces)
        observer_.on_proxy_write(*wire_, {static_cast<const char*>(p.data()), p.size()});
    return write_now(pieces, ec);
  }

  auto async_end_tls() { return asio::post(context_, asio::deferred); }  // never under TLS
  bool can_try_write() const { return true; }
  bool end_writing() {
    if (is_closed_) return false;
    wire_->end(wire::proxy, end_kind::eof);
    return true;
  }
  void cancel() {
    if (read_) read_.post(context_, asio::error::operation_aborted, 0);
    if (readable_) readable_.post(context_, asio::error::operation_aborted, 0);
    if (write_) write_.post(context_, asio::error::operation_aborted, 0);
  }
  void close() {
    if (is_closed_) return;
    is_closed_ = true;
    observer_.on_proxy_close(*wire_);
    cancel();
    wire_->close(wire::proxy);
  }

 private:
  std::size_t write_now(std::span<const asio::const_buffer> pieces, error_code& ec) {
    ec = {};
    if (is_closed_) ec = asio::error::bad_descriptor;
    if (!ec && !wire_->can_write(wire::proxy)) ec = asio::error::broken_pipe;
    if (!ec && wire_->room(wire::proxy) == 0) ec = asio::error::would_block;
    std::size_t total = 0;
    for (const auto& p : pieces) {
      if (ec) break;
      const auto n = wire_->write(wire::proxy, {static_cast<const char*>(p.data()), p.size()});
      total += n;
      if (n < p.size()) break;
    }
    return total;
  }

  void on_bytes() override {
    observer_.on_arrival(*wire_, wire_->unread(wire::proxy));
    answer_read();
  }
  void on_end(end_kind how) override {
    observer_.on_end_at_proxy(*wire_, how);
    answer_read();
    if (write_) answer_write();
  }
  void on_room() override {
    if (write_) answer_write();
  }

  void answer_read() {
    const auto unread = wire_->unread(wire::proxy);
    const auto end = wire_->arrived_end(wire::proxy);
    if (unread.empty() && end == end_kind::none) return;
    if (readable_) readable_.post(context_, {}, 0);
    if (!read_) return;
    const auto n = std::min(unread.size(), target_.size());
    error_code ec;
    if (n != 0) {
      std::memcpy(target_.data(), unread.data(), n);
      observer_.on_proxy_read(*wire_, unread.substr(0, n));
      wire_->consume(wire::proxy, n);
    } else {
      ec = end == end_kind::reset ? error_code{asio::error::connection_reset}
                                  : error_code{asio::error::eof};
    }
    read_.post(context_, ec, n);
  }
  void answer_write() {
    error_code ec;
    const auto n = write_now(pieces_, ec);
    if (ec == asio::error::would_block) return;
    write_.post(context_, ec, n);
  }

  asio::io_context& context_;
  std::shared_ptr<wire> wire_;
  write_observer& observer_;
  asio::mutable_buffer target_;
  std::vector<asio::const_buffer> pieces_;
  pending_operation read_, readable_, write_;
  bool is_closed_ = false;
};

struct simulated_address {
  std::string text;
};

struct simulated_addresses {
  simulated_address address_of(const understudy::plan::backend&, std::size_t,
                               const std::string& text) const {
    return {text};
  }
};

struct dial_result {
  std::shared_ptr<net::connection<simulated_stream>> link;
  std::string cause;
  bool is_shortage = false;
  bool is_resumed = false;
};

/// Who answers at an address: calls back, at some time or never, with a wire or nothing.
using connector =
    std::function<void(const std::string&, std::function<void(std::shared_ptr<wire>)>)>;

class simulated_dialer {
 public:
  simulated_dialer(asio::io_context& context, net::send_batch& sends, connector connect,
                   write_observer& observer)
      : context_{context}, sends_{sends}, connect_{std::move(connect)}, observer_{observer} {}

 private:
  struct pending {
    net::resume_slot slot;
    std::shared_ptr<wire> made;
    bool is_cancelled = false;
    void cancel() {
      is_cancelled = true;
      if (slot) slot(asio::error::operation_aborted);
    }
  };

  auto async_connect(std::shared_ptr<pending> waiting, std::string where) {
    return asio::async_initiate<const net::await_token, void(error_code)>(
        [this](auto handler, std::shared_ptr<pending> p, const std::string& address) {
          p->slot.set(std::move(handler));
          connect_(address, [weak = std::weak_ptr{p}](std::shared_ptr<wire> made) {
            const auto p = weak.lock();
            if (!p || !p->slot) {
              if (made) made->close(wire::proxy);
              return;
            }
            p->made = std::move(made);
            p->slot(p->made ? error_code{} : error_code{asio::error::connection_refused});
          });
        },
        net::use_await, std::move(waiting), std::move(where));
  }

 public:
  net::awaitable<dial_result> dial(simulated_address& where, net::cancel_scope& scope) {
    auto waiting = std::make_shared<pending>();
    const net::cancel_scope::waiting registered{scope, *waiting};
    auto done = co_await async_connect(waiting, where.text);
    dial_result result;
    if (auto& [ec] = done; ec) {
      result.cause = ec.message();
      co_return result;
    }
    result.link = std::make_shared<net::connection<simulated_stream>>(
        context_, std::move(waiting->made), observer_);
    result.link->gather_writes_in(sends_);
    co_return result;
  }

 private:
  asio::io_context& context_;
  net::send_batch& sends_;
  connector connect_;
  write_observer& observer_;
};

struct simulated_net {
  using stream = simulated_stream;
  using address = simulated_address;
  using addresses = simulated_addresses;
  using dialer = simulated_dialer;
};

}  // namespace sim
