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

// The hub's mutex is held.
worker_sink::worker_sink(hub& owner)
    : hub_{owner},
      genai_{owner.options_.metric_attributes},
      access_log_{owner.options_.log_attributes} {
  adopt_logs();
}

void worker_sink::on_exchange(const exchange_record& record) {
  {
    const std::lock_guard lock{mutex_};
    metrics_.count(record);
    genai_.count(record);
  }
  if (record.attempts.size() > 1) tell_failover(record);
  log(record);
}

void worker_sink::log(const exchange_record& record) {
  bool is_full = false;
  const bool has_fields = record.response_fields_of == logs_generation_;
  for (auto& to : logs_) {
    access_log_.append(to.lines, record, to.to->format(),
                       has_fields ? to.first_field : exchange_record::no_field);
    is_full = is_full || to.lines.size() > flush_bytes;
  }
  if (is_full) flush();
  if (logs_generation_ != hub_.logs_generation_.load(std::memory_order_acquire)) take_logs();
}

/// The outputs have changed. What is written for the old ones goes to them first.
void worker_sink::take_logs() {
  flush();
  const std::lock_guard lock{hub_.mutex_};
  adopt_logs();
}

void worker_sink::adopt_logs() {
  logs_.clear();
  wanted_fields_.clear();
  for (const auto& to : hub_.logs_) {
    auto& mine = logs_.emplace_back();
    mine.to = to;
    mine.first_field = wanted_fields_.size();
    mine.lines.reserve(reserve_bytes);
    const auto& fields = to->format().response_fields;
    wanted_fields_.insert(wanted_fields_.end(), fields.begin(), fields.end());
  }
  logs_generation_ = hub_.logs_generation_.load(std::memory_order_relaxed);
}

void worker_sink::copy_response_fields(exchange_record& record,
                                       const codec::field_list& fields) const {
  auto& kept = record.response_fields;
  if (kept.size() < wanted_fields_.size()) kept.resize(wanted_fields_.size());
  for (std::size_t i = 0; i < wanted_fields_.size(); ++i)
    kept[i].assign(
        fields.find(wanted_fields_[i]).value_or(std::string_view{}).substr(0, max_text_bytes));
  record.response_fields_of = logs_generation_;
}

void worker_sink::flush() {
  for (auto& to : logs_) {
    auto& writer = to.to->writer();
    const auto dropped = to.lines.empty() ? writer.flush() : writer.write(to.lines);
    counters_.access_log_dropped.add(static_cast<std::int64_t>(dropped));
    to.lines.clear();
  }
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
