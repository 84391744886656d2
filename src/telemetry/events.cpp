#include <understudy/telemetry/events.hpp>

#include <algorithm>

#include <understudy/telemetry/text.hpp>

namespace understudy::telemetry {

std::string to_json(const event& e) {
  constexpr std::size_t max_message_bytes = 2'000;
  std::string out = R"({"id":)";
  append_number(out, e.id);
  out += R"(,"time":")";
  timestamp_writer{}.append(out, e.at);
  out += R"(","kind":")";
  out += name(e.kind);
  out += R"(","route":)";
  append_json_or_null(out, e.route);
  out += R"(,"backend":)";
  append_json_or_null(out, e.backend);
  out += R"(,"address":)";
  append_json_or_null(out, e.address);
  out += R"(,"message":)";
  append_json(out, e.message, max_message_bytes);
  out += '}';
  return out;
}

void event_ring::publish(event e) {
  std::vector<subscription> heard;
  {
    const std::lock_guard lock{mutex_};
    e.id = ++last_id_;
    e.at = base::wall_now();
    events_.push_back(e);
    if (events_.size() > capacity) events_.pop_front();
    std::erase_if(listeners_, [](const auto& l) { return l.expired(); });
    for (const auto& l : listeners_)
      if (auto alive = l.lock()) heard.push_back(std::move(alive));
  }
  for (const auto& listener : heard) (*listener)(e);
}

std::vector<event> event_ring::since(std::uint64_t id) const {
  const std::lock_guard lock{mutex_};
  std::vector<event> found;
  for (const auto& e : events_)
    if (e.id > id) found.push_back(e);
  return found;
}

event_ring::subscription event_ring::subscribe(listener heard) {
  auto kept = std::make_shared<const listener>(std::move(heard));
  const std::lock_guard lock{mutex_};
  listeners_.emplace_back(kept);
  return kept;
}

}  // namespace understudy::telemetry
