#include "plan/policies.hpp"

// mergeType of a BackendTrafficPolicy. Both kinds of merge give the same here: objects are merged
// field by field, and no list of this kind has keys to merge by.
namespace understudy::plan {
namespace {

using config::located;

template <class T>
void take(located<T>& into, const located<T>& parent) {
  if (!into.is_written && parent.is_written) into = parent;
}

/// A block that only one of them has is that one's; else `fields` merges it.
template <class Block, class Fields>
void merge_block(std::optional<Block>& into, const std::optional<Block>& parent, Fields fields) {
  if (!parent) return;
  if (!into)
    into = parent;
  else
    fields(*into, *parent);
}

void merge(config::retry_spec& into, const config::retry_spec& parent) {
  take(into.attempts_per_priority, parent.attempts_per_priority);
  merge_block(into.per_retry, parent.per_retry, [](auto& a, const auto& b) {
    take(a.timeout, b.timeout);
    merge_block(a.backoff, b.backoff, [](auto& x, const auto& y) {
      take(x.base, y.base);
      take(x.max, y.max);
    });
  });
  merge_block(into.retry_on, parent.retry_on, [](auto& a, const auto& b) {
    if (a.triggers.empty()) a.triggers = b.triggers;
    if (a.codes.empty()) a.codes = b.codes;
  });
}

void merge(config::health_check_spec& into, const config::health_check_spec& parent) {
  take(into.panic_threshold, parent.panic_threshold);
  merge_block(into.passive, parent.passive, [](auto& a, const auto& b) {
    take(a.consecutive_gateway, b.consecutive_gateway);
    take(a.failure_percentage, b.failure_percentage);
  });
  merge_block(into.active, parent.active, [](auto& a, const auto& b) {
    take(a.initial_jitter, b.initial_jitter);
    take(a.port, b.port);
    if (a.type.value != b.type.value) return;
    merge_block(a.http, b.http, [](auto& x, const auto& y) {
      take(x.method, y.method);
      take(x.hostname, y.hostname);
      if (x.expected.empty()) x.expected = y.expected;
      if (x.retriable.empty()) x.retriable = y.retriable;
      if (!x.response) x.response = y.response;
      if (!x.body) x.body = y.body;
    });
    merge_block(a.tcp, b.tcp, [](auto& x, const auto& y) {
      if (!x.send) x.send = y.send;
      if (!x.receive) x.receive = y.receive;
    });
  });
}

void merge(config::circuit_breaker_spec& into, const config::circuit_breaker_spec& parent) {
  take(into.requests_per_connection, parent.requests_per_connection);
  take(into.connections_per_endpoint, parent.connections_per_endpoint);
  take(into.budget_percent, parent.budget_percent);
}

void merge(config::backend_timeout_spec& into, const config::backend_timeout_spec& parent) {
  take(into.connect, parent.connect);
  take(into.request, parent.request);
  take(into.stream_idle, parent.stream_idle);
  take(into.connection_idle, parent.connection_idle);
  take(into.max_connection_duration, parent.max_connection_duration);
  take(into.max_stream_duration, parent.max_stream_duration);
}

}  // namespace

config::backend_traffic_policy merged(const config::backend_traffic_policy& parent,
                                      const config::backend_traffic_policy& child) {
  config::backend_traffic_policy out = child;
  const auto fields = [](auto& into, const auto& from) { merge(into, from); };
  merge_block(out.retry, parent.retry, fields);
  merge_block(out.health, parent.health, fields);
  merge_block(out.breaker, parent.breaker, fields);
  merge_block(out.timeout, parent.timeout, fields);
  merge_block(out.load_balancer, parent.load_balancer, [](auto& a, const auto& b) {
    take(a.slow_start, b.slow_start);
    if (a.type.value != b.type.value) return;
    if (!a.hash) a.hash = b.hash;
    if (!a.utilization) a.utilization = b.utilization;
  });
  merge_block(out.dns, parent.dns, [](auto& a, const auto& b) {
    take(a.refresh_rate, b.refresh_rate);
    take(a.respects_ttl, b.respects_ttl);
    take(a.family, b.family);
  });
  merge_block(out.keepalive, parent.keepalive, [](auto& a, const auto& b) {
    take(a.probes, b.probes);
    take(a.idle_time, b.idle_time);
    take(a.interval, b.interval);
  });
  take(out.request_buffer, parent.request_buffer);
  return out;
}

}  // namespace understudy::plan
