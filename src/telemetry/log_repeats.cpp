#include <understudy/telemetry/log_repeats.hpp>

#include <algorithm>

namespace understudy::telemetry::log {

bool repeat_filter::lets_through(level at, std::string_view room, std::string_view message,
                                 base::time_point now) {
  key_.assign(1, static_cast<char>('0' + static_cast<int>(at)));
  key_.append(room).append(1, '\0').append(message);
  const auto found = entries_.find(key_);
  if (found == entries_.end()) {
    if (entries_.size() >= max_messages) forget_old(now);
    if (entries_.size() >= max_messages) return true;
    entries_.emplace(key_,
                     entry{{at, std::string{room}, std::string{message}, 0}, now + first_window});
    return true;
  }
  auto& known = found->second;
  if (now >= known.window_end) {
    known.window_end = now + first_window;
    return true;
  }
  if (++known.held.times == 1) next_ = std::min(next_, known.window_end);
  return false;
}

std::vector<repeat_filter::summary> repeat_filter::due(base::time_point now, bool is_last) {
  std::vector<summary> out;
  if (now < next_ && !is_last) return out;
  next_ = base::time_point::max();
  for (auto& [key, e] : entries_) {
    if (e.held.times == 0) continue;
    if (now < e.window_end && !is_last) {
      next_ = std::min(next_, e.window_end);
      continue;
    }
    out.push_back(e.held);
    e.held.times = 0;
    e.window_end = now + later_window;
  }
  return out;
}

void repeat_filter::forget_old(base::time_point now) {
  std::erase_if(entries_, [&](const auto& e) {
    return e.second.held.times == 0 && now >= e.second.window_end;
  });
}

}  // namespace understudy::telemetry::log
