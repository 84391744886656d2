#include <array>
#include <cmath>

#include <understudy/telemetry/hub.hpp>
#include <understudy/telemetry/text.hpp>

namespace understudy::telemetry {
namespace {

struct totals {
  std::array<std::uint64_t, 6> classes{};  ///< by hundreds of the code; 0: the client left
  std::uint64_t requests = 0, attempts = 0, failovers = 0, retries = 0;

  void add(const route_series& s) {
    for (const auto& a : s.answers) classes[a.code / 100U] += a.count;
    for (const auto& b : s.backends) attempts += b.attempts();
    for (const auto& f : s.failovers) failovers += f.count;
    requests += s.requests();
    retries += s.retries;
  }
};

void append_member(std::string& out, std::string_view key, std::uint64_t value) {
  out.append(",\"").append(key).append("\":");
  append_number(out, value);
}

void append_totals(std::string& out, const totals& t) {
  out += R"("requests":)";
  append_number(out, t.requests);
  append_member(out, "attempts", t.attempts);
  append_member(out, "failovers", t.failovers);
  append_member(out, "retries", t.retries);
  out += R"(,"answers":{"left":)";
  append_number(out, t.classes[0]);
  constexpr std::string_view names[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 0; i < std::size(names); ++i) append_member(out, names[i], t.classes[i + 1]);
  out += '}';
}

void append_quantiles(std::string& out, std::string_view key, const histogram& h) {
  out.append(",\"").append(key).append("\":{");
  const std::pair<std::string_view, double> all[] = {{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}};
  char separator = 0;
  for (const auto& [name, q] : all) {
    if (separator != 0) out += separator;
    out.append("\"").append(name).append("\":");
    append_milliseconds(out, base::duration{std::llround(h.quantile(q) * 1e6)});
    separator = ',';
  }
  out += '}';
}

void append_backend(std::string& out, const backend_series& b) {
  out += R"({"backend":)";
  append_json(out, b.backend);
  append_member(out, "priority", b.priority);
  append_member(out, "attempts", b.attempts());
  out += R"(,"outcomes":{)";
  bool is_begun = false;
  for (std::size_t i = 0; i < b.outcomes.size(); ++i) {
    if (b.outcomes[i] == 0) continue;
    out += is_begun ? ",\"" : "\"";
    out.append(name(static_cast<attempt_outcome>(i))).append("\":");
    append_number(out, b.outcomes[i]);
    is_begun = true;
  }
  out += '}';
  append_quantiles(out, "duration_ms", b.duration);
  out += '}';
}

void append_route(std::string& out, const route_series& s) {
  totals t;
  t.add(s);
  out += R"({"route":)";
  append_json(out, s.route);
  out += ',';
  append_totals(out, t);
  append_quantiles(out, "duration_ms", s.duration);
  append_quantiles(out, "first_byte_ms", s.first_byte);
  out += R"(,"backends":[)";
  for (std::size_t i = 0; i < s.backends.size(); ++i) {
    if (i != 0) out += ',';
    append_backend(out, s.backends[i]);
  }
  out += "]}";
}

}  // namespace

std::string hub::summary_json() const {
  const auto metrics = merged();
  const auto routes = metrics.routes();
  totals all;
  for (const auto* s : routes) all.add(*s);
  std::string out = "{";
  append_totals(out, all);
  {
    const std::lock_guard lock{mutex_};
    std::uint64_t ejections = 0;
    std::uint64_t returns = 0;
    for (const auto& [key, n] : ejections_) ejections += n;
    for (const auto& [key, n] : returns_) returns += n;
    append_member(out, "ejections", ejections);
    append_member(out, "returns", returns);
  }
  using c = worker_counters;
  const auto gauge = [&](owned_counter c::*member) {
    const auto value = sum(member);
    return static_cast<std::uint64_t>(value < 0 ? 0 : value);
  };
  append_member(out, "requests_active", gauge(&c::exchanges_active));
  append_member(out, "downstream_connections_active", gauge(&c::downstream_connections_active));
  append_member(out, "upstream_connections_active", gauge(&c::upstream_connections_active));
  append_member(out, "upstream_connections_idle", gauge(&c::upstream_connections_idle));
  append_member(out, "access_log_dropped", gauge(&c::access_log_dropped));
  out += R"(,"routes":[)";
  for (std::size_t i = 0; i < routes.size(); ++i) {
    if (i != 0) out += ',';
    append_route(out, *routes[i]);
  }
  out += "]}";
  return out;
}

}  // namespace understudy::telemetry
