#pragma once
#include <array>
#include <charconv>
#include <span>

#include <understudy/net/attempt_outcomes.hpp>
#include <understudy/net/body_reader.hpp>
#include <understudy/net/downstream.hpp>
#include <understudy/net/worker_env.hpp>
#include <understudy/proxy/downstream_head.hpp>

namespace understudy::net {

/// An accepted response on its way down. Untouched bodies pass as the bytes they came in;
/// translated ones are chunked anew. One bounded buffer each way: nothing is read while the client
/// does not take what there is. The first write carries the head and whatever body is there.
template <class Net>
class relay {
 public:
  using stream = typename Net::stream;
  using link_type = connection<stream>;

  relay(downstream<stream>& down, exchange_state& state, std::shared_ptr<link_type> link,
        const codec::body_framing& framing, translate::response_plan& plan, base::duration idle)
      : down_{down},
        state_{state},
        link_{std::move(link)},
        framing_{framing},
        plan_{plan},
        idle_{idle} {}

  awaitable<relay_end> run(std::size_t head_size, const proxy::response_notes& notes) {
    is_translated_ = plan_.mode == translate::body_mode::stream;
    const auto type = state_.response.fields.find("content-type");
    is_event_stream_ = type && base::istarts_with(*type, "text/event-stream");
    proxy::response_length length;
    length.is_chunked = is_translated_ || framing_.kind == codec::framing_kind::chunked ||
                        framing_.kind == codec::framing_kind::until_close;
    if (framing_.kind == codec::framing_kind::length) length.content_length = framing_.length;
    if (state_.is_head_method || state_.response.status == 304) announce_only(length);
    state_.out.clear();
    proxy::append_downstream_head(state_.out, state_.response, plan_.set,
                                  &state_.rule->response_headers, length, notes,
                                  state_.closes_downstream);
    link_->consume(head_size);
    if (is_translated_) return run_translated();
    switch (framing_.kind) {
      case codec::framing_kind::none:
        return run_bodiless();
      case codec::framing_kind::length:
        return run_length();
      case codec::framing_kind::chunked:
        return run_chunked();
      case codec::framing_kind::until_close:
        break;
    }
    return run_until_close();
  }

 private:
  static time_point now() { return base::clock::now(); }
  cancel_scope& scope() { return down_.scope(); }
  std::string_view input() { return link_->input().data(); }

  /// HEAD and 304 describe a body that does not come.
  void announce_only(proxy::response_length& length) const {
    length.is_chunked = false;
    if (const auto written = state_.response.fields.find("content-length"))
      length.content_length = codec::parse_content_length(*written);
  }

  awaitable<relay_end> run_bodiless() {
    const bool is_sent = co_await send({});
    co_return is_sent ? end_of_body() : relay_end::downstream_gone;
  }

  awaitable<relay_end> run_length() {
    std::uint64_t left = framing_.length;
    for (;;) {
      const auto data = input().substr(
          0, static_cast<std::size_t>(std::min<std::uint64_t>(left, input().size())));
      if (!data.empty() || !state_.out.empty()) {
        const bool is_sent = co_await send(data);
        if (!is_sent) co_return relay_end::downstream_gone;
        left -= data.size();
        link_->consume(data.size());
      }
      if (left == 0) co_return end_of_body();
      const relay_end stop = co_await more();
      if (stop != relay_end::complete) co_return stop;
    }
  }

  awaitable<relay_end> run_chunked() {
    codec::chunk_tracker tracker;
    for (;;) {
      const auto passage = tracker.pass(input());
      const auto data = input().substr(0, passage.forward);
      if (passage.forward != 0) remember_tail(data);
      if (!data.empty() || passage.needs_end || !state_.out.empty()) {
        const std::string_view after = passage.needs_end ? "\r\n" : "";
        const bool is_sent = co_await send(data, after);
        if (!is_sent) co_return relay_end::downstream_gone;
      }
      link_->consume(passage.consumed);
      if (tracker.is_done()) co_return end_of_body();
      if (tracker.has_failed()) co_return co_await broken(false, relay_end::upstream_broke);
      const relay_end stop = co_await more();
      if (stop != relay_end::complete)
        co_return co_await broken(tracker.is_at_chunk_boundary() && ends_event_, stop);
    }
  }

  awaitable<relay_end> run_until_close() {
    for (;;) {
      if (!input().empty()) begin_chunk(input().size());
      if (!input().empty() || !state_.out.empty()) {
        const auto data = input();
        if (!data.empty()) remember_tail(data);
        const std::string_view after = data.empty() ? "" : "\r\n";
        const bool is_sent = co_await send(data, after);
        if (!is_sent) co_return relay_end::downstream_gone;
        link_->consume(data.size());
      }
      const auto stop = co_await more();
      if (stop == relay_end::complete) continue;
      if (stop != relay_end::upstream_broke || link_->read_error() != asio::error::eof)
        co_return co_await broken(ends_event_, stop);
      state_.out = "0\r\n\r\n";
      const bool is_sent = co_await send({});
      co_return is_sent ? relay_end::complete_not_reusable : relay_end::downstream_gone;
    }
  }

  awaitable<relay_end> run_translated() {
    body_reader<stream> reader{*link_, framing_};
    auto& translator = *state_.translator;
    for (;;) {
      translated_.clear();
      auto progress =
          reader.drain([&](std::string_view data) { return translator.feed(data, translated_); });
      if (progress == body_progress::complete && !translator.finish(translated_))
        progress = body_progress::malformed;
      if (progress == body_progress::malformed)
        co_return co_await break_translated(relay_end::stream_error);
      const bool is_last = progress == body_progress::complete;
      if (!translated_.empty() || is_last || !state_.out.empty()) {
        const bool is_sent = co_await send_chunk(is_last);
        if (!is_sent) co_return relay_end::downstream_gone;
      }
      if (is_last)
        co_return reader.is_reusable() ? relay_end::complete : relay_end::complete_not_reusable;
      auto stop = co_await more();
      if (stop == relay_end::complete) continue;
      if (stop == relay_end::upstream_broke && reader.ends_at_close() &&
          link_->read_error() == asio::error::eof) {
        translated_.clear();
        if (!translator.finish(translated_)) co_return co_await break_translated(stop);
        const bool is_sent = co_await send_chunk(true);
        co_return is_sent ? relay_end::complete_not_reusable : relay_end::downstream_gone;
      }
      translated_.clear();  // it has been sent
      co_return co_await break_translated(stop);
    }
  }

  // ---- pieces -----------------------------------------------------------------------------

  /// Writes what `out` holds, then `data`, then `after`.
  awaitable<bool> send(std::string_view data, std::string_view after = {}) {
    const std::array<asio::const_buffer, 3> pieces{asio::buffer(state_.out), asio::buffer(data),
                                                   asio::buffer(after)};
    if (!state_.is_committed) {
      state_.is_committed = true;
      state_.record.time_to_first_byte = now() - state_.complete_at;
    }
    state_.record.bytes_sent += state_.out.size() + data.size() + after.size();
    auto& link = down_.link();
    link.start_write(pieces);  // ordinarily all of it at once, without a wait
    bool is_sent = !link.write_error() && !link.is_closed();
    if (link.is_writing()) is_sent = co_await down_.flush();
    state_.out.clear();
    co_return is_sent&& scope().reason() < cancel_reason::downstream_gone;
  }

  void begin_chunk(std::size_t size) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, size, 16);
    state_.out.append(digits, end.ptr).append("\r\n");
  }

  awaitable<bool> send_chunk(bool is_last) {
    if (!translated_.empty()) begin_chunk(translated_.size());
    const std::string_view after = translated_.empty() ? (is_last ? "0\r\n\r\n" : "")
                                   : is_last           ? "\r\n0\r\n\r\n"
                                                       : "\r\n";
    return send(translated_, after);
  }

  /// Waits for bytes; `complete` means there are some.
  awaitable<relay_end> more() {
    if (scope().is_cancelled()) co_return end_of_wait();
    auto& buffer = link_->input();
    // A read that filled the buffer says there is more: fewer, larger reads then.
    if (!link_->is_reading())
      buffer.reserve(was_full_ ? std::min(2 * buffer.capacity(), max_read_bytes) : read_bytes / 2);
    const auto& t = state_.rule->timeouts;
    time_point deadline = idle_ == base::duration::max() ? timer_queue::never : now() + idle_;
    if (!t.is_head_only) deadline = std::min(deadline, state_.decisions.request_deadline());
    down_.arm(deadline);
    error_code ec;
    {
      const cancel_scope::waiting wait{scope(), *link_};
      auto filled = co_await link_->async_fill();
      ec = std::get<0>(filled);
    }
    was_full_ = buffer.space_size() == 0 && buffer.capacity() < max_read_bytes;
    if (scope().is_cancelled()) co_return end_of_wait();
    co_return ec ? relay_end::upstream_broke : relay_end::complete;
  }

  relay_end end_of_wait() {
    if (scope().reason() != cancel_reason::deadline) return relay_end::downstream_gone;
    const bool is_request =
        !state_.rule->timeouts.is_head_only && now() >= state_.decisions.request_deadline();
    return is_request ? relay_end::request_timeout : relay_end::idle_timeout;
  }

  /// The answer had begun and can't be finished: where the stream stands between two events the
  /// client is told in its own schema; the body's end is never written.
  awaitable<relay_end> broken(bool may_speak, relay_end how) {
    if (how == relay_end::downstream_gone || !may_speak || !state_.translator || !is_event_stream_)
      co_return how;
    co_return co_await break_translated(how);
  }

  awaitable<relay_end> break_translated(relay_end how) {
    if (how == relay_end::downstream_gone) co_return how;
    scope().forgive_deadline();
    state_.translator->abort(message_of(how), translated_);
    co_await send_chunk(false);
    co_return how;
  }

  static std::string_view message_of(relay_end how) {
    switch (how) {
      case relay_end::idle_timeout:
        return "the upstream fell silent within its answer";
      case relay_end::request_timeout:
        return "the request timeout was reached within the answer";
      case relay_end::stream_error:
        return "the upstream reported an error within its answer";
      default:
        return "the upstream connection ended within its answer";
    }
  }

  void remember_tail(std::string_view data) {
    ends_event_ = data.ends_with("\n\n\r\n") || data.ends_with("\n\n");
  }

  relay_end end_of_body() {
    return input().empty() ? relay_end::complete : relay_end::complete_not_reusable;
  }

  downstream<stream>& down_;
  exchange_state& state_;
  std::shared_ptr<link_type> link_;
  codec::body_framing framing_;
  translate::response_plan& plan_;
  base::duration idle_;
  std::string translated_;
  bool is_event_stream_ = false;
  bool is_translated_ = false;
  bool was_full_ = false;
  bool ends_event_ = false;
};

}  // namespace understudy::net
