#include <understudy/telemetry/hub.hpp>
#include <understudy/telemetry/text.hpp>

namespace understudy::telemetry {
namespace {

/// Room for the line that passes the limit.
constexpr std::size_t reserve_bytes = 16U * 1024;

std::string describe(const attempt_record& failed) {
  std::string text{failed.backend};
  text += " (";
  if (failed.outcome == attempt_outcome::status)
    append_number(text, std::int64_t{failed.status});
  else
    text += name(failed.outcome);
  text += ')';
  return text;
}

}  // namespace

worker_sink::worker_sink(hub& owner) : hub_{owner} {
  if (hub_.options_.access_log_fd >= 0) lines_.reserve(reserve_bytes);
}

void worker_sink::on_exchange(const exchange_record& record) {
  {
    const std::lock_guard lock{mutex_};
    metrics_.count(record);
  }
  if (record.attempts.size() > 1) tell_failover(record);
  if (hub_.options_.access_log_fd < 0) return;
  access_log_.append(lines_, record, hub_.options_.access_log_format);
  if (lines_.size() > flush_bytes) flush();
}

void worker_sink::flush() {
  if (lines_.empty()) {
    counters_.access_log_dropped.add(static_cast<std::int64_t>(hub_.access_log_.flush()));
    return;
  }
  const auto dropped = hub_.access_log_.write(lines_);
  counters_.access_log_dropped.add(static_cast<std::int64_t>(dropped));
  lines_.clear();
}

void worker_sink::tell_failover(const exchange_record& record) {
  const attempt_record* from = nullptr;
  const attempt_record* to = nullptr;
  for (std::size_t i = 1; i < record.attempts.size() && to == nullptr; ++i) {
    if (record.attempts[i].priority <= record.attempts[i - 1].priority) continue;
    from = &record.attempts[i - 1];
    to = &record.attempts[i];
  }
  if (to == nullptr) return;
  // A dead primary makes one of these a request: the ring is for people, so a few a second.
  const auto second =
      std::chrono::floor<std::chrono::seconds>(record.start).time_since_epoch().count();
  if (second != failover_second_) {
    failover_second_ = second;
    failover_events_ = 0;
  }
  if (++failover_events_ > max_failover_events_per_second) return;
  event e;
  e.kind = event_kind::failover;
  e.route = record.route;
  e.backend = to->backend;
  e.message = "request moved from " + describe(*from) + " to " + std::string{to->backend} +
              ", priority " + std::to_string(to->priority);
  hub_.events_.publish(std::move(e));
}

}  // namespace understudy::telemetry
