#include <understudy/telemetry/exchange_metrics.hpp>

#include <algorithm>

namespace understudy::telemetry {
namespace {

constexpr std::array<std::string_view, token_type_count> token_types = {
    "input", "output", "cached_input", "cache_creation_input", "reasoning"};

std::uint64_t& answer_count(route_series& s, std::uint16_t code, error_origin origin) {
  for (auto& a : s.answers)
    if (a.code == code && a.origin == origin) return a.count;
  return s.answers.emplace_back(route_series::answer{code, origin, 0}).count;
}

backend_series& backend_of(route_series& s, std::string_view name, std::uint32_t priority) {
  for (auto& b : s.backends)
    if (b.priority == priority && b.backend == name) return b;
  if (s.backends.size() >= exchange_metrics::max_backends_per_route) return s.backends.back();
  auto& b = s.backends.emplace_back();
  b.backend = name;
  b.priority = priority;
  return b;
}

std::uint64_t& failover_count(route_series& s, std::string_view from, std::string_view to) {
  for (auto& f : s.failovers)
    if (f.from == from && f.to == to) return f.count;
  if (s.failovers.size() >= exchange_metrics::max_backends_per_route)
    return s.failovers.back().count;
  return s.failovers.emplace_back(route_series::failover{std::string{from}, std::string{to}, 0})
      .count;
}

void count_answer(backend_series& b, attempt_outcome outcome, int status, std::uint64_t n) {
  const auto code = static_cast<std::uint16_t>(status >= 100 && status <= 599 ? status : 0);
  if (code == 0) return;
  for (auto& a : b.answers)
    if (a.status == code && a.outcome == outcome) {
      a.count += n;
      return;
    }
  if (b.answers.size() < backend_series::max_answers) b.answers.push_back({outcome, code, n});
}

std::uint64_t& cost_sum(route_series& s, std::string_view key) {
  for (auto& c : s.costs)
    if (c.key == key) return c.sum;
  if (s.costs.size() >= exchange_metrics::max_costs_per_route) return s.costs.back().sum;
  return s.costs.emplace_back(route_series::cost{std::string{key}, 0}).sum;
}

void count_attempts(route_series& s, const std::vector<attempt_record>& attempts) {
  const attempt_record* previous = nullptr;
  for (const auto& a : attempts) {
    auto& b = backend_of(s, a.backend, a.priority);
    ++b.outcomes[static_cast<std::size_t>(a.outcome)];
    count_answer(b, a.outcome, a.status, 1);
    b.duration.observe(a.elapsed);
    b.abandoned_tokens += a.abandoned_tokens;
    if (a.is_hedge) ++(a.outcome == attempt_outcome::ok ? s.hedges_won : s.hedges_lost);
    if (a.is_replayed)
      ++s.replays;
    else if (previous != nullptr)
      ++s.retries;
    if (previous != nullptr && a.priority > previous->priority)
      ++failover_count(s, previous->backend, a.backend);
    previous = &a;
  }
}

void count_tokens(route_series& s, const translate::token_usage& usage) {
  const std::optional<std::uint64_t> counts[token_type_count] = {
      usage.input, usage.output, usage.cached_input, usage.cache_creation_input, usage.reasoning};
  for (std::size_t i = 0; i < token_type_count; ++i) s.tokens[i] += counts[i].value_or(0);
}

}  // namespace

std::uint64_t backend_series::attempts() const {
  std::uint64_t n = 0;
  for (const auto o : outcomes) n += o;
  return n;
}

std::uint64_t route_series::requests() const {
  std::uint64_t n = 0;
  for (const auto& a : answers) n += a.count;
  return n;
}

route_series& exchange_metrics::series(std::string_view route) {
  if (route.empty()) route = "none";
  if (last_ != nullptr && last_->route == route) return *last_;
  auto found = routes_.find(route);
  if (found == routes_.end()) {
    if (routes_.size() >= max_routes) route = "other";
    found = routes_.try_emplace(std::string{route}).first;
    if (found->second == nullptr) {
      found->second = std::make_unique<route_series>();
      found->second->route = route;
    }
  }
  last_ = found->second.get();
  return *last_;
}

void exchange_metrics::count(const exchange_record& record) {
  auto& s = series(record.route);
  const bool is_code = record.status >= 100 && record.status <= 599;
  ++answer_count(s, static_cast<std::uint16_t>(is_code ? record.status : 0), record.origin);
  s.bytes_received += record.bytes_received;
  s.bytes_sent += record.bytes_sent;
  s.duration.observe(record.elapsed);
  if (record.status != 0) s.first_byte.observe(record.time_to_first_byte);
  if (record.time_to_content.count() != 0) s.first_content.observe(record.time_to_content);
  count_attempts(s, record.attempts);
  count_tokens(s, record.usage);
  for (const auto& cost : record.costs) cost_sum(s, cost.key) += cost.value;
  s.cost_errors += record.cost_errors;
  if (record.details == "untranslatable_response") ++s.untranslatable_answers;
}

void exchange_metrics::merge(const exchange_metrics& other) {
  for (const auto& [name, from] : other.routes_) {
    auto& to = series(name);
    for (const auto& a : from->answers) answer_count(to, a.code, a.origin) += a.count;
    for (const auto& f : from->failovers) failover_count(to, f.from, f.to) += f.count;
    for (const auto& b : from->backends) {
      auto& mine = backend_of(to, b.backend, b.priority);
      for (std::size_t i = 0; i < b.outcomes.size(); ++i) mine.outcomes[i] += b.outcomes[i];
      for (const auto& a : b.answers) count_answer(mine, a.outcome, a.status, a.count);
      mine.duration.merge(b.duration);
      mine.abandoned_tokens += b.abandoned_tokens;
    }
    for (std::size_t i = 0; i < token_type_count; ++i) to.tokens[i] += from->tokens[i];
    for (const auto& c : from->costs) cost_sum(to, c.key) += c.sum;
    to.cost_errors += from->cost_errors;
    to.untranslatable_answers += from->untranslatable_answers;
    to.first_content.merge(from->first_content);
    to.retries += from->retries;
    to.replays += from->replays;
    to.hedges_won += from->hedges_won;
    to.hedges_lost += from->hedges_lost;
    to.bytes_received += from->bytes_received;
    to.bytes_sent += from->bytes_sent;
    to.duration.merge(from->duration);
    to.first_byte.merge(from->first_byte);
  }
}

std::vector<const route_series*> exchange_metrics::routes() const {
  std::vector<const route_series*> all;
  all.reserve(routes_.size());
  for (const auto& [name, s] : routes_) all.push_back(s.get());
  std::ranges::sort(all, {}, [](const route_series* s) -> const std::string& { return s->route; });
  return all;
}

void exchange_metrics::expose(exposition& out) const {
  expose_routes(out);
  expose_attempts(out);
}

void exchange_metrics::expose_routes(exposition& out) const {
  const auto all = routes();
  out.family("understudy_requests", metric_type::counter,
             "Finished requests by answer (code 0: the client left first) and origin of an error.");
  for (const auto* s : all)
    for (const auto& a : s->answers)
      out.sample(
          {{"route", s->route}, {"code", std::to_string(a.code)}, {"origin", name(a.origin)}},
          a.count);
  out.family("understudy_request_duration_seconds", metric_type::histogram,
             "From the complete request to the end of the answer.");
  for (const auto* s : all) out.sample({{"route", s->route}}, s->duration);
  out.family(
      "understudy_time_to_first_byte_seconds", metric_type::histogram,
      "From the complete request to the first byte of the answer, failed attempts included.");
  for (const auto* s : all) out.sample({{"route", s->route}}, s->first_byte);
  out.family(
      "understudy_time_to_first_content_seconds", metric_type::histogram,
      "From the complete request to the first content of a stream, failed attempts included.");
  for (const auto* s : all)
    if (s->first_content.count() != 0) out.sample({{"route", s->route}}, s->first_content);
  out.family("understudy_received_bytes", metric_type::counter, "Request bytes from clients.");
  for (const auto* s : all) out.sample({{"route", s->route}}, s->bytes_received);
  out.family("understudy_sent_bytes", metric_type::counter, "Response bytes to clients.");
  for (const auto* s : all) out.sample({{"route", s->route}}, s->bytes_sent);
  out.family("understudy_tokens", metric_type::counter, "Tokens as the providers reported them.");
  for (const auto* s : all)
    for (std::size_t i = 0; i < token_type_count; ++i)
      if (s->tokens[i] != 0)
        out.sample({{"route", s->route}, {"type", token_types[i]}}, s->tokens[i]);
  expose_costs(out);
}

void exchange_metrics::expose_costs(exposition& out) const {
  const auto all = routes();
  out.family("understudy_cost", metric_type::counter,
             "Sums of llmRequestCosts over answers that were whole, by metadataKey.");
  for (const auto* s : all)
    for (const auto& c : s->costs) out.sample({{"route", s->route}, {"key", c.key}}, c.sum);
  out.family("understudy_cost_errors", metric_type::counter,
             "Costs that could not be computed: division by zero, overflow, a negative result.");
  for (const auto* s : all)
    if (s->cost_errors != 0) out.sample({{"route", s->route}}, s->cost_errors);
}

void exchange_metrics::expose_attempts(exposition& out) const {
  expose_outcomes(out);
  expose_moves(out);
  expose_translation_errors(out);
}

namespace {

/// Visits every backend of every route, with its priority as text.
template <class Visit>
void each_backend(const std::vector<const route_series*>& all, Visit&& visit) {
  for (const auto* s : all)
    for (const auto& b : s->backends) visit(*s, b, std::to_string(b.priority));
}

}  // namespace

void exchange_metrics::expose_outcomes(exposition& out) const {
  const auto all = routes();
  out.family("understudy_attempts", metric_type::counter,
             "Attempts on backends by outcome; the reason is the status of the answer, if any.");
  each_backend(all, [&](const route_series& s, const backend_series& b, const std::string& p) {
    const auto sample = [&](attempt_outcome outcome, std::string_view reason, std::uint64_t n) {
      out.sample({{"route", s.route},
                  {"backend", b.backend},
                  {"priority", p},
                  {"outcome", name(outcome)},
                  {"reason", reason}},
                 n);
    };
    auto rest = b.outcomes;
    for (const auto& a : b.answers) {
      sample(a.outcome, std::to_string(a.status), a.count);
      rest[static_cast<std::size_t>(a.outcome)] -= a.count;
    }
    for (std::size_t i = 0; i < rest.size(); ++i)
      if (rest[i] != 0) sample(static_cast<attempt_outcome>(i), "none", rest[i]);
  });
  out.family("understudy_attempt_duration_seconds", metric_type::histogram,
             "Duration of attempts, failed ones included.");
  each_backend(all, [&](const route_series& s, const backend_series& b, const std::string& p) {
    out.sample({{"route", s.route}, {"backend", b.backend}, {"priority", p}}, b.duration);
  });
  out.family("understudy_abandoned_tokens", metric_type::counter,
             "Output tokens of attempts whose answer no client got, counted or estimated.");
  each_backend(all, [&](const route_series& s, const backend_series& b, const std::string& p) {
    if (b.abandoned_tokens != 0)
      out.sample({{"route", s.route}, {"backend", b.backend}, {"priority", p}}, b.abandoned_tokens);
  });
}

void exchange_metrics::expose_moves(exposition& out) const {
  const auto all = routes();
  out.family("understudy_failovers", metric_type::counter,
             "Attempts that moved to a lower priority than the attempt before.");
  for (const auto* s : all)
    for (const auto& f : s->failovers)
      out.sample({{"route", s->route}, {"from", f.from}, {"to", f.to}}, f.count);
  out.family("understudy_retries", metric_type::counter, "Attempts after a request's first.");
  for (const auto* s : all) out.sample({{"route", s->route}}, s->retries);
  out.family("understudy_replays", metric_type::counter,
             "Requests sent again at no cost after a stale connection.");
  for (const auto* s : all) out.sample({{"route", s->route}}, s->replays);
  out.family("understudy_hedges", metric_type::counter,
             "Attempts that ran beside a slow one, by whose answer counted.");
  for (const auto* s : all) {
    if (s->hedges_won + s->hedges_lost == 0) continue;
    out.sample({{"route", s->route}, {"outcome", "won"}}, s->hedges_won);
    out.sample({{"route", s->route}, {"outcome", "lost"}}, s->hedges_lost);
  }
}

void exchange_metrics::expose_translation_errors(exposition& out) const {
  const auto all = routes();
  out.family("understudy_translation_errors", metric_type::counter,
             "Requests that a backend's schema has no words for, and answers of no known form.");
  constexpr auto untranslatable = static_cast<std::size_t>(attempt_outcome::untranslatable);
  for (const auto* s : all) {
    std::uint64_t requests = 0;
    for (const auto& b : s->backends) requests += b.outcomes[untranslatable];
    if (requests != 0) out.sample({{"route", s->route}, {"direction", "request"}}, requests);
    if (s->untranslatable_answers != 0)
      out.sample({{"route", s->route}, {"direction", "response"}}, s->untranslatable_answers);
  }
}

}  // namespace understudy::telemetry
