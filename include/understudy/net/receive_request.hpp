#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>

#include <understudy/codec/chunked.hpp>
#include <understudy/codec/headers.hpp>
#include <understudy/net/attempt_outcomes.hpp>
#include <understudy/net/downstream.hpp>
#include <understudy/net/exchange_state.hpp>
#include <understudy/net/head_reader.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/proxy/local_reply.hpp>

namespace understudy::net {

/// What the checks of a complete request head say; pure. A reply means: refuse and close.
std::optional<proxy::local_reply> examine_head(exchange_state& state,
                                               const plan::client_limits& limits,
                                               codec::body_framing& framing);
proxy::local_reply head_refusal(const head_result& found);
proxy::local_reply body_too_large(translate::operation op, std::size_t limit);
proxy::local_reply malformed_body(translate::operation op, std::string_view detail);
proxy::local_reply request_timed_out();
/// All request bodies together hold as much as they may.
proxy::local_reply no_memory_left(translate::operation op);

/// Reads one request: first the head, then the whole body, because the model is inside it. Bytes
/// stay in the connection's buffer where they fit and are kept in `state.stored_body` else.
template <class Stream>
class request_receiver {
 public:
  enum class result : std::uint8_t { complete, refused, gone };

  request_receiver(downstream<Stream>& down, exchange_state& state,
                   const plan::client_limits& limits)
      : down_{down}, state_{state}, limits_{limits} {}

  /// A head that is in the buffer already is split without waiting.
  result try_head() {
    const head_limits bounds{limits_.max_header_bytes, limits_.max_headers};
    const auto found = read_request_head(input().data(), bounds, scanned_, state_.head);
    if (found.status == head_status::partial) return result::gone;
    if (found.status != head_status::complete) {
      refusal_ = head_refusal(found);
      return result::refused;
    }
    head_size_ = found.size;
    if (auto refused = examine_head(state_, limits_, framing_)) {
      refusal_ = std::move(*refused);
      return result::refused;
    }
    return result::complete;
  }

  awaitable<result> receive_body() {
    if (framing_.kind == codec::framing_kind::none) co_return result::complete;
    if (framing_.kind == codec::framing_kind::length) {
      if (!is_body_here()) {
        co_await invite();
        co_await end_reading_ahead();
        if (!is_body_here()) co_return co_await receive_length();
      }
      take_in_place(static_cast<std::size_t>(framing_.length));
      co_return result::complete;
    }
    if (input().data().size() == head_size_) co_await invite();
    co_await end_reading_ahead();
    co_return co_await receive_chunked();
  }

  /// Bytes of the connection's buffer that belong to this request.
  std::size_t size_in_buffer() const { return head_size_ + body_in_buffer_; }
  proxy::local_reply& refusal() { return refusal_; }
  exchange_state& state() { return state_; }

 private:
  /// Ends a wait without closing: the client is still to be told.
  struct read_canceller {
    connection<Stream>& link;
    void cancel() { link.cancel_read(); }
  };

  read_buffer& input() { return down_.link().input(); }

  bool is_body_here() { return framing_.length <= input().data().size() - head_size_; }

  /// A read that was to notice the client's leaving may have brought this request's beginning and
  /// gone on: it must not take bytes of the body, which are read to another place.
  awaitable<void> end_reading_ahead() {
    if (!down_.link().is_reading()) co_return;
    down_.link().cancel_read();
    co_await down_.link().async_fill();
  }

  void take_in_place(std::size_t n) {
    body_in_buffer_ = n;
    state_.body = input().data().substr(head_size_, n);
  }

  /// The client waits for our word before it sends the body (RFC 9110 §10.1.1).
  awaitable<void> invite() {
    const auto expects = state_.head.fields.find("expect");
    if (!expects || !base::iequals(*expects, "100-continue")) co_return;
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await down_.send(asio::buffer(go_on));
  }

  /// The rest is read straight to where it stays.
  awaitable<result> receive_length() {
    const auto total = static_cast<std::size_t>(framing_.length);
    auto& body = state_.stored_body;
    const auto here = input().data().substr(head_size_);
    if (!body.grow(std::max<std::size_t>(here.size(), 1), total) || !body.append(here))
      co_return refuse(no_memory_left(state_.op));
    input().truncate(head_size_);  // so that there is room to notice the client leaving
    const time_point deadline = base::clock::now() + limits_.request_body;
    while (body.data().size() < total) {
      const std::size_t missing = total - body.data().size();
      if (body.space_size() == 0 && !body.grow(std::min(missing, body.data().size()), total))
        co_return refuse(no_memory_left(state_.op));
      const std::size_t room = std::min(body.space_size(), missing);
      down_.arm(deadline);
      read_canceller canceller{down_.link()};
      const cancel_scope::waiting wait{down_.scope(), canceller};
      auto got = co_await down_.link().async_read_into(asio::buffer(body.space(), room));
      auto& [ec, n] = got;
      if (n == 0 && down_.scope().is_cancelled()) co_return time_out();
      if (ec && n == 0) co_return result::gone;
      body.commit(n);
    }
    state_.body = body.data();
    co_return result::complete;
  }

  awaitable<result> receive_chunked() {
    // Decoded bodies are copied out; the coded bytes leave the buffer, the head's bytes stay.
    codec::chunk_tracker tracker;
    auto& body = state_.stored_body;
    std::size_t used = 0;
    char piece[4096];
    std::string_view bytes = input().data().substr(head_size_);
    bool is_in_buffer = true;
    const time_point deadline = base::clock::now() + limits_.request_body;
    for (;;) {
      while (!bytes.empty() && !tracker.is_done()) {
        std::string_view data;
        const std::size_t n = tracker.next(bytes, data);
        if (tracker.has_failed()) co_return refuse(malformed_framing(tracker));
        if (body.data().size() + data.size() > limits_.max_body_bytes)
          co_return refuse(body_too_large(state_.op, limits_.max_body_bytes));
        if (!data.empty() && !body.append(data)) co_return refuse(no_memory_left(state_.op));
        bytes.remove_prefix(n);
        if (is_in_buffer) used += n;
      }
      if (tracker.is_done()) break;
      down_.arm(deadline);
      read_canceller canceller{down_.link()};
      const cancel_scope::waiting wait{down_.scope(), canceller};
      auto got = co_await down_.link().async_read_into(asio::buffer(piece));
      auto& [ec, n] = got;
      if (n == 0 && down_.scope().is_cancelled()) co_return time_out();
      if (ec && n == 0) co_return result::gone;
      bytes = {piece, n};
      is_in_buffer = false;
    }
    if (is_in_buffer) {
      body_in_buffer_ = used;
    } else {
      input().truncate(head_size_);
      leftover_.assign(bytes);  // the beginning of the next request
    }
    state_.body = body.data();
    co_return result::complete;
  }

  proxy::local_reply malformed_framing(const codec::chunk_tracker& tracker) {
    auto reply = malformed_body(state_.op, codec::describe(tracker.error()));
    reply.closes = true;
    return reply;
  }

  result refuse(proxy::local_reply reply) {
    refusal_ = std::move(reply);
    refusal_.closes = true;
    return result::refused;
  }

  result time_out() {
    if (down_.scope().reason() != cancel_reason::deadline) return result::gone;
    return refuse(request_timed_out());
  }

 public:
  /// Bytes of a following request that were read with the last chunk.
  std::string& leftover() { return leftover_; }

 private:
  downstream<Stream>& down_;
  exchange_state& state_;
  const plan::client_limits& limits_;
  std::size_t scanned_ = 0;
  std::size_t head_size_ = 0;
  std::size_t body_in_buffer_ = 0;
  codec::body_framing framing_;
  proxy::local_reply refusal_;
  std::string leftover_;
};

}  // namespace understudy::net
