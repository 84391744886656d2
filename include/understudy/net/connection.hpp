#pragma once
#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <understudy/base/wipe.hpp>
#include <understudy/net/operation_memory.hpp>
#include <understudy/net/read_buffer.hpp>
#include <understudy/net/resume_slot.hpp>
#include <understudy/net/send_batch.hpp>
#include <understudy/net/types.hpp>

namespace understudy::net {

/// A byte stream with one read outstanding whenever its owner wants to know about the peer:
/// the same read that brings the next bytes notices a client that leaves, or a pooled upstream
/// connection that dies. One worker. `Stream` needs async_read_some, async_write_some, try_write,
/// can_try_write, async_readable, end_writing, and close.
template <class Stream>
class connection final : public std::enable_shared_from_this<connection<Stream>>,
                         private send_batch::sender {
 public:
  class watcher {
   public:
    /// A read completed while nobody waited for it: end of stream, error, or bytes.
    virtual void on_unawaited_read(connection& c) = 0;

   protected:
    ~watcher() = default;
  };

  template <class... Args>
  explicit connection(Args&&... args) : stream_{std::forward<Args>(args)...} {}
  ~connection() {
    if (batched_ != send_batch::none) batch_->forget(batched_);
  }

  Stream& stream() { return stream_; }
  read_buffer& input() { return input_; }
  void watch(watcher* w) { watcher_ = w; }
  /// Small writes may from now on wait for the end of the loop's turn. `batch` must outlive this.
  void gather_writes_in(send_batch& batch) { batch_ = &batch; }
  bool is_closed() const { return is_closed_; }
  bool is_reading() const { return is_reading_; }
  bool is_writing() const { return is_writing_; }
  /// End of stream or an error has been read; set for good.
  error_code read_error() const { return read_error_; }

  /// Starts the outstanding read unless there is one. Never moves what is in the buffer.
  void start_read() {
    if (is_reading_ || is_closed_ || read_error_ || input_.space_size() == 0) return;
    is_reading_ = true;
    stream_.async_read_some(asio::buffer(input_.space(), input_.space_size()),
                            read_done{this->shared_from_this()});
  }

  /// Waits until more bytes are in input(), or for the end (error set). The buffer must have room.
  auto async_fill() {
    return asio::async_initiate<const await_token, void(error_code)>(
        [this](auto handler) {
          waiter_.set(std::move(handler));
          start_read();
          // Nothing to wait for: the end was seen before.
          if (!is_reading_) resume_later(read_error_ ? read_error_ : asio::error::no_buffer_space);
        },
        use_await);
  }

  /// Bytes that have been dealt with; safe while a read is outstanding.
  void consume(std::size_t n) { input_.consume(n, !is_reading_); }

  /// Reads straight into foreign memory; no other read may be outstanding.
  auto async_read_into(asio::mutable_buffer target) {
    return asio::async_initiate<const await_token, void(error_code, std::size_t)>(
        [this](auto handler, asio::mutable_buffer b) {
          stream_.async_read_some(b, std::move(handler));
        },
        use_await, target);
  }

  /// Ends the outstanding read without closing; async_fill() reports operation_aborted. Not while
  /// is_writing(): a socket's operations end together.
  void cancel_read() { stream_.cancel(); }

  /// For an idle connection without a buffer: completes when there is something to read.
  auto async_readable() {
    return asio::async_initiate<const await_token, void(error_code)>(
        [this](auto handler) { stream_.async_readable(std::move(handler)); }, use_await);
  }

  /// How long the memory of a write stays as it is: while is_writing(), or while has_unsent().
  enum class lifetime { while_writing, while_unsent };

  /// Sends as much as the socket takes now, or leaves it to the batch; what is left is sent in the
  /// background. At most four pieces, none while an earlier write is known to be under way. An
  /// error stays. Before whoever writes goes on to something else, has_unsent() asks for
  /// async_flush().
  void start_write(std::span<const asio::const_buffer> pieces,
                   lifetime stays = lifetime::while_writing) {
    send_batched_now();
    if (write_error_) return;
    const bool is_small = asio::buffer_size(pieces) <= send_batch::max_bytes;
    if (!is_writing_ && (is_small || stays == lifetime::while_unsent) && may_batch()) {
      if (!is_small) add_pending(pieces);
      batched_ = batch_->add(*this, is_small ? pieces : std::span<const asio::const_buffer>{});
      return;
    }
    add_pending(pieces);
    if (!is_writing_) send_more();
  }

  bool has_unsent() const { return is_writing_ || batched_ != send_batch::none; }

  /// FIN, after everything that was written; not while is_writing(). False: the connection is gone.
  bool end_writing() {
    send_batched_now();
    return stream_.end_writing();
  }

  /// Waits until nothing is unsent; returns at once when nothing is.
  auto async_flush() {
    return asio::async_initiate<const await_token, void(error_code)>(
        [this](auto handler) {
          write_waiter_.set(std::move(handler));
          if (!has_unsent()) post_write_result();
        },
        use_await);
  }
  error_code write_error() const { return write_error_; }
  /// Bytes that the peer's side has taken so far.
  std::uint64_t written() const { return written_; }

  void cancel() { close(); }  ///< for cancel_scope
  void close() {
    if (is_closed_) return;
    send_batched_now();
    is_closed_ = true;
    stream_.close();
  }

 private:
  static constexpr std::size_t max_copied_bytes = send_batch::max_bytes;

  struct read_done {
    using allocator_type = operation_allocator<std::byte>;
    allocator_type get_allocator() const { return allocator_type{self->read_memory_}; }

    std::shared_ptr<connection> self;
    void operator()(error_code ec, std::size_t n) { self->on_read(ec, n); }
  };
  struct write_done {
    std::shared_ptr<connection> self;
    void operator()(error_code ec, std::size_t n) { self->on_write(ec, n); }
  };

  void on_read(error_code ec, std::size_t n) {
    is_reading_ = false;
    input_.commit(n);
    if (ec && n == 0 && ec != asio::error::operation_aborted) read_error_ = ec;
    if (waiter_) {
      waiter_(n != 0 ? error_code{} : ec);
    } else if (watcher_ != nullptr) {
      watcher_->on_unawaited_read(*this);
    }
  }

  /// What start_write() has left to the batch goes out before anything else does.
  void send_batched_now() {
    if (batched_ != send_batch::none) batch_->send_now(batched_);
  }

  bool may_batch() const {
    return batch_ != nullptr && batch_->is_gathering() && stream_.can_try_write() && !is_closed_;
  }

  void add_pending(std::span<const asio::const_buffer> pieces) {
    auto place = std::ranges::find(pending_, std::size_t{0}, &asio::const_buffer::size);
    for (const auto& piece : pieces)
      if (piece.size() != 0) *place++ = piece;
  }

  void send_batched(std::string_view bytes) override {
    batched_ = send_batch::none;
    if (bytes.empty()) {
      send_more();  // pending_ has it
    } else {
      send_copied(bytes);
    }
    if (!is_writing_ && write_waiter_) post_write_result();
  }

  void send_copied(std::string_view bytes) {
    error_code ec;
    const std::size_t sent = stream_.try_write(asio::buffer(bytes), ec);
    written_ += sent;
    if (sent == bytes.size()) return;
    if (ec && !is_full(ec)) {
      write_error_ = ec;
      return;
    }
    left_over_.assign(bytes.substr(sent));
    pending_[0] = asio::buffer(left_over_);
    send_in_background();
  }

  void send_more() {
    while (pending_[0].size() != 0) {
      error_code ec;
      const std::size_t sent = send_some(ec);
      if (is_full(ec)) return send_in_background();
      if (ec) {
        write_error_ = ec;
        pending_ = {};
        return;
      }
      drop_sent(sent);
    }
  }

  static bool is_full(error_code ec) {
    return ec == asio::error::would_block || ec == asio::error::try_again;
  }
  void send_in_background() {
    is_writing_ = true;
    stream_.async_write_some(pieces(), write_done{this->shared_from_this()});
  }

  /// A head and a small body as one piece: copying them costs less than a gathered write.
  std::size_t send_some(error_code& ec) {
    std::size_t total = 0;
    for (const auto& piece : pending_) total += piece.size();
    if (pending_[1].size() == 0) return stream_.try_write(pending_[0], ec);
    if (total > max_copied_bytes) return stream_.try_write(pieces(), ec);
    std::array<char, max_copied_bytes> joined;
    return stream_.try_write(
        asio::buffer(joined, asio::buffer_copy(asio::buffer(joined), pieces())), ec);
  }

  void on_write(error_code ec, std::size_t n) {
    is_writing_ = false;
    if (ec) {
      write_error_ = ec;
      pending_ = {};
    } else {
      drop_sent(n);
      send_more();
    }
    if (!is_writing_ && !left_over_.empty()) base::wipe(left_over_);
    if (!is_writing_ && write_waiter_) write_waiter_(write_error_);
  }

  std::span<const asio::const_buffer> pieces() const {
    std::size_t count = 0;
    while (count < pending_.size() && pending_[count].size() != 0) ++count;
    return {pending_.data(), count};
  }

  void drop_sent(std::size_t n) {
    written_ += n;
    while (n != 0) {
      const std::size_t step = std::min(n, pending_[0].size());
      pending_[0] += step;
      n -= step;
      if (pending_[0].size() == 0) {
        std::move(pending_.begin() + 1, pending_.end(), pending_.begin());
        pending_.back() = {};
      }
    }
  }

  void resume_later(error_code ec) {
    asio::post(stream_.get_executor(), [self = this->shared_from_this(), ec] {
      if (self->waiter_) self->waiter_(ec);
    });
  }
  void post_write_result() {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] {
      if (self->write_waiter_) self->write_waiter_(self->write_error_);
    });
  }

  Stream stream_;
  read_buffer input_;
  operation_memory read_memory_;
  resume_slot waiter_, write_waiter_;
  watcher* watcher_ = nullptr;
  std::array<asio::const_buffer, 5> pending_;  ///< what a batch left over, a write's four pieces
  std::string left_over_;
  send_batch* batch_ = nullptr;
  send_batch::slot batched_ = send_batch::none;
  error_code read_error_, write_error_;
  std::uint64_t written_ = 0;
  bool is_reading_ = false;
  bool is_writing_ = false;
  bool is_closed_ = false;
};

}  // namespace understudy::net
