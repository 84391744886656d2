#include <understudy/net/exchange_state.hpp>

#include <algorithm>
#include <cstring>

#include <understudy/base/wipe.hpp>
#include <understudy/net/memory_budget.hpp>

namespace understudy::net {

bool body_storage::append(std::string_view bytes) {
  if (!grow(bytes.size(), 0)) return false;
  std::memcpy(space(), bytes.data(), bytes.size());
  commit(bytes.size());
  return true;
}

bool body_storage::grow(std::size_t n, std::size_t expected) {
  if (space_size() >= n && capacity_ != 0) return true;
  constexpr std::size_t trusted_bytes = 1024U * 1024;  // allocated on a mere announcement
  std::size_t larger = std::max({size_ + n, 2 * capacity_, std::min(expected, trusted_bytes)});
  if (expected != 0) larger = std::max(size_ + n, std::min(larger, expected));
  if (!request_memory().take(larger - capacity_)) return false;
  auto moved = std::make_unique_for_overwrite<char[]>(larger + padding);
  if (size_ != 0) std::memcpy(moved.get(), memory_.get(), size_);
  memory_ = std::move(moved);
  capacity_ = larger;
  return true;
}

void body_storage::clear() {
  size_ = 0;
  if (capacity_ > kept_bytes) release();
}

void body_storage::release() {
  request_memory().give(capacity_);
  memory_.reset();
  capacity_ = 0;
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

void attempt_state::wipe_credentials() {
  for (auto& field : auth) base::wipe(field.value);
  auth.clear();
  base::wipe(upstream_head);
}

void attempt_state::reset() {
  timed.disarm();
  timed.begin();
  backend = nullptr;
  translator.reset();
  upstream = {};
  wipe_credentials();
  refusal.reset();
  response.fields.clear();
  kept_head.clear();
  plan = {};
  recycle(collected);
  cause.clear();
}

namespace {
template <std::size_t N>
void assign_unescaped(base::short_text<N>& to, std::string_view raw) {
  if (raw.find('\\') == std::string_view::npos)
    to.assign(raw);
  else
    to.assign(codec::unescape_json(raw));
}
}  // namespace

void exchange_state::note_answer(attempt_state& from) {
  record.answered = from.number;
  auto& usage = record.usage;
  usage = from.translator ? from.translator->usage() : translate::token_usage{};
  if (!from.is_watched) return;
  from.watch.finish();  // a document's usage is read at its end
  const auto& seen = from.watch.usage();
  const auto fill = [](auto& to, const auto& known) {
    if (!to) to = known;
  };
  fill(usage.input, seen.input);
  fill(usage.output, seen.output);
  fill(usage.total, seen.total);
  fill(usage.cached_input, seen.cached_input);
  fill(usage.cache_creation_input, seen.cache_creation_input);
  fill(usage.reasoning, seen.reasoning);
  assign_unescaped(record.model_answered, from.watch.model());
  assign_unescaped(record.response_id, from.watch.response_id());
  if (!trace.wants_finish_reasons()) return;
  trace.finish_reasons.clear();
  for (const auto& reason : from.watch.finish_reasons())
    if (!reason.empty()) trace.finish_reasons.push_back(codec::unescape_json(reason));
}

void exchange_state::note_costs() {
  if (rule == nullptr || rule->costs.empty()) return;
  if (record.status < 200 || record.status > 299 || record.origin != telemetry::error_origin::none)
    return;
  if (record.answered >= record.attempts.size()) return;
  const auto& attempt = record.attempts[record.answered];
  if (attempt.outcome != telemetry::attempt_outcome::ok) return;
  const plan::cost_subject whose{attempt.model, attempt.to->id, route->name};
  for (const auto& cost : rule->costs) {
    const auto value = plan::evaluate(cost, whose, record.usage);
    if (value)
      record.costs.push_back({cost.key, *value});
    else
      ++record.cost_errors;
  }
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
  if (trace.by != nullptr) trace.reset();
  record.reset();
}

}  // namespace understudy::net
