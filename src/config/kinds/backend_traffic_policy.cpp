#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"
#include "config/traffic_parts.hpp"

namespace understudy::config {

constexpr auto not_yet = acts::not_yet;

constexpr std::array<std::string_view, 13> triggers{"5xx",
                                                    "gateway-error",
                                                    "reset",
                                                    "reset-before-request",
                                                    "connect-failure",
                                                    "retriable-4xx",
                                                    "refused-stream",
                                                    "retriable-status-codes",
                                                    "cancelled",
                                                    "deadline-exceeded",
                                                    "internal",
                                                    "resource-exhausted",
                                                    "unavailable"};

static void read_fields(object_reader& in, backoff_spec& out) {
  in.duration("baseInterval", out.base, {.is_zero_allowed = false});
  in.duration("maxInterval", out.max, {.is_zero_allowed = false});
  if (out.max.is_written && !out.base.is_written)
    in.error(out.max.at, "maxInterval", "stands alone; write `baseInterval` too");
  if (out.max.is_written && out.base.is_written && out.max.value < out.base.value)
    in.error(out.max.at, "maxInterval", "is shorter than `baseInterval`; write at least that");
}

static void read_fields(object_reader& in, per_retry_spec& out) {
  in.duration("timeout", out.timeout);
  in.into("backOff", out.backoff);
}

static void read_fields(object_reader& in, retry_on_spec& out) {
  out.at = in.at();
  in.texts("triggers", out.triggers, {}, {.choices = triggers});
  in.numbers("httpStatusCodes", out.codes, {.min = 100, .max = 599});
}

static void read_fields(object_reader& in, retry_spec& out) {
  out.at = in.at();
  in.number("numRetries", out.num_retries);
  in.number("numAttemptsPerPriority", out.attempts_per_priority);
  in.into("perRetry", out.per_retry);
  in.into("retryOn", out.retry_on);
}

static void read_fields(object_reader& in, passive_health_spec& out) {
  out.at = in.at();
  in.boolean("splitExternalLocalOriginErrors", out.is_split);
  in.duration("interval", out.interval, {.is_zero_allowed = false});
  in.number("consecutiveLocalOriginFailures", out.consecutive_local_origin);
  in.number("consecutiveGatewayErrors", out.consecutive_gateway);
  in.number("consecutive5XxErrors", out.consecutive_5xx);
  in.duration("baseEjectionTime", out.base_ejection, {.is_zero_allowed = false});
  in.number("maxEjectionPercent", out.max_percent, {.max = 100});
  in.number("failurePercentageThreshold", out.failure_percentage, {.max = 100});
  in.boolean("alwaysEjectOneEndpoint", out.always_one);
}

static void read_fields(object_reader& in, health_check_spec& out) {
  in.into("passive", out.passive);
  in.number("panicThreshold", out.panic_threshold, {.max = 100});
  in.into("active", out.active);
}

static void read_budget(object_reader& in, circuit_breaker_spec& out) {
  in.object(
      "percent",
      [&](object_reader& fraction) {
        located<std::uint32_t> numerator, denominator{100};
        fraction.number("numerator", numerator, {.is_required = true});
        fraction.number("denominator", denominator, {.min = 1});
        out.budget_percent.value =
            static_cast<std::uint32_t>(std::uint64_t{numerator.value} * 100 / denominator.value);
        out.budget_percent.at = fraction.at();
        out.budget_percent.is_written = true;
      },
      true, "`percent: {numerator: 20}`");
  in.number("minRetryConcurrency", out.budget_minimum);
}

static void read_fields(object_reader& in, circuit_breaker_spec& out) {
  in.number("maxParallelRequests", out.requests);
  in.number("maxParallelRetries", out.retries);
  in.number("maxConnections", out.connections);
  in.number("maxPendingRequests", out.pending);
  in.number("maxRequestsPerConnection", out.requests_per_connection);
  in.object("perEndpoint", [&](object_reader& inner) {
    if (!inner.number("maxConnections", out.connections_per_endpoint)) {
      out.connections_per_endpoint.value = 1024;  // the CRD's default where the block is there
      out.connections_per_endpoint.is_written = true;
    }
  });
  in.object("retryBudget", [&](object_reader& budget) { read_budget(budget, out); });
}

static void read_fields(object_reader& in, backend_timeout_spec& out) {
  in.object("tcp", [&](object_reader& tcp) {
    tcp.duration("connectTimeout", out.connect, {.is_zero_allowed = false});
  });
  in.object("http", [&](object_reader& http) {
    http.duration("requestTimeout", out.request);
    http.duration("connectionIdleTimeout", out.connection_idle);
    http.duration("streamIdleTimeout", out.stream_idle);
    http.duration("maxConnectionDuration", out.max_connection_duration);
    http.duration("maxStreamDuration", out.max_stream_duration, {.when = not_yet});
  });
}

/// What is read over whole.
static void read_the_rest(object_reader& spec) {
  spec.object("connection", [](object_reader& in) {
    located<std::uint64_t> size;
    in.quantity("bufferLimit", size, not_yet);
    in.quantity("socketBufferLimit", size, not_yet);
    in.not_acting({"preconnect", "perConnectionBufferLimit"});
  });
  spec.not_acting({"rateLimit", "faultInjection", "useClientProtocol", "compression", "compressor",
                   "responseOverride", "httpUpgrade", "telemetry", "admissionControl",
                   "bandwidthLimit", "routingType", "proxyProtocol", "http2"});
}

static void read_fields(object_reader& in, dns_spec& out) {
  static constexpr std::array<std::string_view, 5> families{"IPv4", "IPv6", "IPv4Preferred",
                                                            "IPv6Preferred", "IPv4AndIPv6"};
  in.duration("dnsRefreshRate", out.refresh_rate, {.is_zero_allowed = false});
  in.boolean("respectDnsTtl", out.respects_ttl);
  in.text("lookupFamily", out.family, {.choices = families});
}

static void read_fields(object_reader& in, tcp_keepalive_spec& out) {
  in.number("probes", out.probes, {.min = 1});
  in.duration("idleTime", out.idle_time, {.is_zero_allowed = false});
  in.duration("interval", out.interval, {.is_zero_allowed = false});
}

static void read_merge_type(object_reader& spec, backend_traffic_policy& out) {
  static constexpr std::array<std::string_view, 2> types{"StrategicMerge", "JSONMerge"};
  spec.text("mergeType", out.merge_type, {.choices = types});
  if (!out.merge_type.is_written) return;
  for (const auto& target : out.targets)
    if (target.kind.value == "Gateway")
      spec.error(out.merge_type.at, "mergeType",
                 "is for the policy of a route, which is merged into the one of its Gateway; "
                 "remove it here");
}

object_header& read_backend_traffic_policy(object_reader& root, object_header header,
                                           kind_context& context) {
  static constexpr std::array<target_kind_name, 2> targets{
      {{"HTTPRoute", gateway_group}, {"Gateway", gateway_group}}};
  auto& out = context.out.traffic_policies.emplace_back();
  out.header = std::move(header);
  root.object(
      "spec",
      [&](object_reader& spec) {
        read_targets(spec, targets, out.targets);
        spec.into("retry", out.retry);
        spec.into("healthCheck", out.health);
        spec.into("circuitBreaker", out.breaker);
        spec.into("timeout", out.timeout);
        spec.into("loadBalancer", out.load_balancer);
        spec.into("dns", out.dns);
        spec.into("tcpKeepalive", out.keepalive);
        spec.object("requestBuffer",
                    [&](object_reader& buffer) { buffer.quantity("limit", out.request_buffer); });
        read_merge_type(spec, out);
        read_the_rest(spec);
      },
      true);
  return out.header;
}

}  // namespace understudy::config
