#include "sim/ledger.hpp"

#include <cstdio>

namespace sim {

std::string clock_text() {
  char text[32];
  const auto since = base::clock::now() - run_start;
  std::snprintf(text, sizeof text, "%.6f", std::chrono::duration<double>(since).count());
  return text;
}

std::string field_of(std::string_view head, std::string_view name) {
  std::size_t at = 0;
  while ((at = head.find("\r\n", at)) != head.npos) {
    at += 2;
    const auto line = head.substr(at, head.find("\r\n", at) - at);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    bool is_same = true;
    for (std::size_t i = 0; i < name.size(); ++i) {
      const char c = line[i] >= 'A' && line[i] <= 'Z' ? static_cast<char>(line[i] + 32) : line[i];
      is_same = is_same && c == name[i];
    }
    if (!is_same) continue;
    auto value = line.substr(name.size() + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    return std::string{value};
  }
  return {};
}

void ledger::fail(std::string what) {
  note("CHECK", what);
  problems.push_back(std::move(what));
}

void ledger::note(std::string_view who, std::string_view what) {
  if (!is_tracing) return;
  std::string line = clock_text();
  line.append("  ").append(who).append("  ").append(what.substr(0, 200));
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '.';
  trace.push_back(std::move(line));
}

void ledger::on_arrival(const wire& on, std::string_view unread) {
  if (is_client_wire(on.id()) || unread.find('~') == unread.npos) return;
  auto& seen = commits[current_[on.id()]].arrived_at;
  seen = std::min(seen, base::clock::now());
}

void ledger::on_end_at_proxy(const wire& on, end_kind how) {
  if (is_tracing)
    note((is_client_wire(on.id()) ? "client>proxy " : "upstream>proxy ") + std::to_string(on.id()),
         how == end_kind::reset ? "RST" : "FIN");
}

void ledger::on_proxy_close(const wire& on) {
  if (is_tracing)
    note((is_client_wire(on.id()) ? "proxy>client " : "proxy>upstream ") + std::to_string(on.id()),
         "closed");
}

void ledger::begin_answer(const wire& on, const served& answer, bool may_stray) {
  auto& line = upstream_wires_[on.id()];
  line.number = answer.number;
  line.size = answer.size;
  line.may_stray = line.may_stray || may_stray;
}

void ledger::on_proxy_read(const wire& on, std::string_view bytes) {
  if (is_client_wire(on.id())) return;
  auto& line = upstream_wires_[on.id()];
  line.read += bytes.size();
  if (line.number < 0) return;
  const auto& answer = serves[static_cast<std::size_t>(line.number)];
  auto& commit = commits[answer.request_id];
  if (!answer.is_whole || commit.event_at != time_point::max()) return;
  line.text += bytes;
  const auto word = line.text.find('~');
  if (word == line.text.npos || line.text.find("\n\n", word) == line.text.npos) return;
  commit.event_at = base::clock::now();
}

void ledger::on_proxy_write(const wire& on, std::string_view bytes) {
  if (is_tracing && !bytes.empty())
    note((is_client_wire(on.id()) ? "proxy>client " : "proxy>upstream ") + std::to_string(on.id()),
         bytes);
  const auto now = base::clock::now();
  if (!is_client_wire(on.id())) {
    if (!bytes.starts_with("POST ")) return;
    current_[on.id()] = field_of(bytes, "x-request-id");
    auto& line = upstream_wires_[on.id()];
    if (line.is_asked && !line.may_stray && (line.number < 0 || line.read < line.size))
      fail("request " + current_[on.id()] + " went out on a connection in the middle of an answer");
    line = {true, line.may_stray, -1, 0, 0, {}};
    sends[current_[on.id()]].push_back(now);
    return;
  }
  if (bytes.starts_with("HTTP/1.1 ") && !bytes.starts_with("HTTP/1.1 100")) {
    const auto id = field_of(bytes, "x-request-id");
    current_[on.id()] = id;
    auto& commit = commits[id];
    if (commit.head_at != time_point::max()) fail("two heads were written for request " + id);
    commit.head_at = now;
  }
  const auto current = current_.find(on.id());
  if (current == current_.end() || bytes.find('~') == bytes.npos) return;
  auto& commit = commits[current->second];
  commit.content_at = std::min(commit.content_at, now);
}

}  // namespace sim
