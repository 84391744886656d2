#include "simulate/explain.hpp"

#include <algorithm>
#include <set>

namespace understudy::simulate {
namespace {

using resilience::cluster_params;
using resilience::retry_params;
using resilience::trigger;

constexpr std::string_view codes_field = "spec.retry.retryOn.httpStatusCodes";
constexpr std::string_view triggers_field = "spec.retry.retryOn.triggers";

bool has(const retry_params& retry, trigger t) {
  return retry.triggers.test(static_cast<std::size_t>(t));
}

void set(retry_params& retry, trigger t) { retry.triggers.set(static_cast<std::size_t>(t)); }

origin origin_of(const plan::rule& rule, std::string_view field) {
  if (const auto* written = rule.find_written(field))
    return {written->object, std::string{field}, written->at};
  return {{}, std::string{field}, rule.position};
}

std::string list_of(const std::bitset<600>& codes) {
  std::string out;
  for (std::size_t i = 0; i < codes.size(); ++i)
    if (codes.test(i)) out += (out.empty() ? "" : ", ") + std::to_string(i);
  return "[" + out + "]";
}

std::size_t priorities_of(const plan::rule& rule) {
  std::set<std::uint32_t> seen;
  for (const auto& b : rule.backends)
    if (b.weight > 0) seen.insert(b.priority);
  return seen.size();
}

class explainer {
 public:
  explainer(const world& outside, const cause_key& cause, const cause_stats& stats,
            const std::vector<backend_story>& backends)
      : rule_{*outside.sites()[cause.site].rule}, retry_{rule_.cluster.retry}, cause_{cause} {
    if (cause.backend != nobody) {
      const auto found = std::ranges::find_if(backends, [&](const backend_story& b) {
        return b.rule == rule_.name && b.name == rule_.backends[cause.backend].name;
      });
      if (found != backends.end()) story_ = &*found;
    }
    auto& told = out_.told;
    told.what = describe(cause, story_ != nullptr ? story_->name : "no backend");
    told.count = stats.count;
    told.first = stats.first;
    told.last = stats.last;
    out_.change.site = cause.site;
  }

  explanation explain() {
    if (cause_.where == cause_key::phase::head)
      explain_head();
    else
      explain_answer();
    return std::move(out_);
  }

 private:
  void decided_by(std::string_view field) { out_.told.responsible = origin_of(rule_, field); }
  void say(std::string sentence) {
    auto& why = out_.told.why;
    why += (why.empty() ? "" : " ") + std::move(sentence);
  }
  void suggest(std::string words, std::function<void(cluster_params&)> change) {
    out_.told.change = std::move(words);
    out_.change.change = std::move(change);
  }

  void explain_head() {
    switch (cause_.why) {
      case stop_reason::retries_exhausted:
        return explain_exhausted();
      case stop_reason::retry_overflow:
        return explain_retry_overflow();
      case stop_reason::overflow:
        decided_by("spec.circuitBreaker.maxParallelRequests");
        say("More requests were under way than `maxParallelRequests` allows.");
        return suggest("raise `maxParallelRequests`",
                       [](cluster_params& p) { p.breaker.max_parallel_requests = 1'000'000; });
      case stop_reason::no_healthy_host:
        decided_by("spec.healthCheck.panicThreshold");
        return say("No endpoint was left to choose from.");
      case stop_reason::request_timeout:
        return explain_timeout();
      case stop_reason::none:
      case stop_reason::not_retriable:
        break;
      default:
        break;
    }
    if (!retry_.is_present) {
      decided_by("spec.retry");
      return say("Nothing is retried: no policy of this route writes `retry`.");
    }
    if (cause_.last == failure_class::status) return explain_status();
    if (cause_.last == failure_class::in_band) return explain_in_band();
    explain_trigger();
  }

  void explain_status() {
    const auto code = static_cast<std::size_t>(cause_.status);
    const auto text = std::to_string(cause_.status);
    const auto list = list_of(retry_.status_codes);
    if (has(retry_, trigger::retriable_status_codes)) {
      decided_by(codes_field);
      say("`httpStatusCodes: " + list + "` does not list " + text + ", so a " + text +
          " goes to the client as it is.");
      suggest("add " + text + " to `httpStatusCodes`",
              [code](cluster_params& p) { p.retry.status_codes.set(code); });
    } else {
      decided_by(triggers_field);
      say("No trigger retries a " + text + ", so it goes to the client as it is.");
      suggest("add `retriable-status-codes` to `triggers` and " + text + " to `httpStatusCodes`",
              [code](cluster_params& p) {
                set(p.retry, trigger::retriable_status_codes);
                p.retry.status_codes.set(code);
              });
    }
    say_windows(text);
  }

  void say_windows(const std::string& text) {
    const auto& ejection = rule_.cluster.ejection;
    if (cause_.status < 500) return say("It ejects nothing: to passive health it is a success.");
    if (!ejection || story_ == nullptr || story_->ejections == 0) return;
    const auto errors = out_.told.count;
    const auto windows = std::uint64_t{story_->ejections};
    say("Yet it counts towards ejection (`consecutive5XxErrors: " +
        std::to_string(ejection->consecutive_5xx) + "`): " +
        (errors == windows
             ? "a " + text + " reached one client per ejection window, " + std::to_string(errors) +
                   (errors == 1 ? " in all." : " in " + std::to_string(windows) + " windows.")
             : "a " + text + " reached " + count_text(errors, "client") + " in " +
                   count_text(windows, "ejection window") + "."));
  }

  void explain_trigger() {
    const bool is_connect =
        cause_.last == failure_class::connect || cause_.last == failure_class::connect_timeout;
    const std::string word = is_connect ? "connect-failure" : "reset";
    const auto wanted = is_connect ? trigger::connect_failure : trigger::reset;
    decided_by(triggers_field);
    std::string what = "A connection that fails";
    if (cause_.last == failure_class::per_try)
      what = "A per-try timeout is a reset to the policy: it";
    if (cause_.last == failure_class::closed) what = "A connection closed before the response";
    if (cause_.last == failure_class::protocol) what = "A malformed response";
    say(what + " is retried only with the trigger `" + word + "`.");
    suggest("add `" + word + "` to `triggers`",
            [wanted](cluster_params& p) { set(p.retry, wanted); });
  }

  void explain_in_band() {
    out_.told.responsible = {{}, "FailoverPolicy spec.retryOn.inBandErrors", rule_.position};
    say("An error inside a 200 stands for a status that this policy does not retry.");
    suggest("write a FailoverPolicy with `retryOn.inBandErrors: true`",
            [](cluster_params& p) { p.retry.retries_in_band_errors = true; });
  }

  void explain_exhausted() {
    const bool is_stuck = !retry_.num_attempts_per_priority && priorities_of(rule_) > 1 &&
                          story_ != nullptr && story_->ejections == 0;
    if (is_stuck) {
      decided_by("spec.retry.numAttemptsPerPriority");
      say("Every attempt stayed at one priority: " + story_->name +
          " is never ejected here, and without `numAttemptsPerPriority` nothing else moves a "
          "retry on.");
      return suggest("write `numAttemptsPerPriority: 1`",
                     [](cluster_params& p) { p.retry.num_attempts_per_priority = 1; });
    }
    decided_by("spec.retry.numRetries");
    say("All " + count_text(retry_.num_retries + std::uint64_t{1}, "attempt") +
        " of the request failed.");
    const auto more = std::max<std::uint32_t>(retry_.num_retries * 2, 3);
    suggest("write `numRetries: " + std::to_string(more) + "`",
            [more](cluster_params& p) { p.retry.num_retries = more; });
  }

  void explain_retry_overflow() {
    const bool is_budget = rule_.cluster.breaker.retry_budget.has_value();
    decided_by(is_budget ? "spec.circuitBreaker.retryBudget"
                         : "spec.circuitBreaker.maxParallelRetries");
    say("More retries were under way than the circuit breaker allows.");
    suggest(is_budget ? "raise the `retryBudget`" : "raise `maxParallelRetries`",
            [](cluster_params& p) {
              p.breaker.retry_budget.reset();
              p.breaker.max_parallel_retries = 1'000'000;
            });
  }

  void explain_timeout() {
    const auto whole = rule_.timeouts.request;
    if (!retry_.per_try_timeout && whole) {
      decided_by("spec.retry.perRetry.timeout");
      say("Without a per-try timeout one silent attempt uses up the whole request timeout of " +
          duration_text(*whole) + ".");
      const auto limit = *whole / 4;
      return suggest(
          "write `perRetry.timeout: " + duration_text(limit) + "` and the trigger `reset`",
          [limit](cluster_params& p) {
            p.retry.per_try_timeout = limit;
            set(p.retry, trigger::reset);
          });
    }
    decided_by(rule_.find_written("timeouts.request") != nullptr
                   ? "timeouts.request"
                   : "spec.timeout.http.requestTimeout");
    say("The request timeout of " + (whole ? duration_text(*whole) : std::string{"none"}) +
        " ran out before a backend had answered.");
  }

  void explain_answer() {
    if (cause_.where == cause_key::phase::too_long) {
      decided_by("timeouts.request");
      return say("A written request timeout covers the whole answer, and " +
                 duration_text(*rule_.timeouts.request) +
                 " cut a healthy one. Without it only the wait for the head is limited.");
    }
    if (cause_.where == cause_key::phase::gone) {
      decided_by("timeouts.request");
      return say("No timeout of the policy ends this wait.");
    }
    constexpr std::string_view field = "spec.stream.onBreak";
    const auto found = std::ranges::find(rule_.written, field, &plan::written_field::field);
    out_.told.responsible = found == rule_.written.end()
                                ? origin{{}, "FailoverPolicy " + std::string{field}, rule_.position}
                                : origin{found->object, std::string{field}, found->at};
    say("The answer had begun: from the first byte on nothing is sent again. The client gets an "
        "error, never what looks like a complete answer.");
  }

  const plan::rule& rule_;
  const retry_params& retry_;
  const cause_key& cause_;
  const backend_story* story_ = nullptr;
  explanation out_;
};

}  // namespace

explanation explain(const world& outside, const cause_key& cause, const cause_stats& stats,
                    const std::vector<backend_story>& backends) {
  return explainer{outside, cause, stats, backends}.explain();
}

std::optional<microseconds> limit_of(const plan::rule& rule) {
  const auto& retry = rule.cluster.retry;
  std::optional<microseconds> out;
  if (rule.timeouts.request) out = *rule.timeouts.request;
  if (!retry.per_try_timeout) return out;
  microseconds sum = rule.timeouts.connect + *retry.per_try_timeout;
  auto interval = retry.backoff.base;
  for (std::uint32_t i = 0; i < retry.num_retries; ++i) {
    sum += rule.timeouts.connect + *retry.per_try_timeout + interval;
    interval = interval < retry.backoff.max / 2 ? interval * 2 : retry.backoff.max;
  }
  return out ? std::min(*out, sum) : sum;
}

}  // namespace understudy::simulate
