#include <understudy/net/exchange_state.hpp>

#include <algorithm>
#include <cstring>

namespace understudy::net {

void body_storage::append(std::string_view bytes) {
  grow(bytes.size(), 0);
  std::memcpy(space(), bytes.data(), bytes.size());
  commit(bytes.size());
}

void body_storage::grow(std::size_t n, std::size_t expected) {
  if (space_size() >= n && capacity_ != 0) return;
  constexpr std::size_t trusted_bytes = 1024U * 1024;  // allocated on a mere announcement
  std::size_t larger = std::max({size_ + n, 2 * capacity_, std::min(expected, trusted_bytes)});
  if (expected != 0) larger = std::max(size_ + n, std::min(larger, expected));
  auto moved = std::make_unique_for_overwrite<char[]>(larger + padding);
  if (size_ != 0) std::memcpy(moved.get(), memory_.get(), size_);
  memory_ = std::move(moved);
  capacity_ = larger;
}

void body_storage::clear() {
  size_ = 0;
  if (capacity_ > kept_bytes) {
    memory_.reset();
    capacity_ = 0;
  }
}

namespace {
// Strings that held something large give it back.
void recycle(std::string& text) {
  constexpr std::size_t kept_bytes = 64U * 1024;
  if (text.capacity() > kept_bytes) text = {};
  text.clear();
}
}  // namespace

void attempt_state::begin() {
  timed.begin();
  refusal.reset();
  cause.clear();
  plan = {};
  collected.clear();
  is_watched = false;
  watched_bytes = 0;
}

void attempt_state::reset() {
  timed.disarm();
  timed.begin();
  backend = nullptr;
  translator.reset();
  upstream = {};
  auth.clear();
  upstream_head.clear();
  refusal.reset();
  response.fields.clear();
  kept_head.clear();
  plan = {};
  recycle(collected);
  cause.clear();
}

void exchange_state::reset() {
  decisions.close();
  decisions.forget_story();
  head.fields.clear();
  head.method = head.target = {};
  target = {};
  path = query = body = {};
  stored_body.clear();
  summary = {};
  op = translate::operation::unknown;
  request_id.clear();
  is_head_method = has_body = is_client_tls = wants_explanation = false;
  active.reset();
  route = nullptr;
  rule = nullptr;
  first.reset();
  if (second) second->reset();
  features.reset();
  continued_body.reset();
  recycle(out);
  failures.clear();
  is_committed = is_head_sent = closes_downstream = false;
  auto attempts = std::move(record.attempts);
  auto flags = std::move(record.flags);
  attempts.clear();
  flags.clear();
  record = {};
  record.attempts = std::move(attempts);
  record.flags = std::move(flags);
}

}  // namespace understudy::net
