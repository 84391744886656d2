#pragma once
#include <algorithm>
#include <array>
#include <optional>

#include <understudy/credentials/apply.hpp>
#include <understudy/net/attempt_outcomes.hpp>
#include <understudy/net/downstream.hpp>
#include <understudy/net/head_reader.hpp>
#include <understudy/net/prepare.hpp>
#include <understudy/net/relay.hpp>
#include <understudy/net/sleeper.hpp>
#include <understudy/net/worker_env.hpp>
#include <understudy/proxy/downstream_head.hpp>
#include <understudy/proxy/upstream_head.hpp>

namespace understudy::net {

/// The way of one matched request, from the first attempt to the last byte. Contains no decision
/// of its own: `state.decisions` says what comes next, this carries it out.
template <class Net>
class exchange_server {
 public:
  using stream = typename Net::stream;
  using link_pointer = std::shared_ptr<connection<stream>>;
  using endpoint_pointer = std::shared_ptr<upstream_endpoint<Net>>;
  using decision = resilience::decision;
  using ending = resilience::attempt_planner::ending;

  exchange_server(worker_env<Net>& env, downstream<stream>& down, exchange_state& state)
      : env_{env}, down_{down}, state_{state} {}

  /// Returns when the response is complete or the connection must end (state.closes_downstream).
  awaitable<void> serve() {
    resilience::request_limits limits;
    limits.is_stream = state_.summary.stream;
    limits.is_early_data = state_.head.fields.find("early-data").has_value();
    limits.request_timeout = state_.rule->timeouts.request;
    state_.decisions.open(state_.active->clusters[state_.rule->cluster_index], env_.observer,
                          limits, state_.complete_at);
    decision next = state_.decisions.next(now());
    for (;;) {
      switch (next.step) {
        case resilience::next_step::attempt: next = co_await attempt(next); break;
        case resilience::next_step::wait: next = co_await back_off(next); break;
        case resilience::next_step::accept: co_await deliver(next); co_return;
        case resilience::next_step::give_up: co_await give_up(next); co_return;
      }
      if (is_over()) co_return abandon();
    }
  }

 private:
  static time_point now() { return base::clock::now(); }
  cancel_scope& scope() { return down_.scope(); }
  bool is_over() const { return is_answered_ || down_.scope().reason() >= cancel_reason::downstream_gone; }

  // ---- one attempt ------------------------------------------------------------------------

  awaitable<decision> attempt(const decision chosen) {
    attempt_started_ = now();
    state_.backend = &state_.rule->backends[chosen.target.locality];
    auto& record = state_.record.attempts.emplace_back();
    record.backend = state_.backend->name;
    record.priority = chosen.target.priority;

    endpoint_ = env_.pool.find(*state_.decisions.cluster(), *state_.rule, chosen.target);
    if (!endpoint_) co_return fail(failed(resilience::failure_class::connect), "endpoint is gone");
    if (auto refused = prepare_attempt(state_, *endpoint_, env_.keys)) {
      if (refused->is_credential_missing) {
        record.outcome = telemetry::attempt_outcome::no_credentials;
        co_return fail(failed(resilience::failure_class::connect), refused->cause);
      }
      co_await refuse(std::move(*refused));
      co_return decision{};
    }
    co_return co_await exchange_with_upstream(chosen);
  }

  awaitable<decision> exchange_with_upstream(const decision& chosen) {
    bool is_fresh_wanted = false;
    for (;;) {
      const bool is_reused = co_await obtain_link(is_fresh_wanted);
      if (is_over()) co_return decision{};
      if (!link_) co_return fail(dial_failure_, dial_cause_);
      auto& record = state_.record.attempts.back();
      record.is_reused = is_reused;
      if (!record.is_replayed) state_.decisions.on_connected(now());

      if (chosen.per_try_timeout) per_try_deadline_ = now() + *chosen.per_try_timeout;
      const outcome result = co_await send_and_read_head();
      if (is_over()) co_return decision{};
      if (is_stale(result, is_reused) && !record.is_replayed) {
        record.is_replayed = is_fresh_wanted = true;
        drop_link();
        continue;
      }
      co_return co_await judge(result);
    }
  }

  /// A pooled connection that died with nothing read is nobody's failure (sent again once, on a
  /// fresh connection, where a second copy can do no harm).
  bool is_stale(const outcome& result, bool is_reused) const {
    return is_reused && result.what == resilience::failure_class::closed && !has_read_bytes_ &&
           proxy::may_replay(state_.op, state_.head.method);
  }

  awaitable<bool> obtain_link(bool is_fresh_wanted) {
    has_read_bytes_ = false;
    per_try_deadline_ = timer_queue::never;
    link_ = is_fresh_wanted ? nullptr : endpoint_->take_idle();
    link_epoch_ = endpoint_->epoch();
    if (link_) {
      env_.sink.counters().upstream_connections_active.add();
      co_return true;
    }
    auto& counters = env_.sink.counters();
    counters.upstream_connects_total.add();
    const time_point deadline = now() + state_.rule->timeouts.connect;
    down_.arm(std::min(deadline, state_.decisions.request_deadline()));
    auto dialed = co_await env_.dialer.dial(endpoint_->where(), scope());
    if (scope().is_cancelled() && dialed.link) dialed.link->close();
    if (scope().reason() == cancel_reason::deadline) {
      dial_failure_ = now() >= state_.decisions.request_deadline()
                          ? failed(resilience::failure_class::global)
                          : failed(resilience::failure_class::connect_timeout);
      dial_cause_ = "connect timeout";
      dialed.link.reset();
      scope().forgive_deadline();
    } else if (!dialed.link) {
      dial_failure_ = failed(resilience::failure_class::connect);
      dial_cause_ = std::move(dialed.cause);
    }
    if (!dialed.link) {
      counters.upstream_connect_failures.add();
      co_return false;
    }
    link_ = std::move(dialed.link);
    counters.upstream_connections_active.add();
    co_return false;
  }

  awaitable<outcome> send_and_read_head() {
    const std::array<asio::const_buffer, 2> pieces{asio::buffer(state_.upstream_head),
                                                   asio::buffer(body_to_send())};
    link_->input().reserve(read_bytes);
    link_->start_write(pieces);
    std::size_t scanned = 0;
    for (int interim = 0;;) {
      auto& input = link_->input();
      const auto head =
          read_response_head(input.data(), upstream_limits, scanned, state_.response);
      if (!input.empty()) has_read_bytes_ = true;
      if (head.status == head_status::complete) {
        if (state_.response.status >= 200) {
          head_size_ = head.size;
          co_return received();
        }
        if (state_.response.status == 101 || ++interim > max_interim)
          co_return failed(resilience::failure_class::protocol, true);
        link_->consume(head.size);
        scanned = 0;
        continue;
      }
      if (head.status != head_status::partial)
        co_return failed(resilience::failure_class::protocol, true);
      if (!link_->is_reading()) input.reserve(read_bytes / 2);
      down_.arm(std::min(per_try_deadline_, state_.decisions.request_deadline()));
      error_code ec;
      {
        const cancel_scope::waiting wait{scope(), *link_};
        auto filled = co_await link_->async_fill();
        ec = std::get<0>(filled);
      }
      if (scope().reason() == cancel_reason::deadline) {
        scope().forgive_deadline();
        const bool is_global = now() >= state_.decisions.request_deadline();
        co_return failed(is_global ? resilience::failure_class::global
                                   : resilience::failure_class::per_try,
                         true);
      }
      if (is_over()) co_return outcome{};
      if (ec) co_return failed(resilience::failure_class::closed, true);
    }
  }

  std::string_view body_to_send() const {
    return state_.upstream.body ? std::string_view{*state_.upstream.body} : state_.body;
  }

  outcome received() const {
    outcome result;
    result.what = resilience::failure_class::status;
    result.status = state_.response.status;
    result.is_bytes_sent = true;
    result.is_envoy_ratelimited = state_.response.fields.find("x-envoy-ratelimited").has_value();
    return result;
  }

  /// A head, or its absence, becomes the planner's next word.
  awaitable<decision> judge(const outcome& result) {
    auto& record = state_.record.attempts.back();
    if (result.what != resilience::failure_class::status) {
      drop_link();
      co_return fail(result, cause_of(result.what));
    }
    framing_ = codec::response_framing(state_.response, state_.head.method);
    if (codec::check_response(state_.response) || !framing_) {
      drop_link();
      co_return fail(failed(resilience::failure_class::protocol, true), "malformed response");
    }
    record.status = result.status;
    plan_response();
    // A translated unary answer is whole before anyone believes in it: until then it may fail.
    if (result.status < 300 && plan_.mode == translate::body_mode::whole) {
      const bool is_whole = co_await collect();
      if (is_over()) co_return decision{};
      if (!is_whole) {
        drop_link();
        co_return fail(collect_failure_, cause_of(collect_failure_.what));
      }
    }
    const decision next = state_.decisions.on_outcome(result, now());
    if (next.step != resilience::next_step::accept) {
      note_failure(telemetry::attempt_outcome::status,
                   "status " + std::to_string(result.status));
      discard_response();
    }
    co_return next;
  }

  /// Books a failed attempt and asks what comes next.
  decision fail(const outcome& result, std::string_view cause) {
    last_failure_ = result.what;
    auto& record = state_.record.attempts.back();
    const auto word = record.outcome == telemetry::attempt_outcome::no_credentials
                          ? record.outcome
                          : outcome_word(result.what);
    note_failure(word, std::string{cause});
    return state_.decisions.on_outcome(result, now());
  }

  void note_failure(telemetry::attempt_outcome word, std::string cause) {
    auto& record = state_.record.attempts.back();
    record.outcome = word;
    record.elapsed = now() - attempt_started_;
    state_.failures.push_back({state_.backend->name, std::move(cause)});
  }

  awaitable<decision> back_off(const decision& pause) {
    sleeper nap{env_.timers};
    down_.disarm();
    {
      const cancel_scope::waiting wait{scope(), nap};
      if (pause.until > now()) co_await nap.async_wait_until(pause.until);
    }
    if (is_over()) co_return decision{};
    co_return state_.decisions.next(now());
  }

  // ---- the answer -------------------------------------------------------------------------

  void plan_response() {
    plan_ = {};
    if (!state_.translator) return;
    plan_ = state_.translator->head(state_.response, base::wall_now());
    // A compressed body that would only be wrapped goes through as it is.
    const auto coding = state_.response.fields.find("content-encoding");
    if (plan_.mode == translate::body_mode::whole && coding && *coding != "identity" &&
        proxy::is_native(state_.op, state_.backend->schema))
      plan_ = {};
    if (plan_.mode == translate::body_mode::whole) keep_head();
  }

  /// The collected body overwrites the buffer that the head's views point into.
  void keep_head() {
    state_.kept_head.assign(link_->input().data().substr(0, head_size_));
    std::size_t scanned = 0;
    read_response_head(state_.kept_head, upstream_limits, scanned, state_.response);
  }

  awaitable<bool> collect() {
    body_reader<stream> reader{*link_, *framing_};
    link_->consume(head_size_);
    is_collected_ = true;
    state_.collected.clear();
    for (;;) {
      const auto progress = reader.take(state_.collected);
      if (state_.collected.size() > max_collected_bytes || progress == body_progress::malformed) {
        collect_failure_ = failed(resilience::failure_class::protocol, true);
        co_return false;
      }
      if (progress == body_progress::complete) {
        is_reusable_ = reader.is_reusable();
        co_return true;
      }
      if (!co_await wait_for_upstream(idle_limit())) {
        collect_failure_ = failed(scope().reason() == cancel_reason::deadline
                                      ? resilience::failure_class::per_try
                                      : resilience::failure_class::closed,
                                  true);
        scope().forgive_deadline();
        if (!reader.ends_at_close() || collect_failure_.what != resilience::failure_class::closed)
          co_return false;
        co_return true;
      }
    }
  }

  base::duration idle_limit() const {
    const auto& t = state_.rule->timeouts;
    auto limit = base::duration::max();
    if (t.per_try_idle) limit = std::min<base::duration>(limit, *t.per_try_idle);
    if (t.stream_idle) limit = std::min<base::duration>(limit, *t.stream_idle);
    return limit;
  }

  time_point body_deadline(base::duration idle) const {
    const time_point silent = idle == base::duration::max() ? timer_queue::never : now() + idle;
    return state_.rule->timeouts.is_head_only ? silent
                                              : std::min(silent, state_.decisions.request_deadline());
  }

  /// False: the upstream ended, or the scope was cancelled.
  awaitable<bool> wait_for_upstream(base::duration idle) {
    if (!link_->is_reading()) link_->input().reserve(read_bytes / 2);
    down_.arm(body_deadline(idle));
    const cancel_scope::waiting wait{scope(), *link_};
    auto filled = co_await link_->async_fill();
    co_return !std::get<0>(filled) && !scope().is_cancelled();
  }

  awaitable<void> deliver(const decision& accepted) {
    note_accepted(accepted);
    if (plan_.mode == translate::body_mode::whole && !is_collected_) {
      if (!co_await collect()) {
        if (is_over()) co_return abandon();
        state_.decisions.end(ending::upstream_broke, now());
        drop_link();
        co_return co_await answer(proxy::error_reply(state_.op, 502, "upstream_protocol_error",
                                                     "the upstream's answer ended early",
                                                     "upstream_broke"));
      }
    }
    if (is_collected_) {
      co_await deliver_whole();
    } else {
      relay<Net> body{down_, state_, link_, *framing_, plan_, idle_limit()};
      const relay_end how = co_await body.run(head_size_, notes());
      finish_attempt(how);
    }
  }

  awaitable<void> deliver_whole() {
    auto made = state_.translator->whole(state_.response, state_.collected);
    state_.record.usage = state_.translator->usage();
    state_.decisions.end(ending::complete, now());
    finish_link(is_reusable_);
    if (!made) {
      const auto& refused = made.error();
      co_return co_await answer(proxy::error_reply(state_.op, refused.status,
                                                   "upstream_invalid_response", refused.message,
                                                   "untranslatable_response"));
    }
    auto set = plan_.set;
    for (auto& f : made->fields) set.push_back(std::move(f));
    codec::response_head head = state_.response;
    head.status = made->status;
    if (made->status != state_.response.status) head.reason = {};
    state_.collected = std::move(made->body);
    proxy::response_length length;
    length.content_length = state_.collected.size();
    state_.out.clear();
    proxy::append_downstream_head(state_.out, head, set, &state_.rule->response_headers, length,
                                  notes(), state_.closes_downstream);
    if (!state_.is_head_method) state_.out += state_.collected;
    co_await send_all();
  }

  void note_accepted(const decision& accepted) {
    auto& record = state_.record.attempts.back();
    state_.record.status = state_.response.status;
    if (state_.response.status >= 400) {
      state_.record.origin = telemetry::error_origin::upstream;
      record.outcome = telemetry::attempt_outcome::status;
    }
    are_attempts_used_up_ = accepted.why == resilience::stop_reason::retries_exhausted ||
                            accepted.why == resilience::stop_reason::retry_overflow;
    state_.record.flags = flags_of(accepted.why, resilience::failure_class::status);
    record.elapsed = now() - attempt_started_;
  }

  proxy::response_notes notes() {
    proxy::response_notes n;
    n.request_id = state_.request_id;
    n.is_ai = state_.rule->is_ai;
    n.attempts = state_.decisions.attempts();
    if (state_.backend != nullptr) n.backend = state_.backend->name;
    if (state_.rule->is_ai && state_.record.origin != telemetry::error_origin::none)
      n.error_origin = telemetry::name(state_.record.origin);
    n.forbids_sdk_retry = state_.rule->is_ai && are_attempts_used_up_;
    if (state_.wants_explanation) {
      timing_ = server_timing(state_.record.attempts);
      n.server_timing = timing_;
    }
    return n;
  }

  void finish_attempt(relay_end how) {
    auto& record = state_.record.attempts.back();
    record.elapsed = now() - attempt_started_;
    if (state_.translator) state_.record.usage = state_.translator->usage();
    const auto& words = ending_words(how);
    if (how != relay_end::complete && how != relay_end::complete_not_reusable) {
      record.outcome = words.outcome;
      state_.record.details = words.details;
      state_.closes_downstream = true;
      if (how != relay_end::downstream_gone)
        state_.record.origin = telemetry::error_origin::upstream;
    }
    state_.decisions.end(words.planner, now());
    finish_link(how == relay_end::complete);
  }

  // ---- local answers ----------------------------------------------------------------------

  awaitable<void> give_up(const decision& last) {
    are_attempts_used_up_ = state_.record.attempts.size() > 1 ||
                            last.why == resilience::stop_reason::retries_exhausted;
    const auto what = state_.record.attempts.empty() ? no_attempt_class(last.why) : last_failure_;
    state_.record.flags = flags_of(last.why, what);
    co_await answer(proxy::failure_reply(state_.op, state_.route->name,
                                         state_.rule->backends.size(), state_.failures, what,
                                         last.why));
  }

  /// The attempt could not even be prepared: it ends the request, charged to nobody.
  awaitable<void> refuse(attempt_refusal refused) {
    state_.decisions.end(ending::downstream_gone, now());
    note_failure(telemetry::attempt_outcome::untranslatable, std::move(refused.cause));
    if (state_.failures.size() > 1) {
      are_attempts_used_up_ = true;
      co_return co_await answer(proxy::failure_reply(
          state_.op, state_.route->name, state_.rule->backends.size(), state_.failures,
          last_failure_, resilience::stop_reason::not_retriable));
    }
    co_await answer(proxy::error_reply(state_.op, refused.status, refused.code,
                                       state_.failures.back().cause, "untranslatable"));
  }

  awaitable<void> answer(proxy::local_reply reply) {
    is_answered_ = true;
    state_.record.status = reply.status;
    state_.record.details = reply.details;
    state_.record.origin = reply.is_client_fault ? telemetry::error_origin::client
                                                 : telemetry::error_origin::proxy;
    state_.out.clear();
    proxy::append_local_reply(state_.out, reply, notes(), state_.is_head_method,
                              state_.closes_downstream);
    co_await send_all();
  }

  awaitable<void> send_all() {
    if (!state_.is_committed) state_.record.time_to_first_byte = now() - state_.complete_at;
    state_.is_committed = true;
    state_.record.bytes_sent += state_.out.size();
    const std::array<asio::const_buffer, 1> pieces{asio::buffer(state_.out)};
    down_.arm(now() + write_limit);
    down_.link().start_write(pieces);
    if (down_.link().is_writing()) {
      const cancel_scope::waiting wait{scope(), down_.link()};
      co_await down_.link().async_flush();
    }
    if (down_.link().write_error()) state_.closes_downstream = true;
  }

  /// The client has left, or the process ends: the upstream is dropped at once.
  void abandon() {
    if (is_answered_) return;
    state_.closes_downstream = true;
    if (!state_.record.attempts.empty() && link_) {
      auto& record = state_.record.attempts.back();
      record.outcome = telemetry::attempt_outcome::cancelled;
      record.elapsed = now() - attempt_started_;
    }
    state_.record.details = "downstream_gone";
    state_.record.origin = telemetry::error_origin::client;
    drop_link();
    state_.decisions.close();
  }

  // ---- the connection ---------------------------------------------------------------------

  /// A response nobody wants: the connection is kept only where its end is already here.
  void discard_response() {
    auto& input = link_->input();
    bool is_whole = is_collected_ && is_reusable_;
    if (!is_collected_ && framing_->kind == codec::framing_kind::length &&
        input.data().size() == head_size_ + framing_->length) {
      link_->consume(input.data().size());
      is_whole = true;
    }
    is_collected_ = false;
    finish_link(is_whole);
  }

  void finish_link(bool is_clean) {
    if (!link_) return;
    const codec::connection_options options{state_.response.fields};
    if (!is_clean || link_->is_writing() || link_->write_error() ||
        link_epoch_ != endpoint_->epoch() || env_.is_draining ||
        !codec::is_persistent(state_.response.version, options))
      return drop_link();
    env_.sink.counters().upstream_connections_active.subtract();
    endpoint_->give_back(std::move(link_), now());
    link_.reset();
  }

  void drop_link() {
    if (!link_) return;
    env_.sink.counters().upstream_connections_active.subtract();
    link_->close();
    link_.reset();
  }

  worker_env<Net>& env_;
  downstream<stream>& down_;
  exchange_state& state_;
  endpoint_pointer endpoint_;
  link_pointer link_;
  std::uint64_t link_epoch_ = 0;
  codec::framing_result framing_ = codec::body_framing{};
  translate::response_plan plan_;
  std::size_t head_size_ = 0;
  time_point attempt_started_{}, per_try_deadline_ = timer_queue::never;
  outcome dial_failure_, collect_failure_;
  std::string dial_cause_, timing_;
  resilience::failure_class last_failure_ = resilience::failure_class::no_host;
  bool has_read_bytes_ = false;
  bool is_collected_ = false;
  bool is_reusable_ = false;
  bool are_attempts_used_up_ = false;
  bool is_answered_ = false;
};

}  // namespace understudy::net
