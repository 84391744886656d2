#include <algorithm>

#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {
namespace {

using policy = failover_policy;

void read_attempts(object_reader& in, policy::attempts_spec& out) {
  in.number("perPriority", out.per_priority, {.min = 1, .max = 100});
  in.number("max", out.max, {.min = 1, .max = 100});
  if (out.per_priority.is_written && out.max.is_written && out.per_priority.value > out.max.value)
    in.error(out.per_priority.at, "perPriority",
             "is more than `max`, the attempts of one request in all; write at most " +
                 std::to_string(out.max.value));
  in.duration("timeout", out.timeout);
  in.object("backoff", [&](object_reader& backoff) {
    auto& base = out.backoff_base;
    auto& max = out.backoff_max;
    backoff.duration("base", base, {.is_zero_allowed = false});
    backoff.duration("max", max, {.is_zero_allowed = false});
    if (base.is_written && max.is_written && max.value < base.value)
      backoff.error(max.at, "max", "is shorter than `base`; write at least that");
    if (!max.is_written) max.value = std::max(max.value, base.value);
    if (!base.is_written) base.value = std::min(max.value, base.value);
  });
}

void read_retry_on(object_reader& in, policy::retry_on_spec& out) {
  std::vector<located<int>> codes;
  if (in.numbers("statusCodes", codes, {.min = 400, .max = 599})) out.codes = std::move(codes);
  in.boolean("connectFailure", out.connect_failure);
  in.boolean("reset", out.reset);
  in.boolean("timeout", out.timeout);
  in.boolean("inBandErrors", out.in_band_errors);
}

void read_ejection(object_reader& in, policy::ejection_spec& out) {
  in.boolean("splitExternalLocalOriginErrors", out.is_split);
  in.boolean("alwaysEjectOneEndpoint", out.always_one);
  in.duration("interval", out.interval, {.is_zero_allowed = false});
  in.duration("baseEjectionTime", out.base_ejection, {.is_zero_allowed = false});
  in.number("consecutiveLocalOriginFailures", out.consecutive_local_origin);
  in.number("consecutiveGatewayErrors", out.consecutive_gateway);
  in.number("consecutive5XxErrors", out.consecutive_5xx);
  in.number("maxEjectionPercent", out.max_percent, {.max = 100});
  in.number("failurePercentageThreshold", out.failure_percentage, {.max = 100});
  in.number("trialRequests", out.trial_requests);
}

void read_first_token(object_reader& in, policy::first_token_spec& out) {
  static constexpr std::array<std::string_view, 2> actions{"hedge", "fail"};
  located<std::string> action;
  in.duration("timeout", out.timeout);
  if (in.text("action", action, {.choices = actions})) {
    out.is_hedged.value = action.value == "hedge";
    out.is_hedged.at = action.at;
    out.is_hedged.is_written = true;
  }
  in.boolean("hold", out.hold);
  in.duration("keepAlive", out.keep_alive);
  if (out.keep_alive.value.count() > 0 && !out.hold.value)
    in.warning(
        out.keep_alive.at, "keepAlive",
        "has no effect while `hold` is false: the head goes out at once; remove one of them");
}

void read_stream(object_reader& in, policy::stream_spec& out) {
  static constexpr std::array<std::string_view, 4> actions{"terminate", "verify", "continue",
                                                           "buffer"};
  in.duration("idleTimeout", out.idle_timeout);
  in.text("onBreak", out.on_break, {.choices = actions});
}

/// `p1` … `p99`.
std::optional<std::uint32_t> parse_quantile(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() < 2 || text.size() > 3 || text[0] != 'p' || text[1] == '0') return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(1)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return value;
}

/// A duration or a quantile of the recent ones: `p95`.
std::string check_hedge_after(std::string_view text) {
  const auto duration = parse_duration(text);
  if (parse_quantile(text) || (duration && duration->count() > 0)) return {};
  if (duration) return "must be longer than 0; leave `after` out for no hedging";
  return "is neither a duration nor a quantile; write one as in `2s` or `p95`";
}

void read_hedge(object_reader& in, policy::hedge_spec& out) {
  located<std::string> after;
  if (in.text("after", after, {.check = check_hedge_after})) {
    const auto quantile = parse_quantile(after.value);
    out.after.at = out.after_quantile.at = after.at;
    out.after_quantile.is_written = quantile.has_value();
    out.after_quantile.value = quantile.value_or(0);
    out.after.is_written = !quantile;
    if (!quantile) out.after.value = *parse_duration(after.value);
  }
  in.number("max", out.max, {.max = 10});
  in.number("budget", out.budget, {.max = 100});
}

}  // namespace

object_header& read_failover_policy(object_reader& root, object_header header,
                                    kind_context& context) {
  static constexpr std::array<target_kind_name, 3> targets{
      {{"AIGatewayRoute", ai_group}, {"HTTPRoute", gateway_group}, {"Gateway", gateway_group}}};
  auto& out = context.out.failover_policies.emplace_back();
  out.header = std::move(header);
  root.object(
      "spec",
      [&](object_reader& spec) {
        read_targets(spec, targets, out.targets);
        spec.object("attempts", [&](object_reader& in) { read_attempts(in, out.attempts); });
        spec.object("retryOn", [&](object_reader& in) { read_retry_on(in, out.retry_on); });
        spec.object("retryAfter",
                    [&](object_reader& in) { in.duration("waitUpTo", out.wait_up_to); });
        spec.object("fallbackOn", [&](object_reader& in) {
          in.boolean("contextWindowExceeded", out.fallback_on.context_window);
          in.boolean("contentPolicy", out.fallback_on.content_policy);
        });
        spec.object("ejection", [&](object_reader& in) { read_ejection(in, out.ejection); });
        spec.object("firstToken",
                    [&](object_reader& in) { read_first_token(in, out.first_token); });
        spec.object("stream", [&](object_reader& in) { read_stream(in, out.stream); });
        spec.object("hedge", [&](object_reader& in) { read_hedge(in, out.hedge); });
        spec.object("retryBudget", [&](object_reader& in) {
          in.number("percent", out.budget_percent, {.max = 100});
          in.number("minimum", out.budget_minimum);
        });
        spec.boolean("guard", out.guard);
      },
      true);
  return out.header;
}

}  // namespace understudy::config
