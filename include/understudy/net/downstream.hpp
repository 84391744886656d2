#pragma once
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <understudy/net/attempt_outcomes.hpp>
#include <understudy/net/cancel_scope.hpp>
#include <understudy/net/connection.hpp>
#include <understudy/net/timer_queue.hpp>

namespace understudy::net {

/// The client's side of one connection: the link, its one watchdog, and the scope by which either
/// ends whatever the exchange waits for. One worker.
template <class Stream>
class downstream final : public connection<Stream>::watcher {
 public:
  using link_type = connection<Stream>;

  downstream(std::shared_ptr<link_type> link, timer_queue& timers)
      : link_{std::move(link)}, watchdog_{timers, *this} {
    link_->watch(this);
  }
  ~downstream() {
    link_->watch(nullptr);
    link_->close();
  }

  link_type& link() { return *link_; }
  const std::shared_ptr<link_type>& shared_link() { return link_; }
  cancel_scope& scope() { return *scope_; }

  /// A fresh scope for every exchange; what an earlier one was told is over.
  void begin_scope() {
    scope_.emplace();
    write_limit_ = write_limit;
  }
  /// How long the client may take no byte of what there is for it; for this exchange.
  void limit_writes(base::duration longest) { write_limit_ = longest; }

  /// The watchdog cancels the scope's wait with `deadline`. Assignment only; no system call.
  void arm(time_point deadline) { watchdog_.arm(deadline); }
  void disarm() { watchdog_.disarm(); }

  /// The connection ends: with the answer under way, or with the next where that one has already
  /// begun without saying so.
  void end_soon() { is_ending_ = true; }
  bool is_ending() const { return is_ending_; }

  /// From another phase of the worker: drain's end, shutdown.
  void shut_down() {
    link_->close();
    scope_->cancel(cancel_reason::shutdown);  // last: it may end the coroutine that owns this
  }
  void cancel() { link_->close(); }

  /// Writes one piece; a client that takes nothing for too long is gone. False: it is gone.
  awaitable<bool> send(asio::const_buffer piece) {
    const std::array<asio::const_buffer, 1> pieces{piece};
    co_return co_await send(std::span<const asio::const_buffer>{pieces});
  }
  awaitable<bool> send(std::span<const asio::const_buffer> pieces) {
    link_->start_write(pieces);
    if (link_->has_unsent()) co_return co_await flush();
    co_return !link_->write_error() && !link_->is_closed();
  }
  /// Waits until nothing is unsent. False: the client is gone.
  awaitable<bool> flush() {
    taken_ = link_->written();
    is_flushing_ = true;
    arm(base::clock::now() + write_limit_);
    const cancel_scope::waiting wait{*scope_, *link_};
    co_await link_->async_flush();
    is_flushing_ = false;
    co_return !link_->write_error() && !link_->is_closed();
  }

  // A read that nobody waits for is the client leaving, or its next request.
  void on_unawaited_read(link_type& link) override {
    if (!link.read_error()) return link.start_read();
    scope_->cancel(cancel_reason::downstream_gone);  // last, as above
  }

 private:
  struct watchdog : timer_queue::entry {
    watchdog(timer_queue& timers, downstream& d)
        : entry{timers, [](entry& e) { static_cast<watchdog&>(e).owner.on_deadline(); }},
          owner{d} {}
    downstream& owner;
  };

  /// A client that takes its bytes slowly does take them.
  void on_deadline() {
    if (is_flushing_ && link_->written() != taken_) {
      taken_ = link_->written();
      return arm(base::clock::now() + write_limit_);
    }
    scope_->cancel(cancel_reason::deadline);
  }

  std::shared_ptr<link_type> link_;
  base::duration write_limit_ = write_limit;
  std::uint64_t taken_ = 0;  ///< when the deadline was set
  bool is_flushing_ = false;
  std::optional<cancel_scope> scope_{std::in_place};
  watchdog watchdog_;
  bool is_ending_ = false;
};

}  // namespace understudy::net
