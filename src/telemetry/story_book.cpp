#include <understudy/telemetry/story_book.hpp>

#include <algorithm>

namespace understudy::telemetry {
namespace {

constexpr std::size_t max_causes = 16;
constexpr int first_error_status = 400;

/// Without a character that is cut in two.
std::string_view short_text(std::string_view text) {
  if (text.size() <= max_story_text_bytes) return text;
  std::size_t end = max_story_text_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

void set(std::string& to, std::string_view text) { to.assign(short_text(text)); }

bool has_backend(const request_story& s, std::string_view name) {
  if (!s.card) return false;
  return std::ranges::any_of(s.entries, [&](const proxy::story_entry& e) {
    return e.step == proxy::story_step::attempt && e.locality < s.card->backends.size() &&
           s.card->backends[e.locality].name == name;
  });
}

bool is_failed_over(const request_story& s) {
  const proxy::story_entry* first = nullptr;
  for (const auto& e : s.entries) {
    if (e.step != proxy::story_step::attempt) continue;
    if (first == nullptr) first = &e;
    if (e.priority > first->priority) return true;
  }
  return false;
}

}  // namespace

bool story_filter::matches(const request_story& s) const {
  if (!route.empty() && (!s.card || s.card->route != route)) return false;
  if (!model.empty() && s.model != model) return false;
  if (status >= 100 && s.status != status) return false;
  if (status > 0 && status < 100 && s.status / 100 != status) return false;
  if (s.attempts_total < min_attempts || s.elapsed < min_elapsed) return false;
  const bool is_error =
      s.status == 0 || s.status >= first_error_status || s.origin != error_origin::none;
  if (only_errors && !is_error) return false;
  if (only_failovers && !is_failed_over(s)) return false;
  return backend.empty() || has_backend(s, backend);
}

request_story& story_ring::next_place() {
  if (stories_.size() < capacity_) return stories_.emplace_back();
  auto& place = stories_[next_];
  next_ = (next_ + 1) % capacity_;
  return place;
}

void story_ring::add(const exchange_record& record,
                     const std::shared_ptr<const proxy::rule_card>& card,
                     std::span<const proxy::story_entry> entries,
                     std::span<const proxy::failed_attempt> failures) {
  const auto end =
      record.start + std::chrono::duration_cast<base::wall_time::duration>(record.elapsed);
  const std::lock_guard lock{mutex_};
  auto& s = next_place();
  // The count of a card is shared by all workers: mostly it is the same one again.
  if (s.card != card) s.card = card;
  s.start = record.start;
  s.end = end;
  set(s.request_id, record.request_id);
  set(s.method, record.method);
  set(s.path, record.path);
  set(s.model, record.model);
  set(s.client, record.client_address);
  set(s.listener, record.listener);
  set(s.details, record.details);
  set(s.flags, record.flags);
  s.op = record.op;
  s.is_stream = record.is_stream;
  s.status = record.status;
  s.origin = record.origin;
  s.bytes_received = record.bytes_received;
  s.bytes_sent = record.bytes_sent;
  s.time_to_first_byte = record.time_to_first_byte;
  s.elapsed = record.elapsed;
  s.usage = record.usage;
  s.attempts.clear();
  for (const auto& a : record.attempts) {
    if (s.attempts.size() == max_story_attempts) break;
    s.attempts.push_back(
        {a.outcome, a.status, a.is_reused, a.is_replayed, a.abandoned_tokens, a.elapsed});
  }
  s.attempts_total = static_cast<std::uint32_t>(record.attempts.size());
  s.entries.assign(entries.begin(), entries.end());
  s.causes.resize(std::min(failures.size(), max_causes));
  for (std::size_t i = 0; i < s.causes.size(); ++i) set(s.causes[i], failures[i].cause);
}

void story_ring::collect(const story_filter& filter, std::vector<request_story>& out) const {
  const std::lock_guard lock{mutex_};
  std::size_t found = 0;
  for (std::size_t i = 0; i < stories_.size() && found < filter.limit; ++i) {
    // The newest stands before `next_` once the ring is full.
    const auto& s = stories_[(next_ + 2 * stories_.size() - 1 - i) % stories_.size()];
    if (!filter.matches(s)) continue;
    out.push_back(s);
    ++found;
  }
}

std::optional<request_story> story_ring::find(std::string_view request_id) const {
  const std::lock_guard lock{mutex_};
  const request_story* newest = nullptr;
  for (const auto& s : stories_)
    if (s.request_id == request_id && (newest == nullptr || s.end >= newest->end)) newest = &s;
  return newest == nullptr ? std::nullopt : std::optional{*newest};
}

story_ring* story_book::add_worker() {
  if (capacity_ == 0) return nullptr;
  const std::lock_guard lock{mutex_};
  return rings_.emplace_back(std::make_unique<story_ring>(capacity_)).get();
}

std::vector<request_story> story_book::collect(const story_filter& filter) const {
  std::vector<request_story> all;
  const std::lock_guard lock{mutex_};
  for (const auto& ring : rings_) ring->collect(filter, all);
  std::ranges::stable_sort(all, [](const auto& a, const auto& b) { return a.end > b.end; });
  if (all.size() > filter.limit) all.resize(filter.limit);
  return all;
}

std::optional<request_story> story_book::find(std::string_view request_id) const {
  std::optional<request_story> newest;
  const std::lock_guard lock{mutex_};
  for (const auto& ring : rings_) {
    auto found = ring->find(request_id);
    if (found && (!newest || found->end > newest->end)) newest = std::move(found);
  }
  return newest;
}

}  // namespace understudy::telemetry
