#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <understudy/codec/framing.hpp>
#include <understudy/net/attempt_outcomes.hpp>
#include <understudy/net/prepare.hpp>
#include <understudy/net/relay.hpp>
#include <understudy/net/sleeper.hpp>
#include <understudy/net/upstream_exchange.hpp>
#include <understudy/proxy/affinity.hpp>
#include <understudy/proxy/downstream_head.hpp>
#include <understudy/proxy/load_report.hpp>
#include <understudy/proxy/upstream_head.hpp>

namespace understudy::net {

/// The way of one matched request, from the first attempt to the last byte. Contains no decision
/// of its own: `state.decisions` says what comes next, this carries it out.
template <class Net>
class exchange_server {
 public:
  using stream = typename Net::stream;
  using decision = resilience::decision;
  using failure_class = resilience::failure_class;
  using ending = resilience::attempt_planner::ending;

  exchange_server(worker_env<Net>& env, downstream<stream>& down, exchange_state& state)
      : env_{env}, down_{down}, state_{state}, up_{env, down, state} {}

  /// Returns when the response is complete or the connection must end (state.closes_downstream).
  awaitable<void> serve() {
    resilience::request_limits limits;
    limits.is_stream = state_.summary.stream;
    limits.is_early_data = state_.head.fields.find("early-data").has_value();
    limits.request_timeout = state_.rule->timeouts.request;
    affinity_ = proxy::affinity_of(*state_.rule, state_.head, state_.query,
                                   state_.record.client_address, env_.random);
    limits.hint = affinity_.hint;
    state_.decisions.open(state_.active->clusters[state_.rule->cluster_index], env_.observer,
                          limits, state_.complete_at);
    decision next = state_.decisions.next(now());
    for (;;) {
      switch (next.step) {
        case resilience::next_step::attempt:
          next = co_await attempt(next);
          break;
        case resilience::next_step::wait:
          next = co_await back_off(next);
          break;
        case resilience::next_step::accept:
          co_return co_await deliver(next);
        case resilience::next_step::give_up:
          co_return co_await give_up(next);
      }
      if (is_over()) co_return abandon();
    }
  }

 private:
  static time_point now() { return base::clock::now(); }
  cancel_scope& scope() { return down_.scope(); }
  telemetry::attempt_record& record() { return state_.record.attempts.back(); }
  bool is_over() { return is_answered_ || scope().reason() >= cancel_reason::downstream_gone; }

  // ---- one attempt ------------------------------------------------------------------------

  awaitable<decision> attempt(const decision chosen) {
    attempt_started_ = now();
    target_ = chosen.target;
    state_.backend = &state_.rule->backends[chosen.target.locality];
    state_.record.attempts.emplace_back();
    record().backend = state_.backend->name;
    record().priority = chosen.target.priority;

    const auto endpoint = env_.pool.find(state_.decisions.cluster(), *state_.rule, chosen.target);
    if (!endpoint) co_return fail(failed(failure_class::connect), "the endpoint has gone");
    up_.choose(endpoint);
    if (auto refused = prepare_attempt(state_, *endpoint, env_.keys)) {
      if (!refused->is_credential_missing) {
        co_await refuse(std::move(*refused));
        co_return decision{};
      }
      record().outcome = telemetry::attempt_outcome::no_credentials;
      co_return fail(failed(failure_class::connect), refused->cause);
    }
    co_return co_await exchange_with_upstream(chosen);
  }

  awaitable<decision> exchange_with_upstream(const decision& chosen) {
    for (;;) {
      const outcome connected = co_await up_.connect(record().is_replayed);
      if (is_over()) co_return decision{};
      if (!up_.link()) co_return fail(connected, up_.dial_cause());
      record().is_reused = up_.is_reused();
      if (!record().is_replayed) state_.decisions.on_connected(now());
      const time_point per_try = per_try_deadline(chosen);
      const std::string_view body =
          state_.upstream.body ? std::string_view{*state_.upstream.body} : state_.body;
      const outcome result = co_await up_.send_and_read_head(body, per_try);
      if (is_over()) co_return decision{};
      if (!is_stale(result) || record().is_replayed) co_return co_await judge(result);
      record().is_replayed = true;
      up_.drop();
    }
  }

  /// Of the head: the per-try timeout, or the per-try idle limit where that is shorter.
  time_point per_try_deadline(const decision& chosen) const {
    time_point deadline = timer_queue::never;
    if (chosen.per_try_timeout) deadline = now() + *chosen.per_try_timeout;
    if (const auto idle = state_.rule->timeouts.per_try_idle)
      deadline = std::min<time_point>(deadline, now() + *idle);
    return deadline;
  }

  /// A pooled connection that died with nothing read is nobody's failure: sent again once, on a
  /// fresh connection, where a second copy can do no harm.
  bool is_stale(const outcome& result) {
    return up_.is_reused() && result.what == failure_class::closed && !up_.has_read_bytes() &&
           proxy::may_replay(state_.op, state_.head.method);
  }

  /// A head, or its absence, becomes the planner's next word.
  awaitable<decision> judge(outcome result) {
    if (result.what == failure_class::status) {
      framing_ = codec::response_framing(state_.response, state_.head.method);
      const codec::connection_options options{state_.response.fields};
      if (codec::check_response(state_.response) || !framing_ || options.is_overflowing())
        result = failed(failure_class::protocol, true);
    }
    if (result.what == failure_class::status) {
      record().status = result.status;
      note_load();
      plan_response();
      // A translated unary answer is whole before anyone believes in it: until then it may fail.
      if (result.status < 300 && plan_.mode == translate::body_mode::whole)
        result = co_await collect();
      if (is_over()) co_return decision{};
    }
    if (result.what != failure_class::status) {
      up_.drop();
      co_return fail(result, cause_of(result.what));
    }
    const decision next = state_.decisions.on_outcome(result, now());
    if (next.step != resilience::next_step::accept) {
      last_failure_ = failure_class::status;
      note_failure(telemetry::attempt_outcome::status, "status " + std::to_string(result.status));
      up_.discard(*framing_);
    }
    co_return next;
  }

  /// What the host says of its load counts whatever the answer is.
  void note_load() {
    if (!state_.rule->load_reports) return;
    const auto report = proxy::read_load_report(state_.response.fields, *state_.rule->load_reports);
    if (!report) return;
    state_.decisions.cluster()->locked(
        [&](auto& cluster) { cluster.report_load(target_.host, *report, now()); });
  }

  /// Books a failed attempt and asks what comes next.
  decision fail(const outcome& result, std::string_view cause) {
    last_failure_ = result.what;
    note_failure(record().outcome == telemetry::attempt_outcome::no_credentials
                     ? record().outcome
                     : outcome_word(result.what),
                 std::string{cause});
    return state_.decisions.on_outcome(result, now());
  }

  void note_failure(telemetry::attempt_outcome word, std::string cause) {
    record().outcome = word;
    record().elapsed = now() - attempt_started_;
    state_.failures.push_back({state_.backend->name, std::move(cause)});
  }

  awaitable<decision> back_off(const decision& pause) {
    down_.disarm();
    if (pause.until > now()) {
      sleeper nap{env_.timers};
      const cancel_scope::waiting wait{scope(), nap};
      co_await nap.async_wait_until(pause.until);
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
  }

  awaitable<outcome> collect() {
    const time_point limit = state_.rule->timeouts.is_head_only
                                 ? timer_queue::never
                                 : state_.decisions.request_deadline();
    return up_.collect(*framing_, idle_limit(), limit);
  }

  base::duration idle_limit() const {
    const auto& t = state_.rule->timeouts;
    auto limit = base::duration::max();
    if (t.per_try_idle) limit = std::min<base::duration>(limit, *t.per_try_idle);
    if (t.stream_idle) limit = std::min<base::duration>(limit, *t.stream_idle);
    if (t.body_idle) limit = std::min<base::duration>(limit, *t.body_idle);
    return limit;
  }

  awaitable<void> deliver(const decision& accepted) {
    note_accepted(accepted);
    if (plan_.mode == translate::body_mode::whole && !up_.is_collected()) {
      const outcome collected = co_await collect();
      if (is_over()) co_return abandon();
      if (collected.what != failure_class::status) {
        state_.decisions.end(ending::upstream_broke, now());
        up_.drop();
        co_return co_await answer(proxy::error_reply(state_.op, 502, "upstream_protocol_error",
                                                     "the upstream's answer ended early",
                                                     "upstream_broke"));
      }
    }
    if (up_.is_collected()) co_return co_await deliver_whole();
    if (env_.is_draining) state_.closes_downstream = true;
    relay<Net> body{down_, state_, up_.link(), *framing_, plan_, idle_limit()};
    finish_attempt(co_await body.run(up_.head_size(), notes()));
  }

  awaitable<void> deliver_whole() {
    auto made = state_.translator->whole(state_.response, state_.collected);
    state_.record.usage = state_.translator->usage();
    state_.decisions.end(ending::complete, now());
    up_.finish_collected();
    if (!made)
      co_return co_await answer(
          proxy::error_reply(state_.op, made.error().status, "upstream_invalid_response",
                             made.error().message, "untranslatable_response"));
    auto set = plan_.set;
    for (auto& f : made->fields) set.push_back(std::move(f));
    codec::response_head head = state_.response;
    head.status = made->status;
    if (made->status != state_.response.status) head.reason = {};
    proxy::response_length length;
    length.content_length = made->body.size();
    state_.out.clear();
    if (env_.is_draining) state_.closes_downstream = true;
    proxy::append_downstream_head(state_.out, head, set, &state_.rule->response_headers, length,
                                  notes(), state_.closes_downstream);
    if (!state_.is_head_method) state_.out += made->body;
    co_await send_all();
  }

  void note_accepted(const decision& accepted) {
    state_.record.status = state_.response.status;
    if (state_.response.status >= 400) {
      state_.record.origin = telemetry::error_origin::upstream;
      record().outcome = telemetry::attempt_outcome::status;
    }
    are_attempts_used_up_ = accepted.why == resilience::stop_reason::retries_exhausted ||
                            accepted.why == resilience::stop_reason::retry_overflow;
    state_.record.flags = flags_of(accepted.why, failure_class::status);
    record().elapsed = now() - attempt_started_;
  }

  proxy::response_notes notes() {
    proxy::response_notes n;
    n.request_id = state_.request_id;
    n.is_ai = state_.rule->is_ai;
    n.attempts = state_.decisions.attempts();
    if (state_.backend != nullptr) n.backend = state_.backend->name;
    if (n.is_ai && state_.record.origin != telemetry::error_origin::none)
      n.error_origin = telemetry::name(state_.record.origin);
    n.forbids_sdk_retry = n.is_ai && are_attempts_used_up_;
    if (!affinity_.new_cookie.empty()) extra_.push_back({"set-cookie", affinity_.new_cookie});
    if (target_.host != resilience::no_host && state_.rule->session)
      if (auto field = proxy::session_field(*state_.rule, affinity_.hint, target_.key))
        extra_.push_back(std::move(*field));
    n.extra = extra_;
    n.hides_load_report = state_.rule->load_reports && !state_.rule->load_reports->is_kept;
    if (state_.wants_explanation) {
      timing_ = server_timing(state_.record.attempts);
      n.server_timing = timing_;
    }
    return n;
  }

  void finish_attempt(relay_end how) {
    record().elapsed = now() - attempt_started_;
    if (state_.translator) state_.record.usage = state_.translator->usage();
    const auto& words = ending_words(how);
    if (words.outcome != telemetry::attempt_outcome::ok) {
      record().outcome = words.outcome;
      state_.record.details = words.details;
      state_.record.origin = how == relay_end::downstream_gone ? telemetry::error_origin::client
                                                               : telemetry::error_origin::upstream;
      state_.closes_downstream = true;
    }
    state_.decisions.end(words.planner, now());
    up_.finish(how == relay_end::complete);
  }

  // ---- local answers ----------------------------------------------------------------------

  awaitable<void> give_up(const decision& last) {
    are_attempts_used_up_ =
        state_.record.attempts.size() > 1 || last.why == resilience::stop_reason::retries_exhausted;
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
    state_.record.origin =
        reply.is_client_fault ? telemetry::error_origin::client : telemetry::error_origin::proxy;
    state_.out.clear();
    if (env_.is_draining) state_.closes_downstream = true;
    proxy::append_local_reply(state_.out, reply, notes(), state_.is_head_method,
                              state_.closes_downstream);
    co_await send_all();
  }

  awaitable<void> send_all() {
    state_.record.time_to_first_byte = now() - state_.complete_at;
    state_.is_committed = true;
    state_.record.bytes_sent += state_.out.size();
    const bool is_taken = co_await down_.send(asio::buffer(state_.out));
    if (!is_taken) state_.closes_downstream = true;
  }

  /// The client has left, or the process ends: the upstream is dropped at once.
  void abandon() {
    if (is_answered_) return;
    state_.closes_downstream = true;
    if (!state_.record.attempts.empty() && up_.link()) {
      record().outcome = telemetry::attempt_outcome::cancelled;
      record().elapsed = now() - attempt_started_;
    }
    state_.record.details = "downstream_gone";
    state_.record.origin = telemetry::error_origin::client;
    up_.drop();
    state_.decisions.close();
  }

  worker_env<Net>& env_;
  downstream<stream>& down_;
  exchange_state& state_;
  upstream_exchange<Net> up_;
  codec::framing_result framing_ = codec::body_framing{};
  translate::response_plan plan_;
  time_point attempt_started_{};
  std::string timing_;
  proxy::affinity affinity_;
  resilience::pick target_;
  std::vector<codec::owned_field> extra_;
  failure_class last_failure_ = failure_class::no_host;
  bool are_attempts_used_up_ = false;
  bool is_answered_ = false;
};

}  // namespace understudy::net
