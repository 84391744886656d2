#pragma once
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <understudy/codec/headers.hpp>
#include <understudy/net/attempt_outcomes.hpp>
#include <understudy/net/body_reader.hpp>
#include <understudy/net/head_reader.hpp>
#include <understudy/net/worker_env.hpp>
#include <understudy/translate/error_class.hpp>

namespace understudy::net {

/// The upstream half of one attempt: its connection, lent or opened; the request written; the
/// head read; the body collected, or held until the answer is one. Says what happened as an
/// `outcome`; decides nothing. Its owner looks at the scope after every wait: a client that left
/// ends all of it.
template <class Net>
class upstream_exchange {
 public:
  using stream = typename Net::stream;
  using link_pointer = std::shared_ptr<connection<stream>>;

  upstream_exchange(worker_env<Net>& env, const exchange_state& exchange, attempt_state& state)
      : env_{env}, exchange_{exchange}, state_{state} {}
  ~upstream_exchange() { drop(); }
  upstream_exchange(const upstream_exchange&) = delete;
  upstream_exchange& operator=(const upstream_exchange&) = delete;

  void choose(std::shared_ptr<upstream_endpoint<Net>> endpoint) { endpoint_ = std::move(endpoint); }
  const link_pointer& link() const { return link_; }
  bool is_reused() const { return is_reused_; }
  bool has_read_bytes() const { return has_read_bytes_; }
  std::size_t head_size() const { return head_size_; }
  const std::string& dial_cause() const { return dial_cause_; }
  std::string_view body_so_far() const { return link_->input().data().substr(head_size_); }
  bool is_collected() const { return is_collected_; }

  /// An idle connection of the pool, at once. False: there is none, or a fresh one is wanted.
  bool take_idle(bool is_fresh_wanted, time_point at) {
    has_read_bytes_ = is_collected_ = false;
    lent_ = {};
    if (!is_fresh_wanted) lent_ = endpoint_->take_idle(at);
    epoch_ = endpoint_->epoch();
    is_reused_ = lent_.link != nullptr;
    if (is_reused_) use_lent();
    return is_reused_;
  }

  /// One that another request gives back, or a fresh one within the connect timeout. The class of
  /// the result is `status` when there is one.
  awaitable<outcome> connect() {
    state_.timed.arm(exchange_.decisions.request_deadline());
    const admission told = co_await endpoint_->admit(env_.timers, scope(), lent_);
    epoch_ = endpoint_->epoch();
    is_reused_ = told == admission::reused;
    if (told == admission::dial) co_return co_await dial();
    if (told == admission::refused) co_return failed(resilience::failure_class::overflow);
    dial_cause_ = "the connection it waited for failed";
    if (!is_reused_)
      co_return failed(took_deadline() ? resilience::failure_class::global
                                       : resilience::failure_class::connect);
    use_lent();
    co_return outcome{};
  }

  /// `body` must stay until the exchange is over, as the head does.
  void send(std::string_view body) {
    const std::array<asio::const_buffer, 2> pieces{asio::buffer(state_.upstream_head),
                                                   asio::buffer(body)};
    if (!link_->is_reading()) link_->input().reserve(read_bytes);
    link_->start_write(pieces, connection<stream>::lifetime::while_unsent);
    scanned_ = 0;
    interim_ = 0;
  }

  /// The head among the bytes that are there, or what is wrong with it. Nothing: more must come.
  std::optional<outcome> take_head() {
    auto& input = link_->input();
    if (!input.empty()) has_read_bytes_ = true;
    for (;;) {
      const auto head =
          read_response_head(input.data(), upstream_limits, scanned_, state_.response);
      if (head.status == head_status::partial) return std::nullopt;
      if (head.status != head_status::complete || state_.response.status < 100)
        return failed(resilience::failure_class::protocol, true);
      if (state_.response.status >= 200) {
        head_size_ = head.size;
        const codec::connection_options options{state_.response.fields};
        is_persistent_ = codec::is_persistent(state_.response.version, options);
        return received();
      }
      if (state_.response.status == 101 || ++interim_ > max_interim)
        return failed(resilience::failure_class::protocol, true);
      link_->consume(head.size);
      scanned_ = 0;
    }
  }

  /// Before a wait for upstream bytes. False: there is nothing to wait for any more.
  bool begin_wait(time_point deadline) {
    if (scope().is_cancelled()) return false;
    if (!link_->is_reading()) link_->input().reserve(read_bytes / 2);
    state_.timed.arm(deadline);
    return true;
  }

  /// Why a wait has brought no bytes.
  outcome why_nothing_came() {
    if (!took_deadline()) return failed(resilience::failure_class::closed, true);
    return failed(
        is_past_request() ? resilience::failure_class::global : resilience::failure_class::per_try,
        true);
  }

  /// Waits for upstream bytes. False: the upstream ended, or the scope was cancelled.
  awaitable<bool> wait(time_point deadline) {
    const bool may_wait = begin_wait(deadline);
    if (!may_wait) co_return false;
    const cancel_scope::waiting waiting{scope(), *link_};
    auto filled = co_await link_->async_fill();
    co_return !std::get<0>(filled) && !scope().is_cancelled();
  }

  /// Brings the whole body into state.collected. The head's views are kept alive by a copy.
  awaitable<outcome> collect(const codec::body_framing& framing, base::duration idle,
                             time_point limit) {
    keep_head();
    body_reader<stream> reader{*link_, framing};
    link_->consume(head_size_);
    is_collected_ = true;
    is_reusable_ = false;
    state_.collected.clear();
    for (;;) {
      const auto progress = reader.take(state_.collected);
      if (progress == body_progress::malformed || state_.collected.size() > max_collected_bytes)
        co_return failed(resilience::failure_class::protocol, true);
      if (progress == body_progress::complete) {
        is_reusable_ = reader.is_reusable();
        co_return received();
      }
      const time_point silent = idle == base::duration::max() ? timer_queue::never : now() + idle;
      const bool has_more = co_await wait(std::min(silent, limit));
      if (has_more) continue;
      if (took_deadline()) co_return failed(resilience::failure_class::per_try, true);
      if (reader.ends_at_close() && link_->read_error() == asio::error::eof) co_return received();
      co_return failed(resilience::failure_class::closed, true);
    }
  }

  /// What holding a body waits for. `limit` bounds the whole, `idle` a silence.
  struct hold_limits {
    std::size_t max_bytes = 0;
    base::duration idle = base::duration::max();
    time_point limit = timer_queue::never;
    time_point first_token = timer_queue::never;
    bool is_whole_wanted = false;
  };

  /// Looks at the body without consuming anything: has `state.watch` seen content, the end, or an
  /// error in the answer's place? Nothing: more must come. begin_hold() goes before it.
  void begin_hold(const codec::body_framing& framing) { peek_.emplace(framing); }
  std::optional<outcome> look(const hold_limits& limits) {
    auto& watch = state_.watch;
    const auto progress = peek_->look(body_so_far(), [&](std::string_view data) {
      watch.feed(data);
      state_.watched_bytes += data.size();
    });
    if (progress == body_progress::malformed)
      return failed(resilience::failure_class::protocol, true);
    const bool is_end =
        progress == body_progress::complete || (peek_->ends_at_close() && is_at_eof());
    if (is_end) watch.finish();
    return verdict_of_watch(is_end, limits);
  }
  /// The same for a body that is here as a whole, in one piece.
  outcome look_at_whole(std::string_view body, const hold_limits& limits) {
    state_.watch.feed_whole(body);
    state_.watched_bytes = body.size();
    return *verdict_of_watch(true, limits);
  }

  /// Waits until look() has an answer. The head's views stay good.
  awaitable<outcome> hold(const hold_limits limits) {
    keep_head();
    for (;;) {
      time_point deadline = std::min(limits.limit, limits.first_token);
      if (limits.idle != base::duration::max())
        deadline = std::min<time_point>(deadline, now() + limits.idle);
      const bool has_more = co_await wait(deadline);
      if (!has_more && !(is_at_eof() && peek_->ends_at_close())) co_return why_nothing_came();
      if (const auto verdict = look(limits)) co_return *verdict;
    }
  }

  /// As much of an error's body as tells what it is about, decoded; nothing is consumed.
  awaitable<std::string> peek_error_body(const codec::body_framing& framing, time_point limit) {
    std::string text;
    body_peek peek{framing};
    for (bool is_first = true;; is_first = false) {
      const auto progress =
          peek.look(body_so_far(), [&](std::string_view data) { text.append(data); });
      if (progress != body_progress::needs_more || text.size() >= translate::max_classified_bytes)
        co_return text;
      if (is_first) keep_head();
      const bool has_more = co_await wait(limit);
      if (has_more) continue;
      took_deadline();
      co_return text;
    }
  }

  /// A response nobody wants: the connection is kept only where its end is already here.
  void discard(const codec::body_framing& framing) {
    bool is_whole = is_collected_ && is_reusable_;
    const auto left = link_->input().data();
    if (!is_collected_ && framing.kind == codec::framing_kind::length &&
        left.size() == head_size_ + framing.length) {
      link_->consume(left.size());
      is_whole = true;
    }
    finish(is_whole);
  }
  void finish_collected() { finish(is_reusable_); }

  /// Back to the pool where it may carry another request, else closed.
  void finish(bool is_clean) { finish(is_clean, now()); }
  void finish(bool is_clean, time_point at) {
    if (!link_) return;
    if (!is_clean || !is_persistent_ || link_->has_unsent() || link_->write_error() ||
        epoch_ != endpoint_->epoch() || env_.is_draining)
      return drop();
    env_.sink.counters().upstream_connections_active.subtract();
    lent_.link = std::exchange(link_, nullptr);
    endpoint_->give_back(std::move(lent_), at);
  }

  void drop() {
    if (!link_) return;
    env_.sink.counters().upstream_connections_active.subtract();
    link_->close();
    link_.reset();
    endpoint_->closed();
  }

 private:
  static time_point now() { return base::clock::now(); }
  cancel_scope& scope() { return state_.timed.scope(); }
  bool is_past_request() const { return now() >= exchange_.decisions.request_deadline(); }

  void use_lent() {
    link_ = std::move(lent_.link);
    env_.sink.counters().upstream_connections_active.add();
  }

  std::optional<outcome> verdict_of_watch(bool is_end, const hold_limits& limits) const {
    const auto& watch = state_.watch;
    if (watch.fault() != nullptr && !watch.is_whole())
      return failed(resilience::failure_class::in_band, true);
    const bool has_enough = limits.is_whole_wanted
                                ? watch.stage() == translate::answer_stage::finished
                                : watch.has_content();
    if (is_end || has_enough || body_so_far().size() >= limits.max_bytes) return received();
    return std::nullopt;
  }

  awaitable<outcome> dial() {
    auto& counters = env_.sink.counters();
    counters.upstream_connects_total.add();
    state_.timed.arm(std::min<time_point>(now() + exchange_.rule->timeouts.connect,
                                          exchange_.decisions.request_deadline()));
    auto dialed = co_await env_.dialer.dial(endpoint_->where(), scope());
    if (dialed.is_shortage && !scope().is_cancelled() && env_.pool.close_oldest_idle())
      dialed = co_await env_.dialer.dial(endpoint_->where(), scope());
    if (scope().is_cancelled() && dialed.link) {
      dialed.link->close();
      dialed.link.reset();
    }
    dial_cause_ = std::move(dialed.cause);
    if (dialed.is_resumed) counters.upstream_tls_resumptions.add();
    if (dialed.link) {
      lent_ = endpoint_->dialed(std::move(dialed.link), now());
      link_ = std::move(lent_.link);
      counters.upstream_connections_active.add();
      co_return outcome{};
    }
    counters.upstream_connect_failures.add();
    const bool is_deadline = took_deadline();
    const bool is_late = is_deadline && is_past_request();
    const bool is_short = dialed.is_shortage && !is_deadline;
    endpoint_->dial_failed(!scope().is_cancelled() && !is_late && !is_short);
    if (is_short) co_return failed(resilience::failure_class::local_shortage);
    if (!is_deadline) co_return failed(resilience::failure_class::connect);
    dial_cause_ = "connect timeout";
    co_return failed(is_late ? resilience::failure_class::global
                             : resilience::failure_class::connect_timeout);
  }

  /// True when the watchdog ended the wait; the scope may be waited in again.
  bool took_deadline() {
    const bool is_deadline = scope().reason() == cancel_reason::deadline;
    scope().forgive_deadline();
    return is_deadline;
  }

  bool is_at_eof() const { return link_->read_error() == asio::error::eof; }

  outcome received() const {
    outcome result;
    result.what = resilience::failure_class::status;
    result.status = state_.response.status;
    result.is_bytes_sent = true;
    result.is_envoy_ratelimited = state_.response.fields.find("x-envoy-ratelimited").has_value();
    return result;
  }

  void keep_head() {
    state_.kept_head.assign(link_->input().data().substr(0, head_size_));
    std::size_t scanned = 0;
    read_response_head(state_.kept_head, upstream_limits, scanned, state_.response);
  }

  worker_env<Net>& env_;
  const exchange_state& exchange_;
  attempt_state& state_;
  std::shared_ptr<upstream_endpoint<Net>> endpoint_;
  link_pointer link_;
  lent_connection<connection<stream>> lent_;  ///< what is known of link_; its own pointer is empty
  std::string dial_cause_;
  std::uint64_t epoch_ = 0;
  std::optional<body_peek> peek_;
  std::size_t head_size_ = 0;
  std::size_t scanned_ = 0;
  int interim_ = 0;
  bool is_reused_ = false;
  bool is_persistent_ = false;
  bool has_read_bytes_ = false;
  bool is_collected_ = false;
  bool is_reusable_ = false;
};

}  // namespace understudy::net
