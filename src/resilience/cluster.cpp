#include <understudy/resilience/cluster.hpp>

#include <utility>

#include "resilience/cluster_impl.hpp"

namespace understudy::resilience {

cluster::cluster(cluster_params params, time_point start)
    : impl_{std::make_unique<impl>(std::move(params), start)} {}
cluster::~cluster() = default;

const cluster_params& cluster::params() const { return impl_->params; }

void cluster::set_hosts(std::uint32_t locality, const std::vector<std::string>& addresses,
                        time_point now) {
  impl_->advance(now);
  impl_->set_hosts(locality, addresses);
}

std::vector<host_history> cluster::history() const {
  std::vector<host_history> all;
  for (const auto& h : impl_->hosts) {
    auto& one = all.emplace_back();
    one.locality = h->locality;
    one.address = h->address;
    one.health = h->health;
    if (h->check.is_on && !h->check.is_first) one.check = h->check;
    one.reported = h->reported;
    one.in_service_since = h->in_service_since;
  }
  return all;
}

void cluster::expect(std::vector<host_history> known) { impl_->expected = std::move(known); }

std::string_view cluster::address(host_id host) const {
  const auto* found = std::as_const(*impl_).find(host);
  return found != nullptr ? std::string_view{found->address} : std::string_view{};
}

void cluster::advance(time_point now) { impl_->advance(now); }

time_point cluster::next_sweep() const { return impl_->detector.next_change(); }

void cluster::connected(host_id host, time_point now) {
  impl_->advance(now);
  impl_->record_connected(host, now);
}

void cluster::record(host_id host, const outcome& result, time_point now) {
  impl_->advance(now);
  impl_->record(host, result, now);
}

void cluster::record_broken_stream(host_id host, bool is_idle_timeout, time_point now) {
  impl_->advance(now);
  impl_->record_broken_stream(host, is_idle_timeout, now);
}

void cluster::report_load(host_id host, const load_report& report, time_point now) {
  impl_->advance(now);
  if (auto* found = impl_->find(host))
    found->reported.on_report(report, impl_->params.utilization, now);
}

std::vector<due_check> cluster::take_due_checks(time_point now, base::random_source& random) {
  impl_->advance(now);
  return impl_->take_due_checks(now, random);
}

time_point cluster::next_check() const { return impl_->next_check(); }

void cluster::report_check(host_id host, check_result result, time_point now) {
  impl_->advance(now);
  impl_->report_check(host, result, now);
}

bool cluster::is_checked() const { return impl_->is_checked(); }

bool cluster::eject(host_id host, time_point now) {
  impl_->advance(now);
  auto* found = impl_->find(host);
  if (found == nullptr || !impl_->detector.eject(*found, now)) return false;
  impl_->apply({health_change::kind::ejected, found, "operator"}, now);
  return true;
}

bool cluster::uneject(host_id host, time_point now) {
  impl_->advance(now);
  auto* found = impl_->find(host);
  if (found == nullptr || !impl_->detector.uneject(*found, now)) return false;
  impl_->apply({health_change::kind::returned, found, "operator"}, now);
  return true;
}

std::vector<health_event> cluster::take_events() { return std::exchange(impl_->events, {}); }

std::vector<host_status> cluster::status(time_point now) {
  impl_->advance(now);
  std::vector<host_status> all;
  all.reserve(impl_->hosts.size());
  for (const auto& locality : impl_->by_locality) {
    for (const auto* h : locality) {
      host_status s;
      s.host = h->id;
      s.locality = h->locality;
      s.priority = impl_->priority_of_rank[h->rank];
      s.address = h->address;
      s.is_ejected = h->health.is_ejected;
      s.is_in_trial = h->trial.is_on();
      if (s.is_ejected) s.ejected_until = impl_->detector.ejected_until(*h);
      s.multiplier = h->health.multiplier;
      s.ejections = h->health.ejections;
      s.consecutive_5xx = h->health.consecutive_5xx;
      s.consecutive_gateway_errors = h->health.consecutive_gateway_errors;
      s.consecutive_local_origin_failures = h->health.consecutive_local_failures;
      s.active_requests = h->active_requests;
      s.is_checked = h->check.is_on;
      s.is_check_known = !h->check.is_first;
      s.is_check_failed = h->check.is_failed;
      s.is_degraded = h->check.is_degraded;
      s.weight = h->reported.weight;
      all.push_back(std::move(s));
    }
  }
  return all;
}

work_under_way cluster::under_way() const {
  const auto& b = impl_->breaker;
  return {b.requests(), b.retries(), b.hedges(), b.max_retries()};
}

std::vector<std::uint32_t> cluster::priority_load(time_point now) {
  impl_->advance(now);
  const auto& share = impl_->current_load().load;
  auto all = share.healthy;
  for (std::size_t rank = 0; rank < all.size(); ++rank) all[rank] += share.degraded[rank];
  return all;
}

}  // namespace understudy::resilience
