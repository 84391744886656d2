#pragma once
#include <optional>
#include <string>
#include <utility>

#include <understudy/net/keep_alive.hpp>
#include <understudy/net/race.hpp>
#include <understudy/net/relay.hpp>
#include <understudy/proxy/affinity.hpp>
#include <understudy/proxy/downstream_head.hpp>
#include <understudy/proxy/request_limits.hpp>
#include <understudy/translate/stream_resume.hpp>

namespace understudy::net {

/// The way of one matched request, from the first attempt to the last byte. Contains no decision
/// of its own: `state.decisions` says what comes next, this carries it out.
template <class Net>
class exchange_server {
 public:
  using stream = typename Net::stream;
  using decision = resilience::decision;
  using failure_class = resilience::failure_class;
  using next_step = resilience::next_step;
  using ending = resilience::attempt_planner::ending;

  exchange_server(worker_env<Net>& env, downstream<stream>& down, exchange_state& state)
      : env_{env},
        down_{down},
        state_{state},
        attempts_{env, down, state},
        alive_{env, down, state} {}

  /// Returns when the response is complete or the connection must end (state.closes_downstream).
  awaitable<void> serve() {
    auto limits = proxy::limits_of(state_.head, state_.summary.stream, state_.op, state_.body,
                                   *state_.rule, state_.features);
    affinity_ = proxy::affinity_of(*state_.rule, state_.head, state_.query,
                                   state_.record.client_address, env_.random);
    limits.hint = affinity_.hint;
    decision next =
        state_.decisions.open(state_.active->clusters[state_.rule->cluster_index], env_.observer,
                              limits, state_.complete_at, now(), env_.sink.stories() != nullptr);
    alive_.start();
    for (;;) {
      switch (next.step) {
        case next_step::attempt:
          next = co_await attempts_.run(next);
          break;
        case next_step::wait:
          next = co_await back_off(next);
          break;
        case next_step::accept:
          co_return co_await deliver(next);
        case next_step::await_other:
        case next_step::give_up:
          co_return co_await give_up(next);
      }
      if (is_over()) co_return abandon();
    }
  }

 private:
  static time_point now() { return base::clock::now(); }
  cancel_scope& scope() { return down_.scope(); }
  attempt<Net>& current() { return attempts_.current(); }
  upstream_exchange<Net>& up() { return attempts_.current().up(); }
  attempt_state& at() { return attempts_.current().state(); }
  telemetry::attempt_record& record() { return attempts_.current().record(); }
  bool is_over() { return is_answered_ || scope().reason() >= cancel_reason::downstream_gone; }

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

  awaitable<void> deliver(const decision& accepted) {
    alive_.stop();
    note_accepted(accepted);
    if (at().plan.mode == translate::body_mode::whole) return deliver_whole();
    if (down_.is_ending()) state_.closes_downstream = true;
    if (state_.is_head_sent && at().response.status >= 300)
      return break_off_early("the upstream refused the request");
    return deliver_body();
  }

  /// The body as it comes; after a break, where the policy says so, taken up by other attempts.
  awaitable<void> deliver_body() {
    std::optional<translate::sent_text> sent;
    if (may_take_up()) sent.emplace(state_.op);
    relay_end how;
    {
      relay<Net> body{down_, state_, at(), up().link(), current().idle_limit()};
      if (sent) body.remember(*sent);
      how = co_await body.run(up().head_size(), notes());
      if (is_complete(how) && down_.link().has_unsent()) how = co_await taken_to_its_end(how);
      if (!sent || !is_break(how) || !can_take_up(*sent)) {
        if (!is_complete(how)) co_await body.break_off(how);
        co_return finish_attempt(how);
      }
    }
    co_await take_up(*sent, how);
  }

  awaitable<relay_end> taken_to_its_end(relay_end how) {
    const bool is_sent = co_await down_.flush();
    co_return is_sent ? how : relay_end::downstream_gone;
  }

  static bool is_complete(relay_end how) {
    return how == relay_end::complete || how == relay_end::complete_not_reusable;
  }
  static bool is_break(relay_end how) {
    return how == relay_end::upstream_broke || how == relay_end::stream_error ||
           how == relay_end::idle_timeout;
  }

  bool may_take_up() {
    const auto mode = state_.rule->failover.at_break;
    return (mode == plan::on_break::verify || mode == plan::on_break::resume) &&
           state_.summary.stream && at().response.status < 300 && at().is_watched &&
           translate::can_resume(state_.op);
  }

  bool can_take_up(const translate::sent_text& sent) {
    return sent.is_plain_text() && !sent.has_finish() && !sent.is_complete() && state_.is_committed;
  }

  awaitable<void> take_up(translate::sent_text& sent, relay_end how) {
    scope().forgive_deadline();
    const auto& words = ending_words(how);
    record().outcome = words.outcome;
    record().elapsed = now() - at().started;
    current().count_abandoned();
    up().drop();
    decision next = state_.decisions.resume(words.planner, now());
    relay_end last = how;
    while (next.step == next_step::attempt || next.step == next_step::wait) {
      if (next.step == next_step::wait) {
        next = co_await back_off(next);
        if (is_over()) co_return abandon();
        continue;
      }
      const auto repeated_tail = ask_for_rest(sent, next);
      if (!repeated_tail) {
        state_.decisions.end(ending::downstream_gone, now());
        break;
      }
      next = co_await attempts_.run(next);
      if (is_over()) co_return abandon();
      if (next.step != next_step::accept) continue;
      if (at().response.status >= 300) {
        state_.decisions.end(ending::complete, now());
        up().drop();
        break;
      }
      const auto mode = state_.continued_body ? translate::stream_repeat::mode::proceed
                                              : translate::stream_repeat::mode::verify;
      translate::stream_repeat repeat{sent, mode, *repeated_tail};
      relay<Net> rest{down_, state_, at(), up().link(), current().idle_limit()};
      rest.take_up(repeat);
      last = co_await rest.run(up().head_size(), notes());
      if (is_complete(last) && down_.link().has_unsent()) last = co_await taken_to_its_end(last);
      if (!is_complete(last)) co_await rest.break_off(last);
      co_return finish_attempt(last);
    }
    co_await break_off_early("the upstream broke off its answer and no other could go on");
  }

  /// What the next attempt is asked: all of it again (`verify`), or what is missing. Nothing: it
  /// can't be asked.
  std::optional<std::size_t> ask_for_rest(const translate::sent_text& sent, const decision& next) {
    if (state_.rule->failover.at_break == plan::on_break::verify || sent.text().empty()) return 0;
    if (!state_.features) state_.features = translate::scan_features(state_.op, state_.body);
    if (!state_.features) return std::nullopt;
    const auto& backend = state_.rule->backends[next.target.locality];
    const auto& model =
        backend.model_override.empty() ? state_.summary.model : backend.model_override;
    const auto style = translate::assistant_prefix_of(backend.schema, model);
    auto rest =
        translate::continue_request(state_.op, *state_.features, state_.body, sent.text(), style);
    if (!rest) return std::nullopt;
    state_.continued_body = std::move(rest->body);
    return rest->trimmed_bytes;
  }

  /// A body that is translated as a whole; an error's may not be here yet.
  awaitable<void> deliver_whole() {
    if (!up().is_collected()) {
      outcome collected;
      {
        const forward_cancellation begun{*this};
        collected = co_await current().collect();
      }
      if (is_over()) co_return abandon();
      if (collected.what != failure_class::status) {
        state_.decisions.end(ending::upstream_broke, now());
        up().drop();
        co_return co_await answer(proxy::error_reply(state_.op, 502, "upstream_protocol_error",
                                                     "the upstream's answer ended early",
                                                     "upstream_broke"));
      }
    }
    auto made = at().translator->whole(at().response, at().collected);
    state_.note_answer(at());
    state_.decisions.end(ending::complete, now());
    up().finish_collected();
    if (!made)
      co_return co_await answer(
          proxy::error_reply(state_.op, made.error().status, "upstream_invalid_response",
                             made.error().message, "untranslatable_response"));
    auto set = at().plan.set;
    for (auto& f : made->fields) set.push_back(std::move(f));
    codec::response_head head = at().response;
    head.status = made->status;
    if (made->status != at().response.status) head.reason = {};
    proxy::response_length length;
    length.content_length = made->body.size();
    state_.out.clear();
    if (down_.is_ending()) state_.closes_downstream = true;
    if (state_.is_head_sent)
      co_return co_await break_off_early("the upstream answered without a stream");
    proxy::append_downstream_head(state_.out, head, set, &state_.rule->response_headers, length,
                                  notes(), state_.closes_downstream);
    if (!state_.is_head_method) state_.out += made->body;
    if (state_.trace.wants_answer()) state_.trace.keep_answer({}, made->body, {});
    co_await send_all();
  }

  void note_accepted(const decision& accepted) {
    const int status = at().response.status;
    if (!state_.is_head_sent) state_.record.status = status;
    if (status >= 400) {
      state_.record.origin = telemetry::error_origin::upstream;
      record().outcome = telemetry::attempt_outcome::status;
    }
    are_attempts_used_up_ = accepted.why == resilience::stop_reason::retries_exhausted ||
                            accepted.why == resilience::stop_reason::retry_overflow;
    state_.record.flags = flags_of(accepted.why, failure_class::status);
    record().elapsed = now() - at().started;
    state_.record.answered = at().number;
    if (state_.summary.stream && record().time_to_content.count() != 0)
      state_.record.time_to_content = record().start + record().time_to_content;
    env_.sink.keep_response_fields(state_.record, at().response.fields);
  }

  proxy::response_notes notes() {
    proxy::response_notes n;
    n.request_id = state_.request_id;
    n.is_ai = state_.rule->is_ai;
    n.attempts = state_.decisions.attempts();
    if (attempts_.has_attempt()) {
      n.backend = at().backend->name;
      n.dropped = at().upstream.dropped;
    }
    if (n.is_ai && state_.record.origin != telemetry::error_origin::none)
      n.error_origin = telemetry::name(state_.record.origin);
    n.forbids_sdk_retry = n.is_ai && are_attempts_used_up_;
    extra_.clear();
    if (!affinity_.new_cookie.empty()) extra_.push_back({"set-cookie", affinity_.new_cookie});
    if (attempts_.has_attempt())
      if (auto field = proxy::session_field(*state_.rule, affinity_.hint, at().target.key))
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
    const time_point ended = now();
    record().elapsed = ended - at().started;
    state_.note_answer(at());
    const auto& words = ending_words(how);
    if (words.outcome != telemetry::attempt_outcome::ok) {
      record().outcome = words.outcome;
      current().count_abandoned();
      state_.record.details = words.details;
      add_flag(state_.record.flags, words.flag);
      state_.record.origin = how == relay_end::downstream_gone ? telemetry::error_origin::client
                                                               : telemetry::error_origin::upstream;
      state_.closes_downstream = true;
    }
    state_.decisions.end(words.planner, ended);
    up().finish(how == relay_end::complete, ended);
  }

  // ---- local answers ----------------------------------------------------------------------

  awaitable<void> give_up(const decision& last) {
    alive_.stop();
    are_attempts_used_up_ =
        state_.record.attempts.size() > 1 || last.why == resilience::stop_reason::retries_exhausted;
    const auto what =
        state_.record.attempts.empty() ? no_attempt_class(last.why) : attempts_.last_failure();
    state_.record.flags = flags_of(last.why, what);
    if (last.why == resilience::stop_reason::no_capable_backend && state_.features &&
        state_.failures.empty())
      co_return co_await answer(
          proxy::incapable_reply(state_.op, state_.route->name, *state_.rule, *state_.features));
    const auto& refusal = attempts_.refusal();
    if (what == failure_class::unprepared && refusal)
      co_return co_await answer(refusal_reply(*refusal));
    co_await answer(proxy::failure_reply(state_.op, state_.route->name,
                                         state_.rule->backends.size(), state_.failures, what,
                                         last.why));
  }

  proxy::local_reply refusal_reply(const attempt_refusal& refusal) {
    const std::string_view details =
        refusal.is_credential_missing ? "no_credentials" : "untranslatable";
    if (state_.failures.size() == 1 || refusal.is_final)
      return proxy::error_reply(state_.op, refusal.status, refusal.code, refusal.cause, details);
    return proxy::error_reply(
        state_.op, refusal.status, refusal.code,
        proxy::failure_text(state_.route->name, state_.rule->backends.size(), state_.failures),
        details);
  }

  awaitable<void> answer(proxy::local_reply reply) {
    is_answered_ = true;
    state_.record.details = reply.details;
    state_.record.origin =
        reply.is_client_fault ? telemetry::error_origin::client : telemetry::error_origin::proxy;
    if (state_.is_head_sent) co_return co_await break_off_early("no backend could answer");
    state_.record.status = reply.status;
    state_.out.clear();
    if (down_.is_ending()) state_.closes_downstream = true;
    proxy::append_local_reply(state_.out, reply, notes(), state_.is_head_method,
                              state_.closes_downstream);
    co_await send_all();
  }

  /// A stream whose head is out and which has no content yet, or no more: the error goes into it.
  awaitable<void> break_off_early(std::string_view message) {
    is_answered_ = true;
    state_.closes_downstream = true;
    if (state_.record.origin == telemetry::error_origin::none)
      state_.record.origin = telemetry::error_origin::upstream;
    if (state_.record.details.empty()) state_.record.details = "upstream_broke";
    state_.decisions.end(ending::downstream_gone, now());
    if (attempts_.has_attempt()) up().drop();
    std::string event;
    translate::append_break_event(state_.op, message, event);
    state_.out.clear();
    append_chunk(state_.out, event);
    co_await send_all();
  }

  awaitable<void> send_all() {
    if (!state_.is_committed) state_.record.time_to_first_byte = now() - state_.complete_at;
    state_.is_committed = true;
    state_.record.bytes_sent += state_.out.size();
    const bool is_taken = co_await down_.send(asio::buffer(state_.out));
    if (!is_taken) state_.closes_downstream = true;
  }

  /// The client has left, or the process ends: the upstream is dropped at once.
  void abandon() {
    alive_.stop();
    if (is_answered_) return;
    state_.closes_downstream = true;
    if (attempts_.has_attempt() && record().outcome == telemetry::attempt_outcome::ok)
      record().elapsed = now() - at().started;
    // Also one without a connection, and one beside it, has not come to an end of its own.
    for (auto& a : state_.record.attempts)
      if (a.outcome == telemetry::attempt_outcome::ok)
        a.outcome = telemetry::attempt_outcome::cancelled;
    if (attempts_.has_attempt() && up().link()) {
      current().count_abandoned();
      up().drop();
    }
    state_.record.details = "downstream_gone";
    add_flag(state_.record.flags, "DC");
    state_.record.origin = telemetry::error_origin::client;
    state_.decisions.close();
  }

  /// While it lives, a client that leaves ends what the accepted attempt waits for.
  struct forward_cancellation {
    explicit forward_cancellation(exchange_server& s) : registered{s.scope(), s.attempts_} {}
    cancel_scope::waiting<race<Net>> registered;
  };

  worker_env<Net>& env_;
  downstream<stream>& down_;
  exchange_state& state_;
  race<Net> attempts_;
  keep_alive<Net> alive_;
  std::string timing_;
  proxy::affinity affinity_;
  std::vector<codec::owned_field> extra_;
  bool are_attempts_used_up_ = false;
  bool is_answered_ = false;
};

}  // namespace understudy::net
