#include <understudy/resilience/ejection.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace understudy::resilience {
namespace {

constexpr std::string_view detector_5xx = "consecutive5XxErrors";
constexpr std::string_view detector_gateway = "consecutiveGatewayErrors";
constexpr std::string_view detector_local = "consecutiveLocalOriginFailures";
constexpr std::string_view detector_success_rate = "successRate";
constexpr std::string_view detector_percentage = "failurePercentageThreshold";
constexpr std::string_view detector_asked = "retryAfter";

constexpr std::chrono::hours longest_asked{24};

// Envoy's values, which Envoy Gateway cannot change.
constexpr std::size_t min_rated_hosts = 5;
constexpr std::uint32_t min_success_rate_volume = 100;
constexpr std::uint32_t min_percentage_volume = 50;
constexpr double deviation_factor = 1.9;

// Reports the ejection where there was one, else the refusal, else nothing.
health_change merged(const health_change& first, const health_change& second) {
  return first.what == health_change::kind::ejected || second.what == health_change::kind::none
             ? first
             : second;
}

ejection_params sanitized(ejection_params p) {
  p.interval = std::max(p.interval, milliseconds{1});
  p.base_ejection_time = std::max(p.base_ejection_time, milliseconds{0});
  p.max_ejection_time = std::max(p.max_ejection_time, p.base_ejection_time);
  return p;
}

double rate(const rate_bucket& bucket) {
  return 100.0 * static_cast<double>(bucket.success) / static_cast<double>(bucket.total);
}

// Mean less 1.9 population deviations.
double success_rate_bound(const std::vector<double>& rates) {
  const auto count = static_cast<double>(rates.size());
  const double mean = std::accumulate(rates.begin(), rates.end(), 0.0) / count;
  double squares = 0;
  for (const double r : rates) squares += (r - mean) * (r - mean);
  return mean - deviation_factor * std::sqrt(squares / count);
}

}  // namespace

ejection::ejection(const std::optional<ejection_params>& params, time_point start)
    : next_sweep_{time_point::max()} {
  if (!params) return;
  params_ = sanitized(*params);
  next_sweep_ = start + params_->interval;
}

void ejection::on_host_removed(const host& gone) {
  --total_;
  if (gone.health.is_ejected) --ejected_;
}

void ejection::restore(host& h, const ejection_state& known) {
  if (!params_ && !known.is_operators) return;
  h.health = known;
  if (!known.is_ejected) return;
  ++ejected_;
  h.trial.on_ejected();
  if (known.is_timed) next_return_ = std::min(next_return_, known.until);
}

health_change ejection::record(host& h, const outcome& result, time_point now) {
  if (!params_) return {};
  const bool is_split = params_->is_split;
  switch (result.what) {
    case failure_class::status:
      return on_code(h, result.status, now);
    case failure_class::connect:
    case failure_class::connect_timeout:
    case failure_class::closed:
    case failure_class::protocol:
      return is_split ? on_local_failure(h, now) : on_code(h, 503, now);
    case failure_class::per_try:
    case failure_class::global:
      return is_split ? on_local_failure(h, now) : on_code(h, 504, now);
    case failure_class::in_band:
      return on_code(h, result.status, now);
    case failure_class::unprepared:
    case failure_class::local_shortage:
    case failure_class::overflow:
    case failure_class::no_host:
      break;
  }
  return {};
}

health_change ejection::record_broken_stream(host& h, bool is_idle_timeout, time_point now) {
  outcome result;
  result.what = is_idle_timeout ? failure_class::per_try : failure_class::closed;
  return record(h, result, now);
}

void ejection::record_connected(host& h) {
  if (!params_ || !params_->is_split) return;
  h.health.local_origin.add(true);
  h.health.consecutive_local_failures = 0;
}

health_change ejection::on_code(host& h, int status, time_point now) {
  ejection_state& s = h.health;
  const bool is_failure = status >= 500 && status <= 599;
  s.external.add(!is_failure);
  if (!is_failure) {
    s.consecutive_5xx = 0;
    s.consecutive_gateway_errors = 0;
    h.trial.on_success();
    return {};
  }
  health_change gateway;
  if (!is_gateway_status(status)) {
    s.consecutive_gateway_errors = 0;
  } else if (++s.consecutive_gateway_errors == params_->consecutive_gateway_errors &&
             !s.is_ejected) {
    gateway = try_eject(h, detector_gateway, now);
    s.consecutive_gateway_errors = 0;
  }
  if (++s.consecutive_5xx != params_->consecutive_5xx || s.is_ejected) return gateway;
  const health_change any = try_eject(h, detector_5xx, now);
  s.consecutive_5xx = 0;
  return merged(gateway, any);
}

health_change ejection::on_local_failure(host& h, time_point now) {
  ejection_state& s = h.health;
  s.local_origin.add(false);
  if (++s.consecutive_local_failures != params_->consecutive_local_origin_failures) return {};
  if (s.is_ejected) return {};
  const health_change change = try_eject(h, detector_local, now);
  s.consecutive_local_failures = 0;
  return change;
}

bool ejection::is_cap_kept() const {
  if (params_->always_ejects_one && ejected_ == 0) return true;
  const std::uint64_t percent = std::min(100U, params_->max_ejection_percent);
  return std::uint64_t{100} * (ejected_ + 1) <= percent * total_;
}

health_change ejection::try_eject(host& h, std::string_view detector, time_point now) {
  if (!is_cap_kept()) return {health_change::kind::refused, &h, detector};
  do_eject(h, now);
  return {health_change::kind::ejected, &h, detector};
}

void ejection::take_out(host& h, time_point now) {
  ejection_state& s = h.health;
  ++ejected_;
  s.is_ejected = true;
  s.ejected_at = now;
  ++s.ejections;
  h.trial.on_ejected();
}

void ejection::do_eject(host& h, time_point now) {
  take_out(h, now);
  if (!params_) return;
  ejection_state& s = h.health;
  const auto& p = *params_;
  if (s.multiplier * p.base_ejection_time < p.max_ejection_time + p.base_ejection_time)
    ++s.multiplier;
}

void ejection::do_uneject(host& h, time_point now) {
  ejection_state& s = h.health;
  --ejected_;
  s.is_ejected = s.is_operators = s.is_timed = false;
  s.has_returned = true;
  s.returned_at = now;
  s.consecutive_5xx = 0;
  s.consecutive_gateway_errors = 0;
  s.consecutive_local_failures = 0;
  if (params_) h.trial.on_returned(params_->trial_requests);
}

bool ejection::eject(host& h, time_point now) {
  if (h.health.is_ejected) return false;
  do_eject(h, now);
  h.health.is_operators = true;
  return true;
}

bool ejection::uneject(host& h, time_point now) {
  if (!h.health.is_ejected) return false;
  do_uneject(h, now);
  return true;
}

health_change ejection::eject_for(host& h, base::duration length, time_point now) {
  ejection_state& s = h.health;
  if (!params_ || length <= base::duration{} || s.is_operators) return {};
  time_point until = now + std::min<base::duration>(length, longest_asked);
  health_change change{health_change::kind::ejected, &h, detector_asked};
  if (s.is_ejected) {
    until = std::max(until, ejected_until(h));
    change = {};
  } else if (!is_cap_kept()) {
    return {health_change::kind::refused, &h, detector_asked};
  } else {
    take_out(h, now);
  }
  s.is_timed = true;
  s.until = until;
  next_return_ = std::min(next_return_, until);
  return change;
}

void ejection::return_timed(std::span<const std::unique_ptr<host>> hosts,
                            std::vector<health_change>& changes) {
  const time_point at = next_return_;
  next_return_ = time_point::max();
  for (const auto& h : hosts) {
    if (!h->health.is_timed) continue;
    if (h->health.until > at) {
      next_return_ = std::min(next_return_, h->health.until);
      continue;
    }
    do_uneject(*h, at);
    changes.push_back({health_change::kind::returned, h.get(), {}});
  }
}

base::duration ejection::ejection_time(const host& h) const {
  if (h.health.is_timed) return h.health.until - h.health.ejected_at;
  if (!params_) return base::duration::max();
  return std::min(h.health.multiplier * params_->base_ejection_time, params_->max_ejection_time);
}

time_point ejection::ejected_until(const host& h) const {
  if (h.health.is_timed) return h.health.until;
  if (!params_) return time_point::max();
  const time_point due = h.health.ejected_at + ejection_time(h);
  if (due <= next_sweep_) return next_sweep_;
  const base::duration interval = params_->interval;
  const auto sweeps = (due - next_sweep_ + interval - base::duration{1}) / interval;
  return next_sweep_ + sweeps * interval;
}

void ejection::sweep(std::span<const std::unique_ptr<host>> hosts, time_point now,
                     std::vector<health_change>& changes) {
  const auto& p = *params_;
  const time_point at = next_sweep_;
  for (const auto& h : hosts) {
    if (!h->health.is_ejected || at - h->health.ejected_at < ejection_time(*h)) continue;
    do_uneject(*h, at);
    changes.push_back({health_change::kind::returned, h.get(), {}});
  }
  eject_by_rate(hosts, &ejection_state::external, p.failure_percentage_threshold.has_value(), at,
                changes);
  if (p.is_split) eject_by_rate(hosts, &ejection_state::local_origin, false, at, changes);
  bool is_settled = true;
  for (const auto& h : hosts) {
    ejection_state& s = h->health;
    s.external = {};
    s.local_origin = {};
    if (!s.is_ejected && s.has_returned && s.multiplier > 0 && at - s.returned_at >= p.interval)
      --s.multiplier;
    is_settled = is_settled && !s.is_ejected && s.multiplier == 0;
  }
  next_sweep_ += p.interval;
  if (is_settled && next_sweep_ < now)
    next_sweep_ += (now - next_sweep_) / p.interval * base::duration{p.interval};
}

// §2.5: success rate against the mean, then failure percentage, over the interval that ends now.
void ejection::eject_by_rate(std::span<const std::unique_ptr<host>> hosts,
                             rate_bucket ejection_state::*bucket, bool has_percentage,
                             time_point now, std::vector<health_change>& changes) {
  std::vector<double> rates;
  std::size_t in_percentage = 0;
  for (const auto& h : hosts) {
    const rate_bucket& b = h->health.*bucket;
    if (h->health.is_ejected || b.total < min_percentage_volume) continue;
    ++in_percentage;
    if (b.total >= min_success_rate_volume) rates.push_back(rate(b));
  }
  const auto eject_where = [&](std::string_view detector, auto is_outlier) {
    for (const auto& h : hosts) {
      if (h->health.is_ejected || !is_outlier(h->health.*bucket)) continue;
      changes.push_back(try_eject(*h, detector, now));
    }
  };
  if (rates.size() >= min_rated_hosts) {
    const double bound = success_rate_bound(rates);
    eject_where(detector_success_rate, [&](const rate_bucket& b) {
      return b.total >= min_success_rate_volume && rate(b) < bound;
    });
  }
  if (has_percentage && in_percentage >= min_rated_hosts) {
    const double threshold = *params_->failure_percentage_threshold;
    eject_where(detector_percentage, [&](const rate_bucket& b) {
      return b.total >= min_percentage_volume && 100.0 - rate(b) >= threshold;
    });
  }
}

}  // namespace understudy::resilience
