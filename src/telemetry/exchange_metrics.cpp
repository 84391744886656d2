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

void count_attempts(route_series& s, const std::vector<attempt_record>& attempts) {
  const attempt_record* previous = nullptr;
  for (const auto& a : attempts) {
    auto& b = backend_of(s, a.backend, a.priority);
    ++b.outcomes[static_cast<std::size_t>(a.outcome)];
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
  count_attempts(s, record.attempts);
  count_tokens(s, record.usage);
}

void exchange_metrics::merge(const exchange_metrics& other) {
  for (const auto& [name, from] : other.routes_) {
    auto& to = series(name);
    for (const auto& a : from->answers) answer_count(to, a.code, a.origin) += a.count;
    for (const auto& f : from->failovers) failover_count(to, f.from, f.to) += f.count;
    for (const auto& b : from->backends) {
      auto& mine = backend_of(to, b.backend, b.priority);
      for (std::size_t i = 0; i < b.outcomes.size(); ++i) mine.outcomes[i] += b.outcomes[i];
      mine.duration.merge(b.duration);
      mine.abandoned_tokens += b.abandoned_tokens;
    }
    for (std::size_t i = 0; i < token_type_count; ++i) to.tokens[i] += from->tokens[i];
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
  out.family("understudy_received_bytes", metric_type::counter, "Request bytes from clients.");
  for (const auto* s : all) out.sample({{"route", s->route}}, s->bytes_received);
  out.family("understudy_sent_bytes", metric_type::counter, "Response bytes to clients.");
  for (const auto* s : all) out.sample({{"route", s->route}}, s->bytes_sent);
  out.family("understudy_tokens", metric_type::counter, "Tokens as the providers reported them.");
  for (const auto* s : all)
    for (std::size_t i = 0; i < token_type_count; ++i)
      if (s->tokens[i] != 0)
        out.sample({{"route", s->route}, {"type", token_types[i]}}, s->tokens[i]);
}

void exchange_metrics::expose_attempts(exposition& out) const {
  const auto all = routes();
  const auto each_backend = [&](auto&& visit) {
    for (const auto* s : all)
      for (const auto& b : s->backends) visit(*s, b, std::to_string(b.priority));
  };
  out.family("understudy_attempts", metric_type::counter, "Attempts on backends by outcome.");
  each_backend([&](const route_series& s, const backend_series& b, const std::string& priority) {
    for (std::size_t i = 0; i < b.outcomes.size(); ++i)
      if (b.outcomes[i] != 0)
        out.sample({{"route", s.route},
                    {"backend", b.backend},
                    {"priority", priority},
                    {"outcome", name(static_cast<attempt_outcome>(i))}},
                   b.outcomes[i]);
  });
  out.family("understudy_attempt_duration_seconds", metric_type::histogram,
             "Duration of attempts, failed ones included.");
  each_backend([&](const route_series& s, const backend_series& b, const std::string& priority) {
    out.sample({{"route", s.route}, {"backend", b.backend}, {"priority", priority}}, b.duration);
  });
  out.family("understudy_failovers", metric_type::counter,
             "Attempts that moved to a lower priority than the attempt before.");
  for (const auto* s : all)
    for (const auto& f : s->failovers)
      out.sample({{"route", s->route}, {"from", f.from}, {"to", f.to}}, f.count);
  out.family("understudy_retries", metric_type::counter, "Attempts after a request's first.");
  for (const auto* s : all) out.sample({{"route", s->route}}, s->retries);
  out.family("understudy_replays", metric_type::counter,
             "Requests sent again at no cost because a pooled connection was dead.");
  for (const auto* s : all) out.sample({{"route", s->route}}, s->replays);
  out.family("understudy_hedges", metric_type::counter,
             "Attempts that ran beside a slow one, by whose answer counted.");
  for (const auto* s : all) {
    if (s->hedges_won + s->hedges_lost == 0) continue;
    out.sample({{"route", s->route}, {"outcome", "won"}}, s->hedges_won);
    out.sample({{"route", s->route}, {"outcome", "lost"}}, s->hedges_lost);
  }
  out.family("understudy_abandoned_tokens", metric_type::counter,
             "Output tokens of attempts whose answer no client got, counted or estimated.");
  each_backend([&](const route_series& s, const backend_series& b, const std::string& priority) {
    if (b.abandoned_tokens != 0)
      out.sample({{"route", s.route}, {"backend", b.backend}, {"priority", priority}},
                 b.abandoned_tokens);
  });
}

}  // namespace understudy::telemetry
