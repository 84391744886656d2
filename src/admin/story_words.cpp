#include "admin/story_words.hpp"

#include <cmath>
#include <cstdio>

#include <understudy/net/attempt_outcomes.hpp>

namespace understudy::admin {
namespace {

using plan::setting;
using proxy::story_entry;
using proxy::story_step;
using resilience::decision_reason;
using resilience::failure_class;
using resilience::next_step;
using resilience::stop_reason;
using resilience::trigger;
using ending = resilience::attempt_planner::ending;

constexpr int first_error_status = 400;

std::string count_text(std::uint32_t n, std::string_view what) {
  return std::to_string(n) + " " + std::string{what} + (n == 1 ? "" : "s");
}

bool has(const resilience::retry_params& retry, trigger t) {
  return retry.triggers.test(static_cast<std::size_t>(t));
}

/// Words and lines of one step, put together piece by piece.
class teller {
 public:
  teller(const story_entry& step, const story_context& in) : step_{step}, in_{in} {}

  told_step tell() {
    switch (step_.step) {
      case story_step::attempt:
        tell_attempt();
        break;
      case story_step::connected:
        say("connected");
        break;
      case story_step::content:
        say("the first content of the answer is here");
        break;
      case story_step::outcome:
        tell_outcome();
        break;
      case story_step::superseded:
        say("the attempt beside it was quicker: cancelled, charged to nobody");
        break;
      case story_step::wait:
        tell_wait();
        break;
      case story_step::ejected:
        tell_ejection();
        break;
      case story_step::ejection_refused:
        say("its endpoint stays in rotation: no more may be ejected");
        by(setting::max_ejection_percent);
        break;
      case story_step::no_companion:
        tell_no_companion();
        break;
      case story_step::gave_up:
        tell_stop();
        break;
      case story_step::broke:
        tell_break();
        break;
      case story_step::completed:
        say("the answer is complete");
        break;
    }
    return std::move(out_);
  }

 private:
  const resilience::retry_params& retry() const { return in_.card.cluster.retry; }
  void say(std::string_view words) {
    if (!out_.text.empty()) out_.text += "; ";
    out_.text += words;
  }
  void by(setting s) { out_.decided_by.push_back(line_of(s, in_.card)); }

  // ---- why here -----------------------------------------------------------------------------

  std::string backend() const {
    return step_.locality < in_.card.backends.size() ? in_.card.backends[step_.locality].name : "?";
  }

  void by_backend_ref() {
    if (step_.locality >= in_.card.backends.size()) return;
    deciding_line line;
    line.setting = "backendRef";
    line.origin.object = in_.card.route;
    line.origin.field = "backendRefs[" + std::to_string(step_.locality) + "]";
    line.origin.at = in_.card.backends[step_.locality].position;
    out_.decided_by.push_back(std::move(line));
  }

  void tell_attempt() {
    say("asks " + backend() + ", priority " + std::to_string(step_.priority));
    switch (step_.because) {
      case decision_reason::session:
        say("the client's session names this endpoint");
        break;
      case decision_reason::waited_as_asked:
        say("the time that the endpoint asked for has passed");
        by(setting::retry_after);
        break;
      case decision_reason::asked_to_leave:
        say("the endpoint before asked to be left alone for longer than is waited for");
        by(setting::retry_after);
        break;
      case decision_reason::misfit:
        tell_misfit();
        break;
      case decision_reason::over_budget:
        say("the retry budget is spent, but this endpoint is new to the request");
        by_budget();
        break;
      case decision_reason::unprepared:
        say("the backend before could not be asked");
        break;
      case decision_reason::beside:
        say("beside the attempt that is slow to speak; the first content wins");
        by(in_.card.cluster.hedge.after || in_.card.cluster.hedge.quantile
               ? setting::hedge_after
               : setting::first_token_timeout);
        break;
      case decision_reason::resumed:
        say("takes the broken answer up");
        by(setting::on_break);
        break;
      default:
        tell_load();
    }
    by_backend_ref();
    if (step_.is_trial) {
      say("a trial request: the endpoint is back from an ejection and has not answered yet");
      by(setting::trial_requests);
    }
    if (step_.is_panic) {
      say("too few endpoints are healthy, so all of them are used");
      by(setting::panic_threshold);
    }
  }

  void tell_load() {
    const auto share = std::to_string(step_.load_percent) + " % of new requests";
    const auto* before = in_.previous;
    if (before == nullptr) return say("its priority has " + share);
    if (step_.priority == before->priority) {
      if (step_.locality != before->locality || step_.host != before->host)
        return say("an endpoint of the same priority that this request has not tried");
      return say("the same endpoint again: its priority has " + share);
    }
    if (step_.load_percent == 0 && retry().num_attempts_per_priority) {
      const auto n = *retry().num_attempts_per_priority;
      say("the " + (n == 1 ? "one attempt" : count_text(n, "attempt")) + " on priority " +
          std::to_string(before->priority) + (n == 1 ? " is" : " are") + " used up");
      return by(setting::attempts_per_priority);
    }
    if (step_.load_percent == 100 && step_.priority > before->priority)
      return say("nothing above it is in service, so its priority has " + share);
    say("its priority has " + share);
  }

  void tell_misfit() {
    const bool is_policy = in_.attempt != nullptr && in_.attempt->is_content_policy;
    say("another model may be able to serve the request");
    by(is_policy ? setting::content_policy : setting::context_window);
  }

  // ---- how it ended -------------------------------------------------------------------------

  void tell_outcome() {
    if (step_.failure == failure_class::status)
      say("answered " + std::to_string(step_.status));
    else
      say(in_.cause.empty() ? net::cause_of(step_.failure) : in_.cause);
    by_limit();
    if (step_.next == next_step::accept) return tell_acceptance();
    if (step_.next == next_step::await_other) return say("the attempt beside it goes on");
    if (step_.next == next_step::give_up) return;
    if (step_.is_context_window) {
      say("the request is too long for this model");
      return by(setting::context_window);
    }
    if (step_.is_content_policy) {
      say("a content filter refused the request");
      return by(setting::content_policy);
    }
    if (step_.failure == failure_class::unprepared) return say("another backend takes it over");
    say("that is retried");
    by(retry_setting());
  }

  /// The time limit that ended it.
  void by_limit() {
    if (step_.failure == failure_class::connect_timeout) by(setting::connect_timeout);
    if (step_.failure == failure_class::global) by(setting::request_timeout);
    if (step_.failure != failure_class::per_try || in_.attempt == nullptr) return;
    const auto took = step_.at - in_.attempt->at;
    if (in_.attempt->length.count() > 0 && took >= in_.attempt->length)
      by(setting::per_try_timeout);
    else if (in_.card.timeouts.per_try_idle && took >= *in_.card.timeouts.per_try_idle)
      by(setting::per_try_idle);
    else
      by(setting::first_token_timeout);
  }

  setting retry_setting() const {
    switch (step_.failure) {
      case failure_class::status: {
        const auto code = static_cast<std::size_t>(step_.status);
        const bool is_listed = has(retry(), trigger::retriable_status_codes) &&
                               code < retry().status_codes.size() &&
                               retry().status_codes.test(code);
        const bool is_by_list = is_listed || has(retry(), trigger::retriable_status_codes);
        return is_by_list ? setting::status_codes : setting::triggers;
      }
      case failure_class::connect:
      case failure_class::connect_timeout:
      case failure_class::local_shortage:
        return setting::retry_connect_failure;
      case failure_class::per_try:
        return setting::retry_timeout;
      case failure_class::in_band:
        return setting::in_band_errors;
      default:
        return setting::retry_reset;
    }
  }

  void tell_acceptance() {
    if (step_.status < first_error_status) return say("this is the client's answer");
    say("this answer goes to the client");
    tell_stop();
  }

  // ---- why no more --------------------------------------------------------------------------

  void by_budget() {
    by(in_.card.cluster.breaker.retry_budget ? setting::retry_budget
                                             : setting::max_parallel_retries);
  }

  void tell_stop() {
    switch (step_.why) {
      case stop_reason::none:
        if (step_.step == story_step::gave_up) say("nothing more is tried");
        break;
      case stop_reason::not_retriable:
        tell_not_retriable();
        break;
      case stop_reason::retries_exhausted:
        tell_exhausted();
        break;
      case stop_reason::retry_overflow:
        say("more retries are under way than the budget allows");
        by_budget();
        break;
      case stop_reason::no_healthy_host:
        say("no endpoint is in service");
        by(setting::panic_threshold);
        break;
      case stop_reason::request_timeout:
        say("the request timeout is reached");
        by(setting::request_timeout);
        break;
      case stop_reason::overflow:
        say("more requests are under way than the circuit breaker allows");
        by(setting::max_parallel_requests);
        break;
      case stop_reason::no_capable_backend:
        say("every backend left would silently drop something that the request uses");
        by(setting::guard);
        break;
    }
  }

  void tell_not_retriable() {
    if (step_.because == decision_reason::body_not_kept)
      return say("the request is too long to be kept, so it cannot be sent again");
    if (!retry().is_present) {
      say("no policy of this route retries");
      return by(setting::num_retries);
    }
    say("that is not retried");
    const bool is_outcome = step_.step == story_step::outcome;
    if (is_outcome) return by(retry_setting());
  }

  void tell_exhausted() {
    switch (step_.because) {
      case decision_reason::all_silent:
        say("whoever is left has been silent to this request");
        return by(setting::per_try_timeout);
      case decision_reason::deadline_near:
        say("no further attempt would fit before the request timeout");
        return by(setting::request_timeout);
      case decision_reason::nowhere_else:
        say("no other endpoint can take it");
        return by(setting::retry_after);
      default:
        if (retry().num_retries == 0)
          say("its one attempt is used up");
        else
          say("all " + count_text(retry().num_retries + 1, "attempt") + " are used up");
        return by(setting::num_retries);
    }
  }

  // ---- the rest -----------------------------------------------------------------------------

  void tell_wait() {
    if (step_.because == decision_reason::retry_after) {
      say("waits " + duration_text(step_.length) + ", as the endpoint asked");
      return by(setting::retry_after);
    }
    say("waits " + duration_text(step_.length) + " (full jitter: up to " +
        duration_text(retry().backoff.base) + " at first, later up to " +
        duration_text(retry().backoff.max) + ")");
    by(setting::backoff_base);
  }

  void tell_ejection() {
    const auto until = "its endpoint is ejected for " + duration_text(step_.length);
    if (step_.detector == "retryAfter") {
      say(until + ": it asked to be left alone for so long");
      return by(setting::retry_after);
    }
    const auto& params = in_.card.cluster.ejection;
    std::uint32_t threshold = 0;
    setting decider = setting::failure_percentage;
    if (step_.detector == "consecutive5XxErrors") {
      decider = setting::consecutive_5xx;
      if (params) threshold = params->consecutive_5xx;
    } else if (step_.detector == "consecutiveGatewayErrors") {
      decider = setting::consecutive_gateway_errors;
      if (params) threshold = params->consecutive_gateway_errors.value_or(0);
    } else if (step_.detector == "consecutiveLocalOriginFailures") {
      decider = setting::consecutive_local_origin_failures;
      if (params) threshold = params->consecutive_local_origin_failures;
    }
    const auto times = threshold == 0 ? std::string{} : ": " + std::to_string(threshold);
    say(until + " by " + std::string{step_.detector} + times);
    by(decider);
    by(setting::base_ejection_time);
  }

  void tell_no_companion() {
    say("it was slow to speak, and nothing was sent beside it");
    if (step_.why == stop_reason::retry_overflow) {
      say("the hedge budget is spent");
      return by(setting::hedge_budget);
    }
    if (step_.why == stop_reason::no_healthy_host) say("no other endpoint is in service");
    if (step_.why == stop_reason::retries_exhausted) by(setting::num_retries);
  }

  void tell_break() {
    switch (step_.ending) {
      case ending::upstream_broke:
        say("the answer broke off after it had begun");
        return by(setting::on_break);
      case ending::idle_timeout:
        say("the answer fell silent");
        by(in_.card.timeouts.stream_idle    ? setting::stream_idle
           : in_.card.timeouts.per_try_idle ? setting::per_try_idle
                                            : setting::body_idle);
        return by(setting::on_break);
      case ending::request_timeout:
        say("the request timeout was reached within the answer");
        return by(setting::request_timeout);
      case ending::downstream_gone:
        return say("the rest was not delivered");
      case ending::complete:
        break;
    }
  }

  const story_entry& step_;
  const story_context& in_;
  told_step out_;
};

}  // namespace

told_step tell(const proxy::story_entry& step, const story_context& in) {
  return teller{step, in}.tell();
}

deciding_line line_of(plan::setting s, const proxy::rule_card& card) {
  return {plan::name(s), plan::origin_of(s, card.written, card.position)};
}

std::string duration_text(base::duration d) {
  const double ms = std::chrono::duration<double, std::milli>(d).count();
  char text[32];
  if (ms < 10)
    std::snprintf(text, sizeof text, "%.1f ms", ms);
  else if (ms < 1'000)
    std::snprintf(text, sizeof text, "%.0f ms", ms);
  else if (ms < 10'000)
    std::snprintf(text, sizeof text, "%.3g s", ms / 1'000);
  else
    std::snprintf(text, sizeof text, "%.0f s", ms / 1'000);
  return text;
}

std::string_view name(proxy::story_step step) {
  switch (step) {
    case story_step::attempt:
      return "attempt";
    case story_step::connected:
      return "connected";
    case story_step::content:
      return "content";
    case story_step::outcome:
      return "outcome";
    case story_step::superseded:
      return "superseded";
    case story_step::wait:
      return "wait";
    case story_step::ejected:
      return "ejection";
    case story_step::ejection_refused:
      return "ejection_refused";
    case story_step::no_companion:
      return "no_companion";
    case story_step::gave_up:
      return "gave_up";
    case story_step::broke:
      return "broke";
    case story_step::completed:
      return "completed";
  }
  return "unknown";
}

}  // namespace understudy::admin
