#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {
namespace {

// Every field stands here with its mark; one that starts to act loses it and gains a member of
// failover_policy.
constexpr auto not_yet = acts::not_yet;
constexpr duration_rules not_yet_duration{.when = not_yet};

void read_attempts(object_reader& in) {
  located<std::uint32_t> count;
  located<milliseconds> time;
  in.number("perPriority", count, {.min = 1, .max = 100, .when = not_yet});
  in.number("max", count, {.min = 1, .max = 100, .when = not_yet});
  in.duration("timeout", time, not_yet_duration);
  in.object("backoff", [](object_reader& backoff) {
    located<milliseconds> base, max;
    backoff.duration("base", base, {.is_zero_allowed = false, .when = not_yet});
    backoff.duration("max", max, {.is_zero_allowed = false, .when = not_yet});
    if (base.is_written && max.is_written && max.value < base.value)
      backoff.error(max.at, "max", "is shorter than `base`; write at least that");
  });
}

void read_retry_on(object_reader& in) {
  std::vector<located<int>> codes;
  located<bool> flag;
  in.numbers("statusCodes", codes, {.min = 400, .max = 599}, {.when = not_yet});
  for (const auto key : {"connectFailure", "reset", "timeout", "inBandErrors"})
    in.boolean(key, flag, not_yet);
}

void read_ejection(object_reader& in) {
  located<bool> flag;
  located<milliseconds> time;
  located<std::uint32_t> count;
  in.boolean("splitExternalLocalOriginErrors", flag, not_yet);
  in.boolean("alwaysEjectOneEndpoint", flag, not_yet);
  in.duration("interval", time, {.is_zero_allowed = false, .when = not_yet});
  in.duration("baseEjectionTime", time, {.is_zero_allowed = false, .when = not_yet});
  for (const auto key : {"consecutiveLocalOriginFailures", "consecutiveGatewayErrors",
                         "consecutive5XxErrors", "trialRequests"})
    in.number(key, count, {.when = not_yet});
  for (const auto key : {"maxEjectionPercent", "failurePercentageThreshold"})
    in.number(key, count, {.max = 100, .when = not_yet});
}

void read_first_token(object_reader& in) {
  static constexpr std::array<std::string_view, 2> actions{"hedge", "fail"};
  located<milliseconds> time;
  located<std::string> action;
  located<bool> flag;
  in.duration("timeout", time, not_yet_duration);
  in.text("action", action, {.choices = actions, .when = not_yet});
  in.boolean("hold", flag, not_yet);
  in.duration("keepAlive", time, not_yet_duration);
}

void read_stream(object_reader& in) {
  static constexpr std::array<std::string_view, 4> actions{"terminate", "verify", "continue",
                                                           "buffer"};
  located<milliseconds> time;
  located<std::string> action;
  in.duration("idleTimeout", time, not_yet_duration);
  in.text("onBreak", action, {.choices = actions, .when = not_yet});
}

/// A duration or a quantile of the recent ones: `p95`.
std::string check_hedge_after(std::string_view text) {
  const bool is_quantile = text.size() >= 2 && text.size() <= 3 && text[0] == 'p' &&
                           text[1] >= '1' && text[1] <= '9' &&
                           (text.size() == 2 || (text[2] >= '0' && text[2] <= '9'));
  if (is_quantile || parse_duration(text)) return {};
  return "is neither a duration nor a quantile; write one as in `2s` or `p95`";
}

void read_hedge(object_reader& in) {
  located<std::string> after;
  located<std::uint32_t> count;
  in.text("after", after, {.check = check_hedge_after, .when = not_yet});
  in.number("max", count, {.max = 10, .when = not_yet});
  in.number("budget", count, {.max = 100, .when = not_yet});
}

void read_fallback_on(object_reader& in) {
  located<bool> flag;
  in.boolean("contextWindowExceeded", flag, not_yet);
  in.boolean("contentPolicy", flag, not_yet);
}

void read_retry_budget(object_reader& in) {
  located<std::uint32_t> count;
  in.number("percent", count, {.max = 100, .when = not_yet});
  in.number("minimum", count, {.when = not_yet});
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
        located<bool> guard;
        read_targets(spec, targets, out.targets);
        spec.object("attempts", read_attempts);
        spec.object("retryOn", read_retry_on);
        spec.object("retryAfter", [](object_reader& in) {
          located<milliseconds> time;
          in.duration("waitUpTo", time, not_yet_duration);
        });
        spec.object("fallbackOn", read_fallback_on);
        spec.object("ejection", read_ejection);
        spec.object("firstToken", read_first_token);
        spec.object("stream", read_stream);
        spec.object("hedge", read_hedge);
        spec.object("retryBudget", read_retry_budget);
        spec.boolean("guard", guard, not_yet);
      },
      true);
  return out.header;
}

}  // namespace understudy::config
