#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include <understudy/codec/retry_after.hpp>
#include <understudy/net/prepare.hpp>
#include <understudy/net/upstream_exchange.hpp>
#include <understudy/proxy/load_report.hpp>
#include <understudy/proxy/upstream_head.hpp>
#include <understudy/translate/error_class.hpp>

namespace understudy::net {

/// One attempt of an exchange, from the choice of its endpoint to the point where the client may
/// believe in its answer: prepared, connected, sent, head read, body held until there is content.
/// Says how that ended; decides nothing. Two may run beside each other.
template <class Net>
class attempt {
 public:
  using decision = resilience::decision;
  using failure_class = resilience::failure_class;

  attempt(worker_env<Net>& env, exchange_state& exchange, attempt_state& state)
      : env_{env}, exchange_{exchange}, state_{state}, up_{env, exchange, state} {}

  attempt_state& state() { return state_; }
  upstream_exchange<Net>& up() { return up_; }
  telemetry::attempt_record& record() { return exchange_.record.attempts[state_.number]; }
  const codec::body_framing& framing() const { return *state_.framing; }
  /// The client does not get this answer, or not all of it: what it has cost.
  void count_abandoned() {
    if (!state_.is_watched) return;
    const auto& watch = state_.watch;
    static constexpr std::uint64_t characters_of_token = 4;
    record().abandoned_tokens =
        watch.usage().output.value_or(watch.text_characters() / characters_of_token);
  }
  /// Ends what it waits for; run() then returns, and its owner knows why.
  void cancel(cancel_reason why) { state_.timed.scope().cancel(why); }
  bool is_cancelled() const { return state_.timed.scope().reason() >= cancel_reason::superseded; }

  awaitable<outcome> run(const decision chosen) {
    begin(chosen);
    const auto endpoint =
        env_.pool.find(exchange_.decisions.cluster(), *exchange_.rule, chosen.target);
    if (!endpoint) co_return because(failed(failure_class::connect), "the endpoint has gone");
    up_.choose(endpoint);
    record().address.assign(endpoint->name());
    if (!prepare_request(exchange_, state_, state_.backend->targets[endpoint->target()], env_.keys))
      co_return because(refused(), state_.refusal->cause);
    if (chosen.first_token_timeout) first_token_ = state_.started + *chosen.first_token_timeout;
    for (;;) {
      const bool is_idle_one = up_.take_idle(record().is_replayed, state_.started);
      if (!is_idle_one) {
        const outcome connected = co_await up_.connect();
        if (is_cancelled()) co_return outcome{};
        if (!up_.link()) co_return because(connected, up_.dial_cause());
      }
      const time_point connected_at = now();
      record().is_reused = up_.is_reused();
      if (!record().is_replayed) exchange_.decisions.on_connected(connected_at, state_.slot);
      up_.send(upstream_body(exchange_, state_));
      const time_point deadline = head_deadline(chosen, connected_at);
      std::optional<outcome> result = up_.take_head();
      while (!result) {  // a wait of its own costs a coroutine frame: this one is on every
                         // request's way
        std::tuple<error_code> filled{asio::error::operation_aborted};
        if (up_.begin_wait(deadline)) {
          const cancel_scope::waiting waiting{state_.timed.scope(), *up_.link()};
          filled = co_await up_.link()->async_fill();
        }
        if (is_cancelled()) co_return outcome{};
        const bool has_more = !std::get<0>(filled) && !state_.timed.scope().is_cancelled();
        result = has_more ? up_.take_head() : up_.why_nothing_came();
      }
      if (is_stale(*result) && !record().is_replayed) {
        record().is_replayed = true;
        up_.drop();
        continue;
      }
      if (auto judged = judge(*result)) co_return settled(*judged);
      const outcome judged = co_await judge_later(*result);
      if (is_cancelled()) co_return outcome{};
      co_return settled(judged);
    }
  }

  base::duration idle_limit() const {
    const auto& t = exchange_.rule->timeouts;
    auto limit = base::duration::max();
    if (t.per_try_idle) limit = std::min<base::duration>(limit, *t.per_try_idle);
    if (t.stream_idle) limit = std::min<base::duration>(limit, *t.stream_idle);
    if (t.body_idle) limit = std::min<base::duration>(limit, *t.body_idle);
    return limit;
  }

  /// A whole body to be translated, where it has not been collected already.
  awaitable<outcome> collect() { return up_.collect(framing(), idle_limit(), body_limit()); }

 private:
  static time_point now() { return base::clock::now(); }

  void begin(const decision& chosen) {
    state_.begin();
    state_.slot = chosen.slot;
    state_.started = now();
    state_.target = chosen.target;
    state_.backend = &exchange_.rule->backends[chosen.target.locality];
    state_.number = exchange_.record.attempts.size();
    exchange_.record.attempts.emplace_back();
    record().backend = state_.backend->name;
    record().to = state_.backend;
    const std::string_view renamed = state_.backend->model_override;
    record().model = renamed.empty() ? std::string_view{exchange_.summary.model} : renamed;
    record().start = state_.started - exchange_.complete_at;
    record().priority = chosen.target.priority;
    record().is_hedge = state_.is_hedge;
    first_token_ = timer_queue::never;
  }

  outcome refused() const {
    outcome result = failed(failure_class::unprepared);
    result.is_final = state_.refusal->is_final;
    return result;
  }

  outcome because(outcome result, std::string_view cause) {
    state_.cause.assign(cause);
    return result;
  }

  /// Of the head: the per-try timeout, or the per-try idle limit where that is shorter.
  time_point head_deadline(const decision& chosen, time_point sent_at) const {
    time_point deadline = std::min(first_token_, exchange_.decisions.request_deadline());
    if (chosen.per_try_timeout) deadline = std::min(deadline, sent_at + *chosen.per_try_timeout);
    if (const auto idle = exchange_.rule->timeouts.per_try_idle)
      deadline = std::min<time_point>(deadline, sent_at + *idle);
    return deadline;
  }

  time_point body_limit() const {
    return exchange_.rule->timeouts.is_head_only ? timer_queue::never
                                                 : exchange_.decisions.request_deadline();
  }

  /// A pooled connection that died with nothing read is nobody's failure: sent again once, on a
  /// fresh connection, where a second copy can do no harm.
  bool is_stale(const outcome& result) {
    return up_.is_reused() && result.what == failure_class::closed && !up_.has_read_bytes() &&
           proxy::may_replay(state_.backend->upstream_operation(exchange_.op),
                             exchange_.head.method);
  }

  /// What a head and the bytes behind it amount to. Nothing: judge_later() has to wait for more.
  std::optional<outcome> judge(const outcome& result) {
    if (result.what != failure_class::status) return result;
    state_.framing = codec::response_framing(state_.response, exchange_.head.method);
    const codec::connection_options options{state_.response.fields};
    if (codec::check_response(state_.response) || !state_.framing || options.is_overflowing())
      return failed(failure_class::protocol, true);
    record().status = result.status;
    note_load();
    plan_response();
    if (result.status < 300) return believe(result);
    if (!exchange_.rule->is_ai) return result;
    return explain(result);
  }

  awaitable<outcome> judge_later(outcome result) {
    if (result.status < 300 && state_.plan.mode == translate::body_mode::whole) {
      result = co_await collect();
      if (result.what != failure_class::status || !state_.is_watched) co_return result;
      state_.watch.feed_whole(state_.collected);
      if (state_.watch.fault() != nullptr) result = failed(failure_class::in_band, true);
      co_return result;
    }
    if (result.status < 300) co_return co_await up_.hold(hold_limits());
    const std::string body = co_await up_.peek_error_body(framing(), error_body_deadline());
    const auto type = state_.response.fields.find("x-amzn-errortype");
    const auto kind = translate::classify_error(state_.backend->schema, result.status, body,
                                                type.value_or(std::string_view{}));
    result.retry_after = retry_after();
    result.is_context_window = kind == translate::error_class::context_window_exceeded;
    result.is_content_policy = kind == translate::error_class::content_policy;
    co_return result;
  }

  /// A failure gives its connection up and says why.
  outcome settled(const outcome& result) {
    if (result.what == failure_class::status) return result;
    up_.drop();
    if (result.what == failure_class::in_band) return faulty();
    state_.cause.assign(cause_of(result.what));
    return result;
  }

  /// What the host says of its load counts whatever the answer is.
  void note_load() {
    const auto& settings = exchange_.rule->load_reports;
    if (!settings) return;
    const auto report = proxy::read_load_report(state_.response.fields, *settings);
    if (!report) return;
    exchange_.decisions.cluster()->locked(
        [&](auto& cluster) { cluster.report_load(state_.target.host, *report, now()); });
  }

  /// Another operation upstream than the client's: its answer is always translated.
  bool is_by_chat() const {
    return state_.backend->upstream_operation(exchange_.op) != exchange_.op;
  }

  void plan_response() {
    if (!state_.translator) return;
    auto& plan = state_.plan;
    plan = state_.translator->head(state_.response, base::wall_now());
    // A compressed body that would only be wrapped goes through as it is.
    const auto coding = state_.response.fields.find("content-encoding");
    if (plan.mode == translate::body_mode::whole && coding && *coding != "identity" &&
        proxy::is_native(exchange_.op, state_.backend->schema) && !is_by_chat())
      plan = {};
  }

  /// A 2xx is an answer once its first content is here, or, where it is translated as a whole, all
  /// of it. Until then it may fail and nobody has seen anything.
  std::optional<outcome> believe(const outcome& result) {
    // A 204 or an empty body is no answer where a stream was asked for.
    const bool has_body = framing().kind != codec::framing_kind::none;
    const bool may_look = exchange_.rule->is_ai && !exchange_.is_head_method &&
                          (has_body || exchange_.summary.stream);
    if (may_look) {
      state_.watch.begin(state_.backend->upstream_operation(exchange_.op), state_.backend->schema,
                         exchange_.summary.stream, state_.response);
      state_.is_watched = state_.watch.is_watching();
      if (exchange_.trace.wants_finish_reasons()) state_.watch.keep_finish_reasons();
    }
    if (state_.plan.mode == translate::body_mode::whole) return std::nullopt;
    if (!state_.is_watched || !exchange_.rule->failover.holds) return result;
    const auto limits = hold_limits();
    if (!has_body) return up_.look_at_whole({}, limits);
    const auto body = up_.body_so_far();
    if (framing().kind == codec::framing_kind::length && body.size() >= framing().length)
      return up_.look_at_whole(body.substr(0, static_cast<std::size_t>(framing().length)), limits);
    up_.begin_hold(framing());
    return up_.look(limits);
  }

  typename upstream_exchange<Net>::hold_limits hold_limits() const {
    const auto& policy = exchange_.rule->failover;
    typename upstream_exchange<Net>::hold_limits limits;
    limits.is_whole_wanted = policy.at_break == plan::on_break::buffer;
    limits.max_bytes = limits.is_whole_wanted ? max_collected_bytes : policy.max_held_bytes;
    limits.idle = idle_limit();
    limits.limit = body_limit();
    limits.first_token = first_token_;
    return limits;
  }

  /// What an error says: how long to stay away, and whether another model may do better. That is
  /// in its body.
  std::optional<outcome> explain(outcome result) {
    const auto& retry = exchange_.decisions.cluster()->params().retry;
    const bool is_refusal = result.status == 400 || result.status == 403 || result.status == 413 ||
                            result.status == 422;
    if (is_refusal && (retry.falls_back_on_context_window || retry.falls_back_on_content_policy))
      return std::nullopt;
    result.retry_after = retry_after();
    return result;
  }

  std::optional<std::chrono::milliseconds> retry_after() const {
    if (!exchange_.decisions.cluster()->params().retry.max_retry_after_wait) return std::nullopt;
    return codec::retry_after(state_.response.fields, state_.response.status, base::wall_now());
  }

  time_point error_body_deadline() const {
    static constexpr std::chrono::seconds patience{2};
    return std::min<time_point>(now() + patience, exchange_.decisions.request_deadline());
  }

  outcome faulty() {
    const auto& fault = *state_.watch.fault();
    outcome result = failed(failure_class::in_band, true);
    result.status = fault.status;
    result.is_content_policy = fault.is_content_policy;
    state_.cause = fault.is_unintelligible ? "no intelligible answer" : "error in the answer";
    const auto& said = fault.message.empty() ? fault.type : fault.message;
    if (fault.is_unintelligible && !said.empty()) state_.cause.append(": ").append(said);
    if (!fault.is_unintelligible && !fault.type.empty())
      state_.cause.append(": ").append(fault.type);
    return result;
  }

  worker_env<Net>& env_;
  exchange_state& exchange_;
  attempt_state& state_;
  upstream_exchange<Net> up_;
  time_point first_token_ = timer_queue::never;
};

}  // namespace understudy::net
