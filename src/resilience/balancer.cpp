#include <understudy/resilience/balancer.hpp>

#include <algorithm>

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
  const auto later = [](const entry& a, const entry& b) { return a.deadline > b.deadline; };
  std::ranges::make_heap(entries_, later);
}

std::size_t locality_schedule::next() {
  if (entries_.size() > 1) {
    const auto later = [](const entry& a, const entry& b) { return a.deadline > b.deadline; };
    std::ranges::pop_heap(entries_, later);
    entry& due = entries_.back();
    const std::size_t index = due.index;
    due.deadline += due.period;
    std::ranges::push_heap(entries_, later);
    return index;
  }
  return entries_.front().index;
}

void balancer::add_locality(std::uint32_t weight) {
  localities_.emplace_back();
  localities_.back().weight = weight;
}

void balancer::set_hosts(std::size_t n, std::vector<host*> hosts) {
  localities_[n].all = std::move(hosts);
  all_.hosts.clear();
  for (const auto& l : localities_) all_.hosts.insert(all_.hosts.end(), l.all.begin(), l.all.end());
}

void balancer::refresh(std::uint32_t trial_limit) {
  usable_.hosts.clear();
  for (auto& l : localities_) {
    l.usable.hosts.clear();
    for (host* h : l.all)
      if (h->is_usable(trial_limit)) l.usable.hosts.push_back(h);
    usable_.hosts.insert(usable_.hosts.end(), l.usable.hosts.begin(), l.usable.hosts.end());
  }
  is_schedule_stale_ = true;
}

void balancer::reschedule(base::random_source& random) {
  std::vector<double> weights;
  weights.reserve(localities_.size());
  for (const auto& l : localities_) {
    const auto usable = static_cast<double>(l.usable.hosts.size());
    const auto total = static_cast<double>(std::max<std::size_t>(l.all.size(), 1));
    weights.push_back(l.weight * std::min(1.0, overprovisioning_factor * usable / total));
  }
  schedule_.rebuild(weights, random);
  is_schedule_stale_ = false;
}

host* balancer::pick(base::random_source& random, bool is_panic) {
  if (is_panic) return pick_from(all_, random);
  if (!is_by_locality()) return pick_from(usable_, random);
  if (localities_.size() == 1) return pick_from(localities_.front().usable, random);
  if (is_schedule_stale_) reschedule(random);
  if (schedule_.empty()) return nullptr;
  return pick_from(localities_[schedule_.next()].usable, random);
}

host* balancer::pick_from(host_list& list, base::random_source& random) const {
  const std::size_t n = list.hosts.size();
  if (n == 0) return nullptr;
  if (n == 1) return list.hosts.front();
  switch (kind_) {
    case balancing::round_robin:
      if (!list.is_cursor_set) list.cursor = random.below(n);
      list.is_cursor_set = true;
      return list.hosts[list.cursor++ % n];
    case balancing::random:
      return list.hosts[random.below(n)];
    case balancing::least_request:
    case balancing::consistent_hash:
    case balancing::backend_utilization:
      break;
  }
  host* first = list.hosts[random.below(n)];
  host* second = list.hosts[random.below(n)];
  return second->active_requests < first->active_requests ? second : first;
}

}  // namespace understudy::resilience
