#include <understudy/resilience/balancer.hpp>

#include <algorithm>

#include <understudy/resilience/hash.hpp>

namespace understudy::resilience {
namespace {

constexpr double overprovisioning_factor = 1.4;

// In (0, 1]; the same on every platform.
double unit(base::random_source& random) {
  constexpr double scale = 1.0 / 9007199254740992.0;  // 2^-53
  return static_cast<double>((random.next() >> 11) + 1) * scale;
}

}  // namespace

void locality_schedule::rebuild(std::span<const double> weights, base::random_source& random) {
  entries_.clear();
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    entries_.push_back({0, 1 / weights[i], static_cast<std::uint32_t>(i)});
    sum += weights[i];
  }
  if (entries_.size() < 2) return;
  // Seen at one of its own picks, the periodic schedule shows entry i due with probability
  // weight i / sum, and every other entry at a uniform point of its period.
  double point = unit(random) * sum;
  std::size_t due = 0;
  while (due + 1 < entries_.size() && point > 1 / entries_[due].period)
    point -= 1 / entries_[due++].period;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (i != due) entries_[i].deadline = unit(random) * entries_[i].period;
  std::ranges::make_heap(entries_, is_later);
}

void balancer::add_locality(std::uint32_t weight) {
  localities_.emplace_back();
  localities_.back().weight = weight;
}

void balancer::set_hosts(std::size_t n, std::vector<host*> hosts) {
  localities_[n].all = std::move(hosts);
  all_.hosts.clear();
  for (const auto& l : localities_) all_.hosts.insert(all_.hosts.end(), l.all.begin(), l.all.end());
  next_update_ = time_point::min();
}

void balancer::hashed::assign(const std::vector<host*>& members) {
  hosts = members;
  const auto is_same = [](std::uint64_t key, const host* h) { return key == h->key; };
  if (std::ranges::equal(keys, members, is_same)) return;
  keys.clear();
  for (const host* h : members) keys.push_back(h->key);
  is_stale = true;
}

void balancer::refresh(std::uint32_t trial_limit) {
  trial_limit_ = trial_limit;
  usable_.hosts.clear();
  degraded_.hosts.clear();
  for (auto& l : localities_) {
    l.usable.hosts.clear();
    l.usable.is_scheduled = false;
    for (host* h : l.all)
      if (h->is_usable(trial_limit))
        (h->check.is_degraded ? degraded_ : l.usable).hosts.push_back(h);
    usable_.hosts.insert(usable_.hosts.end(), l.usable.hosts.begin(), l.usable.hosts.end());
  }
  usable_.is_scheduled = degraded_.is_scheduled = all_.is_scheduled = false;
  is_schedule_stale_ = true;
  candidates_ = usable_.hosts;
  candidates_.insert(candidates_.end(), degraded_.hosts.begin(), degraded_.hosts.end());
  newest_host_ = time_point::min();
  for (const host* h : all_.hosts) newest_host_ = std::max(newest_host_, h->in_service_since);
  if (settings_.kind != balancing::consistent_hash) return;
  // A host that is back on trial keeps its slots, or every trial would cost a new table.
  std::vector<host*> serving;
  for (host* h : all_.hosts)
    if (h->is_in_service()) serving.push_back(h);
  in_service_.assign(serving);
  everybody_.assign(all_.hosts);
}

void balancer::reschedule(base::random_source& random) {
  scratch_.clear();
  for (const auto& l : localities_) {
    const auto usable = static_cast<double>(l.usable.hosts.size());
    const auto total = static_cast<double>(std::max<std::size_t>(l.all.size(), 1));
    scratch_.push_back(l.weight * std::min(1.0, overprovisioning_factor * usable / total));
  }
  schedule_.rebuild(scratch_, random);
  is_schedule_stale_ = false;
}

host* balancer::pick(base::random_source& random, bool is_panic, const choice& wanted) {
  if (settings_.kind == balancing::consistent_hash) return pick_hashed(random, is_panic, wanted);
  if (is_panic) return pick_from(all_, random, wanted.now);
  if (!degraded_.hosts.empty() && (wanted.is_degraded || usable_.hosts.empty()))
    return pick_from(degraded_, random, wanted.now);
  if (!is_by_locality()) return pick_from(usable_, random, wanted.now);
  if (localities_.size() == 1) return pick_from(localities_.front().usable, random, wanted.now);
  if (is_schedule_stale_) reschedule(random);
  if (schedule_.empty()) return nullptr;
  return pick_from(localities_[schedule_.next()].usable, random, wanted.now);
}

host* balancer::pick_hashed(base::random_source& random, bool is_panic, const choice& wanted) {
  hashed& from = is_panic ? everybody_ : in_service_;
  if (from.hosts.empty()) return nullptr;
  if (from.is_stale) from.table.rebuild(from.keys, settings_.hash_table_size);
  from.is_stale = false;
  std::uint64_t hash = wanted.hash ? *wanted.hash : random.next();
  if (wanted.nth > 0) hash ^= ~std::uint64_t{0} - wanted.nth + 1;
  constexpr int longest_walk = 64;
  for (int i = 0; i < longest_walk; ++i) {
    host* chosen =
        from.table.empty() ? from.hosts[hash % from.hosts.size()] : from.hosts[from.table.at(hash)];
    if (is_panic || !chosen->trial.is_full(trial_limit_)) return chosen;
    hash = mix(hash + 1);
  }
  return usable_.hosts.empty() ? nullptr : usable_.hosts[hash % usable_.hosts.size()];
}

bool balancer::has_unequal_weights(time_point now) {
  if (settings_.kind == balancing::random) return false;
  if (settings_.kind == balancing::backend_utilization && now >= next_update_) update_weights(now);
  return are_reports_unequal_ ||
         (settings_.slow_start_window && newest_host_ != time_point::min() &&
          now - newest_host_ < *settings_.slow_start_window);
}

void balancer::update_weights(time_point now) {
  next_update_ = now + std::max(settings_.utilization.update_period, milliseconds{100});
  scratch_.clear();
  for (host* h : all_.hosts)
    if (const auto valid = h->reported.valid(settings_.utilization, now))
      scratch_.push_back(*valid);
  const double median = median_weight(scratch_);
  are_reports_unequal_ = false;
  for (host* h : all_.hosts) {
    h->reported.weight = h->reported.valid(settings_.utilization, now).value_or(median);
    if (h->reported.weight != all_.hosts.front()->reported.weight) are_reports_unequal_ = true;
  }
  usable_.is_scheduled = degraded_.is_scheduled = all_.is_scheduled = false;
}

double balancer::weight_of(const host& h, time_point now) const {
  double weight = 1;
  if (settings_.kind == balancing::backend_utilization) weight = h.reported.weight;
  if (settings_.kind == balancing::least_request) weight /= h.active_requests + 1.0;
  if (settings_.slow_start_window)
    weight *= slow_start_factor(now - h.in_service_since, *settings_.slow_start_window);
  return weight;
}

host* balancer::pick_scheduled(host_list& list, base::random_source& random, time_point now) {
  if (!list.is_scheduled) {
    scratch_.clear();
    for (const host* h : list.hosts) scratch_.push_back(weight_of(*h, now));
    list.schedule.rebuild(scratch_, random);
    list.is_scheduled = true;
  }
  return list.hosts[list.schedule.next(
      [&](std::size_t index, double) { return 1 / weight_of(*list.hosts[index], now); })];
}

host* balancer::pick_from(host_list& list, base::random_source& random, time_point now) {
  const std::size_t n = list.hosts.size();
  if (n == 0) return nullptr;
  if (n == 1) return list.hosts.front();
  if (has_unequal_weights(now)) return pick_scheduled(list, random, now);
  switch (settings_.kind) {
    case balancing::round_robin:
    case balancing::backend_utilization:
      if (!list.is_cursor_set) list.cursor = random.below(n);
      list.is_cursor_set = true;
      return list.hosts[list.cursor++ % n];
    case balancing::random:
      return list.hosts[random.below(n)];
    case balancing::least_request:
    case balancing::consistent_hash:
      break;
  }
  host* first = list.hosts[random.below(n)];
  host* second = list.hosts[random.below(n)];
  return second->active_requests < first->active_requests ? second : first;
}

}  // namespace understudy::resilience
