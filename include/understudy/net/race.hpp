#pragma once
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>

#include <understudy/net/attempt.hpp>
#include <understudy/net/downstream.hpp>
#include <understudy/net/sleeper.hpp>
#include <understudy/telemetry/log.hpp>

namespace understudy::net {

/// The attempts of one exchange that run at a time: one, and where it is slow to speak a second
/// beside it. Whichever has its first content first is the answer; the other is cancelled at once.
/// What starts, and whose answer counts, is the planner's word; this carries it out.
template <class Net>
class race {
 public:
  using decision = resilience::decision;
  using failure_class = resilience::failure_class;
  using next_step = resilience::next_step;

  race(worker_env<Net>& env, downstream<typename Net::stream>& down, exchange_state& state)
      : env_{env}, down_{down}, state_{state}, hedge_timer_{env.timers, *this} {}
  ~race() { hedge_timer_.disarm(); }
  race(const race&) = delete;
  race& operator=(const race&) = delete;

  /// The attempt whose outcome the last decision is about.
  attempt<Net>& current() { return *lanes_[current_]; }
  bool has_attempt() const { return lanes_[current_].has_value(); }

  /// Runs the attempt of `chosen`, and any beside it, until the planner's next word on the
  /// exchange.
  awaitable<decision> run(const decision chosen) {
    down_.disarm();
    const cancel_scope::waiting registered{down_.scope(), *this};
    current_ = 0;
    begin(0, state_.first);
    hedge_after_ = chosen.hedge_after;
    if (hedge_after_) hedge_timer_.arm(now() + *hedge_after_);
    outcome result = co_await lanes_[0]->run(chosen);
    hedge_timer_.disarm();
    if (is_abandoned()) {
      co_await wait_for_second();
      co_return decision{};
    }
    if (lanes_[0]->is_cancelled()) co_return second_won();
    decision next = settle(result);
    if (next.step == next_step::await_other) {
      co_await wait_for_second();
      if (is_abandoned()) co_return decision{};
      current_ = 1;
      // Won, or failed last: only now is it the exchange's business.
      co_return settle(second_result_);
    }
    if (is_second_running_) {
      lanes_[1]->cancel(cancel_reason::superseded);
      co_await wait_for_second();
    }
    if (has_second_) give_up_on(1);
    co_return next;
  }

  /// For cancel_scope: the client has left, or the process ends.
  void cancel() {
    const auto why = down_.scope().reason();
    // The one that the exchange waits for goes last: it may resume it at once, and end it all.
    const std::size_t last = waiter_ ? 1 : current_;
    if (auto& other = lanes_[1 - last]) other->cancel(why);
    if (auto& awaited = lanes_[last]) awaited->cancel(why);
  }

  /// Books a failed attempt.
  void note_failure(attempt<Net>& failed_one, telemetry::attempt_outcome word,
                    std::string_view cause) {
    auto& record = failed_one.record();
    record.outcome = word;
    record.elapsed = now() - failed_one.state().started;
    failed_one.count_abandoned();
    state_.failures.push_back({failed_one.state().backend->name, std::string{cause}});
  }

  failure_class last_failure() const { return last_failure_; }
  /// Why an attempt could not even be prepared, if any could not.
  const std::optional<attempt_refusal>& refusal() const { return refusal_; }

 private:
  static time_point now() { return base::clock::now(); }
  bool is_abandoned() { return down_.scope().reason() >= cancel_reason::downstream_gone; }

  void begin(std::size_t lane, attempt_state& state) {
    lanes_[lane].reset();
    lanes_[lane].emplace(env_, state_, state);
    state.is_hedge = lane == 1;
    if (lane == 0) has_second_ = false;
  }

  /// An outcome becomes the planner's next word.
  decision settle(const outcome& result) {
    auto& mine = current();
    const auto slot = mine.state().slot;
    const auto settled_at = now();
    if (result.what == failure_class::status && result.status < 300)
      mine.record().time_to_content = settled_at - mine.state().started;
    const decision next = state_.decisions.on_outcome(result, settled_at, slot);
    if (next.step == next_step::accept) return next;
    // What could not even be asked tells less than one that was asked and failed.
    if (result.what != failure_class::unprepared || state_.failures.empty())
      last_failure_ = result.what;
    if (result.what == failure_class::status) {
      note_failure(mine, telemetry::attempt_outcome::status,
                   "status " + std::to_string(result.status));
      mine.up().discard(mine.framing());
    } else {
      if (mine.state().refusal) keep_refusal(*mine.state().refusal);
      const auto word = mine.state().refusal && !mine.state().refusal->is_credential_missing
                            ? telemetry::attempt_outcome::untranslatable
                            : outcome_word(result.what);
      note_failure(mine, word, mine.state().cause);
    }
    return next;
  }

  /// Of several the client's own mistake tells more than what is missing here.
  void keep_refusal(const attempt_refusal& refusal) {
    const bool tells_more = refusal_ && refusal.status < 500 && refusal_->status >= 500;
    if (!refusal_ || refusal.is_final || tells_more) refusal_ = refusal;
  }

  decision second_won() {
    give_up_on(0);
    current_ = 1;
    return settle(second_result_);
  }

  /// Was slower, or not good enough: charged to nobody.
  void give_up_on(std::size_t lane) {
    auto& loser = *lanes_[lane];
    loser.record().outcome = telemetry::attempt_outcome::superseded;
    loser.record().elapsed = now() - loser.state().started;
    loser.count_abandoned();
    loser.up().drop();
    state_.decisions.cancel(now(), loser.state().slot);
    if (lane == 1) has_second_ = false;
  }

  // ---- the second -------------------------------------------------------------------------

  void start_second() {
    if (is_second_running_ || has_second_ || is_abandoned() || lanes_[0]->is_cancelled()) return;
    const decision chosen = state_.decisions.hedge(now());
    if (chosen.step != next_step::attempt) return;
    if (!state_.second) state_.second = std::make_unique<attempt_state>(env_.timers);
    begin(1, *state_.second);
    is_second_running_ = true;
    has_second_ = true;
    asio::co_spawn(down_.link().stream().get_executor(), run_second(chosen),
                   [this](std::exception_ptr escaped) {
                     if (escaped) telemetry::log::error("net", "an exception escaped a hedge");
                     second_ended();
                   });
  }

  awaitable<void> run_second(const decision chosen) {
    second_result_ = co_await lanes_[1]->run(chosen);
  }

  /// Last word of the coroutine beside: may resume the exchange, which may end it all.
  void second_ended() {
    is_second_running_ = false;
    if (waiter_) return waiter_({});
    if (lanes_[1]->is_cancelled()) return;
    const bool has_won =
        second_result_.what == failure_class::status && second_result_.status < 300;
    if (has_won) return lanes_[0]->cancel(cancel_reason::superseded);
    // It has failed while the first goes on, which may be given another companion.
    const std::size_t kept = std::exchange(current_, 1);
    const decision next = settle(second_result_);
    current_ = kept;
    if (next.step == next_step::accept) give_up_on(1);
    has_second_ = false;
    if (hedge_after_) hedge_timer_.arm(now() + *hedge_after_);
  }

  auto async_second_end() {
    return asio::async_initiate<const await_token, void(error_code)>(
        [this](auto handler) { waiter_.set(std::move(handler)); }, use_await);
  }

  awaitable<void> wait_for_second() {
    if (is_second_running_) co_await async_second_end();
  }

  struct hedge_timer : timer_queue::entry {
    hedge_timer(timer_queue& timers, race& r)
        : entry{timers, [](entry& e) { static_cast<hedge_timer&>(e).owner.start_second(); }},
          owner{r} {}
    race& owner;
  };

  worker_env<Net>& env_;
  downstream<typename Net::stream>& down_;
  exchange_state& state_;
  hedge_timer hedge_timer_;
  std::array<std::optional<attempt<Net>>, 2> lanes_;
  std::size_t current_ = 0;
  std::optional<base::duration> hedge_after_;
  outcome second_result_;
  resume_slot waiter_;
  failure_class last_failure_ = failure_class::no_host;
  std::optional<attempt_refusal> refusal_;
  bool is_second_running_ = false;
  bool has_second_ = false;  ///< it has begun and nothing has been settled about it
};

}  // namespace understudy::net
