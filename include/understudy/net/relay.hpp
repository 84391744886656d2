#pragma once
#include <array>
#include <optional>
#include <span>
#include <tuple>

#include <understudy/codec/event_gate.hpp>
#include <understudy/net/attempt_outcomes.hpp>
#include <understudy/net/body_reader.hpp>
#include <understudy/net/chunks.hpp>
#include <understudy/net/downstream.hpp>
#include <understudy/net/worker_env.hpp>
#include <understudy/proxy/downstream_head.hpp>
#include <understudy/translate/stream_resume.hpp>

namespace understudy::net {

/// An accepted response on its way down. Untouched bodies pass as the bytes they came in;
/// translated ones are chunked anew. One bounded buffer each way: nothing is read while the client
/// does not take what there is. An answer without its proper end is never ended properly.
template <class Net>
class relay {
 public:
  using stream = typename Net::stream;
  using link_type = connection<stream>;

  relay(downstream<stream>& down, exchange_state& exchange, attempt_state& attempt,
        std::shared_ptr<link_type> link, base::duration idle)
      : down_{down},
        state_{exchange},
        attempt_{attempt},
        link_{std::move(link)},
        framing_{*attempt.framing},
        idle_{idle},
        is_watched_{attempt.is_watched},
        unwatched_{attempt.watched_bytes} {}

  /// Only whole events go out, and are remembered: the answer may be taken up after a break.
  void remember(translate::sent_text& sent) { sent_ = &sent; }
  /// This answer takes another one up: only what is new goes out, and the head has gone out before.
  void take_up(translate::stream_repeat& repeat) { repeat_ = &repeat; }

  awaitable<relay_end> run(std::size_t head_size, const proxy::response_notes& notes) {
    is_translated_ = attempt_.plan.mode == translate::body_mode::stream;
    const auto type = attempt_.response.fields.find("content-type");
    is_event_stream_ = type && base::istarts_with(*type, "text/event-stream");
    const bool is_reframed =
        is_translated_ || state_.is_head_sent || sent_ != nullptr || repeat_ != nullptr ||
        (is_event_stream_ && is_watched_ && framing_.kind != codec::framing_kind::chunked);
    state_.out.clear();
    if (!state_.is_head_sent) append_head(is_reframed, notes);
    state_.is_head_sent = true;
    link_->consume(head_size);
    if (is_reframed) {
      if (is_event_stream_ && !is_translated_ && sent_ == nullptr && repeat_ == nullptr)
        gate_.emplace();
      return run_reframed();
    }
    switch (framing_.kind) {
      case codec::framing_kind::none:
      case codec::framing_kind::length:
        return run_length();
      case codec::framing_kind::chunked:
        return is_event_stream_ && is_watched_ ? run_events() : run_chunked();
      case codec::framing_kind::until_close:
        break;
    }
    return run_until_close();
  }

  /// The answer had begun and can't be finished: where the stream stands between two events the
  /// client is told in its own schema; the body's end is never written.
  awaitable<void> break_off(relay_end how) {
    if (how == relay_end::downstream_gone || !may_speak_ || !state_.rule->is_ai) co_return;
    scope().forgive_deadline();
    translated_.clear();
    if (is_translated_ && sent_ == nullptr && repeat_ == nullptr) {
      attempt_.translator->abort(ending_words(how).message, translated_);
    } else {
      translate::append_break_event(state_.op, ending_words(how).message, translated_);
    }
    if (!send_chunk(false)) co_await finish_send();
  }

 private:
  static time_point now() { return base::clock::now(); }
  cancel_scope& scope() { return down_.scope(); }
  std::string_view input() { return link_->input().data(); }

  void append_head(bool is_reframed, const proxy::response_notes& notes) {
    proxy::response_length length;
    length.is_chunked = is_reframed || framing_.kind == codec::framing_kind::chunked ||
                        framing_.kind == codec::framing_kind::until_close;
    if (!is_reframed && framing_.kind == codec::framing_kind::length)
      length.content_length = framing_.length;
    if (state_.is_head_method || attempt_.response.status == 304) announce_only(length);
    proxy::append_downstream_head(state_.out, attempt_.response, attempt_.plan.set,
                                  &state_.rule->response_headers, length, notes,
                                  state_.closes_downstream);
  }

  /// HEAD and 304 describe a body that does not come.
  void announce_only(proxy::response_length& length) const {
    length.is_chunked = false;
    if (const auto written = attempt_.response.fields.find("content-length"))
      length.content_length = codec::parse_content_length(*written);
  }

  awaitable<relay_end> run_length() {
    std::uint64_t left = framing_.kind == codec::framing_kind::none ? 0 : framing_.length;
    for (;;) {
      const auto data = input().substr(
          0, static_cast<std::size_t>(std::min<std::uint64_t>(left, input().size())));
      if (!data.empty() || !state_.out.empty()) {
        if (!send(data)) {
          const bool is_sent = co_await finish_send();
          if (!is_sent) co_return relay_end::downstream_gone;
        }
        watch(data);  // for its usage only: the length tells whether it is whole
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
    body_walker watched{framing_};
    for (;;) {
      const auto passage = tracker.pass(input());
      const auto data = input().substr(0, passage.forward);
      if (is_watched_) watch_chunks(watched, input().substr(0, passage.consumed));
      const bool is_short = tracker.is_done() && !ends_properly();
      // The end of a body that is no whole answer stays away.
      if (is_short) co_return cut_short();
      if (!data.empty() || passage.needs_end || !state_.out.empty()) {
        const std::string_view after = passage.needs_end ? "\r\n" : "";
        if (!send(data, after)) {
          const bool is_sent = co_await finish_send();
          if (!is_sent) co_return relay_end::downstream_gone;
        }
      }
      link_->consume(passage.consumed);
      if (tracker.is_done()) co_return end_of_body();
      if (tracker.has_failed()) co_return relay_end::upstream_broke;
      const relay_end stop = co_await more();
      if (stop != relay_end::complete) co_return stop;
    }
  }

  /// A chunked event stream. Its bytes pass as they came, up to the last chunk that ends with an
  /// event: behind it we may speak. One whose chunks end elsewhere is chunked anew.
  awaitable<relay_end> run_events() {
    body_walker walker{framing_};
    may_speak_ = true;
    for (std::size_t examined = 0;;) {
      const auto seen = examine(walker, examined);
      const bool is_end = walker.is_complete() && seen.data_behind == 0;
      const bool is_short = is_end && !ends_properly();
      const bool is_last = is_end && !is_short;
      if (seen.aligned != 0 || is_last || !state_.out.empty()) {
        const std::string_view after = is_last ? "0\r\n\r\n" : "";
        if (!send(input().substr(0, seen.aligned), after)) {
          const bool is_sent = co_await finish_send();
          if (!is_sent) co_return relay_end::downstream_gone;
        }
      }
      link_->consume(is_last ? seen.examined : seen.aligned);
      if (is_last) co_return end_of_body();
      if (is_short) co_return cut_short();
      if (walker.has_failed()) co_return relay_end::upstream_broke;
      if (has_fault()) co_return seen.data_behind == 0 ? faulty() : relay_end::stream_error;
      examined = seen.examined - seen.aligned;
      data_behind_ = seen.data_behind;
      if (walker.is_complete() || seen.is_misaligned || examined > max_read_bytes) {
        unwatched_ = seen.data_behind;
        gate_.emplace();
        co_return co_await run_reframed();
      }
      const bool may_wait = begin_wait();
      if (!may_wait) co_return end_of_wait();
      std::tuple<error_code> filled;
      {  // as in more(), without its frame: this is every chunk's way
        const cancel_scope::waiting wait{scope(), *link_};
        filled = co_await link_->async_fill();
      }
      const relay_end stop = after_wait(std::get<0>(filled));
      if (stop != relay_end::complete) co_return stop;
    }
  }

  awaitable<relay_end> run_until_close() {
    for (;;) {
      if (!input().empty()) begin_chunk(input().size());
      if (!input().empty() || !state_.out.empty()) {
        const auto data = input();
        watch(data);
        const std::string_view after = data.empty() ? "" : "\r\n";
        if (!send(data, after)) {
          const bool is_sent = co_await finish_send();
          if (!is_sent) co_return relay_end::downstream_gone;
        }
        link_->consume(data.size());
      }
      const auto stop = co_await more();
      if (stop == relay_end::complete) continue;
      if (stop != relay_end::upstream_broke || link_->read_error() != asio::error::eof)
        co_return stop;
      if (!ends_properly()) co_return cut_short();
      state_.out = "0\r\n\r\n";
      bool is_sent = send({});
      if (!is_sent) is_sent = co_await finish_send();
      co_return is_sent ? relay_end::complete_not_reusable : relay_end::downstream_gone;
    }
  }

  /// Decoded, changed or not, and chunked anew.
  awaitable<relay_end> run_reframed() {
    body_reader<stream> reader{*link_, framing_};
    for (bool is_at_end = false;;) {
      translated_.clear();
      bool is_sound = true;
      auto progress = reader.drain([&](std::string_view data) {
        is_sound = pass(data);
        return is_sound;
      });
      if (is_at_end && progress == body_progress::needs_more) progress = body_progress::complete;
      bool is_last = progress == body_progress::complete;
      if (is_last) is_last = is_sound = end_properly();
      may_speak_ = is_between_events();
      if (!translated_.empty() || is_last || !state_.out.empty()) {
        if (!send_chunk(is_last)) {
          const bool is_sent = co_await finish_send();
          if (!is_sent) co_return relay_end::downstream_gone;
        }
      }
      if (is_last)
        co_return reader.is_reusable() ? relay_end::complete : relay_end::complete_not_reusable;
      if (is_diverged_) co_return relay_end::diverged;
      if (!is_sound || progress == body_progress::complete) co_return cut_short();
      if (progress == body_progress::malformed) co_return relay_end::upstream_broke;
      if (has_fault()) co_return faulty();
      const auto stop = co_await more();
      if (stop == relay_end::complete) continue;
      is_at_end = stop == relay_end::upstream_broke && reader.ends_at_close() &&
                  link_->read_error() == asio::error::eof;
      if (!is_at_end) co_return stop;
    }
  }

  /// One decoded span into translated_. False: it can't be followed.
  bool pass(std::string_view data) {
    if (sent_ != nullptr && !is_translated_) return pass_events(data);
    watch(data);
    if (is_translated_ && sent_ == nullptr && repeat_ == nullptr)
      return attempt_.translator->feed(data, translated_);
    if (is_translated_) {
      piece_.clear();
      const bool is_sound = attempt_.translator->feed(data, piece_);
      if (!is_sound) drop_last_event();
      return remember_or_repeat(piece_) && is_sound;
    }
    if (repeat_ != nullptr) return remember_or_repeat(data);
    if (gate_) {
      gate_->pass(data, translated_);
    } else {
      translated_.append(data);
    }
    return true;
  }

  /// Where the answer may be taken up by another one, an error event stays away.
  bool pass_events(std::string_view data) {
    while (!data.empty()) {
      const auto event = data.substr(0, codec::end_of_first_event(data));
      data.remove_prefix(event.size());
      watch(event);
      if (has_fault()) return false;
      remember_or_repeat(event);
    }
    return true;
  }

  /// The one in which a translator says what is wrong.
  void drop_last_event() {
    const auto end = piece_.find_last_not_of("\r\n");
    piece_.resize(codec::end_of_events(std::string_view{piece_}.substr(0, end + 1)));
  }

  bool remember_or_repeat(std::string_view data) {
    if (repeat_ != nullptr) {
      is_diverged_ = !repeat_->feed(data, translated_);
      return !is_diverged_;
    }
    sent_->pass(data, translated_);
    return true;
  }

  /// The body has ended. False: the answer has not.
  bool end_properly() {
    if (!ends_properly()) return false;
    piece_.clear();
    if (is_translated_ && !attempt_.translator->finish(piece_)) {
      if (sent_ == nullptr && repeat_ == nullptr) translated_.append(piece_);
      return false;
    }
    if (sent_ == nullptr && repeat_ == nullptr) {
      translated_.append(piece_);
      if (gate_) gate_->finish(translated_);
      return true;
    }
    const bool is_sound = remember_or_repeat(piece_);
    if (sent_ != nullptr) sent_->finish(translated_);
    return is_sound && (repeat_ == nullptr || repeat_->finish(translated_));
  }

  // A translator follows its stream itself; its words are the ones the client gets.
  void watch(std::string_view data) {
    if (!is_watched_ || is_translated_) return;
    if (unwatched_ != 0) {
      const auto known = static_cast<std::size_t>(std::min<std::uint64_t>(unwatched_, data.size()));
      unwatched_ -= known;
      data.remove_prefix(known);
    }
    if (!data.empty()) attempt_.watch.feed(data);
  }

  void watch_chunks(body_walker& walker, std::string_view coded) {
    for (std::size_t at = 0; at < coded.size() && !walker.is_complete() && !walker.has_failed();) {
      std::string_view data;
      at += walker.step(coded.substr(at), data);
      if (!data.empty()) watch(data);
    }
  }

  /// How far the input has been looked at, and how much of it may go out: `aligned`.
  struct examination {
    std::size_t examined = 0;
    std::size_t aligned = 0;
    std::uint64_t data_behind = 0;  ///< decoded bytes behind `aligned` that have been watched
    bool is_misaligned = false;     ///< a chunk has ended within an event
  };
  examination examine(body_walker& walker, std::size_t from) {
    examination seen;
    seen.data_behind = data_behind_;
    const auto coded = input();
    std::size_t at = from;
    while (at < coded.size() && !walker.is_complete() && !walker.has_failed()) {
      std::string_view data;
      at += walker.step(coded.substr(at), data);
      if (!data.empty()) watch(data);
      seen.data_behind += data.size();
      // The CR LF behind a chunk's data is among these bytes, or comes later and alone.
      const bool is_end = walker.is_at_chunk_end();
      if (!is_end && !walker.is_at_chunk_boundary()) continue;
      seen.is_misaligned = !is_event_end(data);
      const std::size_t boundary = is_end ? at + 2 : at;
      if (seen.is_misaligned || boundary > coded.size()) continue;
      seen.aligned = boundary;
      seen.data_behind = 0;
    }
    seen.examined = at;
    return seen;
  }

  /// Among the bytes that were held the watch is ahead of us: there the text has to tell.
  bool is_event_end(std::string_view data) const {
    if (unwatched_ == 0) return attempt_.watch.is_between_events();
    return !data.empty() && codec::end_of_events(data) == data.size();
  }

  bool has_fault() const {
    return is_watched_ && !is_translated_ && attempt_.watch.fault() != nullptr &&
           !attempt_.watch.is_whole();
  }
  /// The upstream's own words are with the client already.
  relay_end faulty() {
    if (repeat_ == nullptr && sent_ == nullptr) may_speak_ = false;
    return relay_end::stream_error;
  }

  bool ends_properly() {
    if (!is_watched_ || is_translated_) return true;
    if (unwatched_ == 0) attempt_.watch.finish();
    return attempt_.watch.is_whole();
  }
  relay_end cut_short() {
    if (has_fault() && !attempt_.watch.fault()->is_unintelligible) return faulty();
    return is_translated_ ? relay_end::stream_error : relay_end::upstream_broke;
  }

  bool is_between_events() const {
    if (is_translated_ || sent_ != nullptr || repeat_ != nullptr) return true;
    return gate_ && gate_->is_between_events();
  }

  /// Writes what `out` holds, then `data`, then `after`; ordinarily all of it at once. False: some
  /// is left, or the client has gone; finish_send() waits and tells.
  bool send(std::string_view data, std::string_view after = {}) {
    const std::array<asio::const_buffer, 3> pieces{asio::buffer(state_.out), asio::buffer(data),
                                                   asio::buffer(after)};
    if (!state_.is_committed) {
      state_.is_committed = true;
      state_.record.time_to_first_byte = now() - state_.complete_at;
    }
    state_.record.bytes_sent += state_.out.size() + data.size() + after.size();
    if (state_.trace.wants_answer()) state_.trace.keep_answer(state_.out, data, after);
    auto& link = down_.link();
    link.start_write(pieces);
    if (link.is_writing() || !is_taken()) return false;
    state_.out.clear();
    return true;
  }

  awaitable<bool> finish_send() {
    if (down_.link().is_writing()) co_await down_.flush();
    state_.out.clear();
    co_return is_taken();
  }

  bool is_taken() {
    auto& link = down_.link();
    return !link.write_error() && !link.is_closed() &&
           scope().reason() < cancel_reason::downstream_gone;
  }

  void begin_chunk(std::size_t size) { append_chunk_size(state_.out, size); }

  bool send_chunk(bool is_last) {
    if (!translated_.empty()) begin_chunk(translated_.size());
    const std::string_view after = translated_.empty() ? (is_last ? "0\r\n\r\n" : "")
                                   : is_last           ? "\r\n0\r\n\r\n"
                                                       : "\r\n";
    return send(translated_, after);
  }

  /// Waits for bytes; `complete` means there are some.
  awaitable<relay_end> more() {
    const bool may_wait = begin_wait();
    if (!may_wait) co_return end_of_wait();
    const cancel_scope::waiting wait{scope(), *link_};
    const auto filled = co_await link_->async_fill();
    co_return after_wait(std::get<0>(filled));
  }

  bool begin_wait() {
    if (scope().is_cancelled()) return false;
    auto& buffer = link_->input();
    // A read that filled the buffer says there is more: fewer, larger reads then.
    if (!link_->is_reading())
      buffer.reserve(was_full_ ? std::min(2 * buffer.capacity(), max_read_bytes) : read_bytes / 2);
    const auto& t = state_.rule->timeouts;
    time_point deadline = idle_ == base::duration::max() ? timer_queue::never : now() + idle_;
    if (!t.is_head_only) deadline = std::min(deadline, state_.decisions.request_deadline());
    down_.arm(deadline);
    return true;
  }

  relay_end after_wait(error_code ec) {
    auto& buffer = link_->input();
    was_full_ = buffer.space_size() == 0 && buffer.capacity() < max_read_bytes;
    if (scope().is_cancelled()) return end_of_wait();
    return ec ? relay_end::upstream_broke : relay_end::complete;
  }

  relay_end end_of_wait() {
    if (scope().reason() != cancel_reason::deadline) return relay_end::downstream_gone;
    const bool is_request =
        !state_.rule->timeouts.is_head_only && now() >= state_.decisions.request_deadline();
    return is_request ? relay_end::request_timeout : relay_end::idle_timeout;
  }

  relay_end end_of_body() {
    return input().empty() ? relay_end::complete : relay_end::complete_not_reusable;
  }

  downstream<stream>& down_;
  exchange_state& state_;
  attempt_state& attempt_;
  std::shared_ptr<link_type> link_;
  codec::body_framing framing_;
  base::duration idle_;
  translate::sent_text* sent_ = nullptr;
  translate::stream_repeat* repeat_ = nullptr;
  std::optional<codec::event_gate> gate_;  ///< an event stream that is chunked anew
  std::string translated_, piece_;
  bool is_watched_;
  std::uint64_t unwatched_;  ///< bytes that were watched while they were held
  std::uint64_t data_behind_ = 0;
  bool is_event_stream_ = false;
  bool is_translated_ = false;
  bool is_diverged_ = false;
  bool was_full_ = false;
  bool may_speak_ = false;
};

}  // namespace understudy::net
