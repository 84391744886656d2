#include <understudy/codec/event_gate.hpp>

#include <utility>

namespace understudy::codec {

std::size_t end_of_events(std::string_view bytes) {
  for (auto at = bytes.find_last_of("\r\n"); at != bytes.npos && at != 0;
       at = bytes.find_last_of("\r\n", at - 1)) {
    // The line that ends at `at` is empty where the one before it ends right there. A CR at the
    // very end may be the first half of CR LF: that line has ended all the same.
    std::size_t before = at;
    if (bytes[at] == '\n' && bytes[at - 1] == '\r') before = at - 1;
    if (before == 0) return 0;
    if (bytes[before - 1] == '\n' || bytes[before - 1] == '\r') return at + 1;
  }
  return 0;
}

std::size_t end_of_first_event(std::string_view bytes) {
  bool is_line_empty = false;  // of the line before: the first one may be a rest
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (bytes[at] != '\n' && bytes[at] != '\r') {
      is_line_empty = false;
      continue;
    }
    const bool is_pair = bytes[at] == '\r' && at + 1 < bytes.size() && bytes[at + 1] == '\n';
    if (is_pair) ++at;
    if (is_line_empty) return at + 1;
    is_line_empty = true;
  }
  return bytes.size();
}

void event_gate::pass(std::string_view bytes, std::string& out) {
  if (is_open_) {
    out.append(bytes);
    return;
  }
  if (held_.empty()) {
    const std::size_t whole = end_of_events(bytes);
    out.append(bytes.substr(0, whole));
    held_.assign(bytes.substr(whole));
  } else {
    held_.append(bytes);
    const std::size_t whole = end_of_events(held_);
    out.append(held_, 0, whole);
    held_.erase(0, whole);
  }
  if (held_.size() > max_held_bytes_) {
    is_open_ = true;
    out.append(std::exchange(held_, {}));
  }
}

void event_gate::finish(std::string& out) { out.append(std::exchange(held_, {})); }

}  // namespace understudy::codec
