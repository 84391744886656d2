#include <understudy/telemetry/hub.hpp>

#include <understudy/telemetry/log.hpp>
#include <understudy/telemetry/text.hpp>

#include "telemetry/process_stats.hpp"

namespace understudy::telemetry {
namespace {

std::string in_seconds(base::duration d) {
  std::string text;
  append_seconds(text, static_cast<std::uint64_t>(d.count() < 0 ? 0 : d.count()));
  return text + " s";
}

std::string describe(std::string_view route, std::string_view backend, std::uint32_t priority,
                     const resilience::health_event& what) {
  std::string text = "endpoint " + what.address + " of backend " + std::string{backend} +
                     " (route " + std::string{route} + ", priority " + std::to_string(priority) +
                     ") ";
  const std::string detector{what.detector};
  switch (what.what) {
    case resilience::health_event::kind::ejected:
      return text + "ejected for " + in_seconds(what.ejection_time) + " after " + detector +
             "; multiplier " + std::to_string(what.multiplier);
    case resilience::health_event::kind::returned:
      return text + "returned";
    case resilience::health_event::kind::check_failed:
      return text + "fails its active checks";
    case resilience::health_event::kind::check_passed:
      return text + "passes its active checks";
    case resilience::health_event::kind::ejection_refused:
      return text + "stays in spite of " + detector + ": maxEjectionPercent is reached";
  }
  return text;
}

event_kind event_kind_of(resilience::health_event::kind what) {
  switch (what) {
    case resilience::health_event::kind::returned:
      return event_kind::returned;
    case resilience::health_event::kind::check_failed:
      return event_kind::check_failed;
    case resilience::health_event::kind::check_passed:
      return event_kind::check_passed;
    case resilience::health_event::kind::ejected:
    case resilience::health_event::kind::ejection_refused:
      break;
  }
  return event_kind::ejection;
}

std::vector<std::shared_ptr<log_output>> outputs_of(const std::vector<plan::access_log>& written) {
  std::vector<std::shared_ptr<log_output>> out;
  for (const auto& one : written) out.push_back(std::make_shared<log_output>(one.path, one.format));
  return out;
}

/// Where nobody writes where lines go and how.
std::shared_ptr<log_output> own_log(const hub_options& options) {
  plan::log_format format;
  format.what = options.access_log_format == log_format::json ? plan::log_format::kind::own_json
                                                              : plan::log_format::kind::own_text;
  return std::make_shared<log_output>(options.access_log_fd, std::move(format));
}

}  // namespace

hub::hub(const hub_options& options) : options_{options}, stories_{options.stories} {
  if (options_.access_logs) {
    set_logs(outputs_of(*options_.access_logs));
  } else if (options_.access_log_fd >= 0) {
    set_logs({own_log(options_)});
  }
}

hub::~hub() = default;

void hub::set_logs(logs wanted) {
  const std::lock_guard lock{mutex_};
  logs_ = std::move(wanted);
  logs_generation_.fetch_add(1, std::memory_order_release);
}

void hub::configure(const plan::plan& configuration) {
  if (options_.access_logs || options_.access_log_fd < 0) return;  // written by hand
  if (configuration.access_logs == configured_logs_) return;
  configured_logs_ = configuration.access_logs;
  if (configured_logs_) {
    set_logs(outputs_of(*configured_logs_));
  } else {
    set_logs({own_log(options_)});
  }
}

void hub::reopen_logs() {
  logs now;
  {
    const std::lock_guard lock{mutex_};
    now = logs_;
  }
  for (const auto& log : now) log->reopen();
  log::info("access log", "files opened anew");
}

worker_sink& hub::add_worker() {
  const std::lock_guard lock{mutex_};
  auto& made = *workers_.emplace_back(std::make_unique<worker_sink>(*this));
  made.stories_ = stories_.add_worker();
  return made;
}

void hub::on_health_event(std::string_view route, std::string_view backend, std::uint32_t priority,
                          const resilience::health_event& what) {
  using kind = resilience::health_event::kind;
  {
    const std::lock_guard lock{mutex_};
    if (what.what == kind::check_failed || what.what == kind::check_passed) {
      ++check_changes_[{std::string{route}, std::string{backend},
                        what.what == kind::check_failed ? "failed" : "passed"}];
    } else if (what.what == kind::returned) {
      ++returns_[{std::string{route}, std::string{backend}}];
    } else {
      auto& counts = what.what == kind::ejected ? ejections_ : ejections_refused_;
      ++counts[{std::string{route}, std::string{backend}, std::string{what.detector}}];
    }
  }
  event e;
  e.kind = event_kind_of(what.what);
  e.route = route;
  e.backend = backend;
  e.address = what.address;
  e.message = describe(route, backend, priority, what);
  if (what.what == kind::ejection_refused) {  // one of these a failed request: not for the ring
    log::debug("health", e.message);
    return;
  }
  if (what.what == kind::ejected || what.what == kind::check_failed)
    log::warning("health", e.message);
  else
    log::info("health", e.message);
  events_.publish(std::move(e));
}

void hub::on_reload(bool is_accepted, std::string_view message) {
  {
    const std::lock_guard lock{mutex_};
    ++(is_accepted ? reloads_accepted_ : reloads_refused_);
  }
  event e;
  e.kind = event_kind::reload;
  e.message = message;
  log::write(is_accepted ? log::level::info : log::level::error, "config", message);
  events_.publish(std::move(e));
}

void hub::on_drain(std::string_view message) { tell(event_kind::drain, std::string{message}); }

void hub::tell(event_kind kind, std::string message) {
  log::info(name(kind), message);
  event e;
  e.kind = kind;
  e.message = std::move(message);
  events_.publish(std::move(e));
}

exchange_metrics hub::merged() const {
  exchange_metrics all;
  const std::lock_guard lock{mutex_};
  for (const auto& w : workers_) {
    const std::lock_guard worker_lock{w->mutex_};
    all.merge(w->metrics_);
  }
  return all;
}

genai_metrics hub::merged_genai() const {
  genai_metrics all{options_.metric_attributes};
  const std::lock_guard lock{mutex_};
  for (const auto& w : workers_) {
    const std::lock_guard worker_lock{w->mutex_};
    all.merge(w->genai_);
  }
  return all;
}

std::int64_t hub::sum(owned_counter worker_counters::*member) const {
  const std::lock_guard lock{mutex_};
  std::int64_t total = 0;
  for (const auto& w : workers_) total += (w->counters_.*member).value();
  return total;
}

std::string hub::scrape(bool is_openmetrics) const {
  exposition out{is_openmetrics};
  out.family("understudy_build_info", metric_type::gauge, "Always 1; the version is a label.");
  out.sample({{"version", UNDERSTUDY_VERSION}}, std::uint64_t{1});
  merged_genai().expose(out);
  merged().expose(out);
  expose_health(out);
  expose_gauges(out);
  expose_connections(out);
  if (family_source_) family_source_(out);
  expose_process(out, options_.started);
  return out.finish();
}

void hub::expose_health(exposition& out) const {
  {
    const std::lock_guard lock{mutex_};
    const auto by_detector = [&](const std::map<health_key, std::uint64_t>& counts) {
      for (const auto& [key, n] : counts)
        out.sample({{"route", std::get<0>(key)},
                    {"backend", std::get<1>(key)},
                    {"detector", std::get<2>(key)}},
                   n);
    };
    out.family("understudy_ejections", metric_type::counter, "Endpoints taken out of rotation.");
    by_detector(ejections_);
    out.family("understudy_ejections_refused", metric_type::counter,
               "Ejections that maxEjectionPercent prevented.");
    by_detector(ejections_refused_);
    out.family("understudy_returns", metric_type::counter, "Endpoints back in rotation.");
    for (const auto& [key, n] : returns_)
      out.sample({{"route", key.first}, {"backend", key.second}}, n);
    out.family("understudy_check_changes", metric_type::counter,
               "Endpoints that began to pass or to fail their active checks.");
    for (const auto& [key, n] : check_changes_)
      out.sample({{"route", std::get<0>(key)},
                  {"backend", std::get<1>(key)},
                  {"result", std::get<2>(key)}},
                 n);
    out.family("understudy_reloads", metric_type::counter, "Configuration reloads by result.");
    out.sample({{"result", "accepted"}}, reloads_accepted_);
    out.sample({{"result", "refused"}}, reloads_refused_);
  }
}

void hub::expose_gauges(exposition& out) const {
  if (!gauge_source_) return;
  runtime_gauges now;
  gauge_source_(now);
  const auto each = [&](auto&& value) {
    for (const auto& e : now.endpoints)
      out.sample({{"route", e.route},
                  {"backend", e.backend},
                  {"priority", std::to_string(e.priority)},
                  {"endpoint", e.address}},
                 std::uint64_t{value(e)});
  };
  out.family("understudy_endpoint_ejected", metric_type::gauge, "1 while the endpoint is ejected.");
  each([](const endpoint_gauge& e) { return e.is_ejected ? 1U : 0U; });
  out.family("understudy_endpoint_check_failed", metric_type::gauge,
             "1 while the endpoint fails its active checks.");
  each([](const endpoint_gauge& e) { return e.is_check_failed ? 1U : 0U; });
  out.family("understudy_endpoint_active_requests", metric_type::gauge, "Attempts under way.");
  each([](const endpoint_gauge& e) { return e.active_requests; });
  out.family("understudy_priority_load_ratio", metric_type::gauge,
             "Share of new requests that a priority of a rule gets now, 0 to 1.");
  for (const auto& p : now.priorities)
    out.sample({{"route", p.route}, {"rule", p.rule}, {"priority", std::to_string(p.priority)}},
               static_cast<double>(p.percent) / 100);
  const auto each_rule = [&](std::string_view name, std::string_view help, auto member) {
    out.family(name, metric_type::gauge, help);
    for (const auto& r : now.rules)
      out.sample({{"route", r.route}, {"rule", r.rule}}, std::uint64_t{r.*member});
  };
  each_rule("understudy_attempts_active", "Attempts under way.", &rule_gauge::attempts);
  each_rule("understudy_retries_active", "Retries under way: what the retry budget counts.",
            &rule_gauge::retries);
  each_rule("understudy_retries_active_limit",
            "Retries that may be under way now, by the budget or the breaker.",
            &rule_gauge::max_retries);
  each_rule("understudy_hedges_active", "Attempts that run beside another one.",
            &rule_gauge::hedges);
  each_rule("understudy_rule_connections", "Upstream connections, idle ones included.",
            &rule_gauge::connections);
  each_rule("understudy_requests_pending", "Requests that wait for an upstream connection.",
            &rule_gauge::pending);
}

void hub::expose_connections(exposition& out) const {
  using c = worker_counters;
  const struct {
    std::string_view name;
    metric_type type;
    std::string_view help;
    owned_counter c::*member;
  } all[] = {
      {"understudy_downstream_connections_active", metric_type::gauge, "Client connections open.",
       &c::downstream_connections_active},
      {"understudy_downstream_connections", metric_type::counter, "Client connections accepted.",
       &c::downstream_connections_total},
      {"understudy_downstream_connections_refused", metric_type::counter,
       "Client connections over the limit.", &c::downstream_connections_refused},
      {"understudy_downstream_tls_failures", metric_type::counter,
       "Client TLS handshakes that failed.", &c::downstream_tls_failures},
      {"understudy_requests_active", metric_type::gauge, "Requests under way.",
       &c::exchanges_active},
      {"understudy_upstream_connections_active", metric_type::gauge, "Upstream connections in use.",
       &c::upstream_connections_active},
      {"understudy_upstream_connections_idle", metric_type::gauge,
       "Upstream connections waiting in a pool.", &c::upstream_connections_idle},
      {"understudy_upstream_connects", metric_type::counter, "Upstream connections opened.",
       &c::upstream_connects_total},
      {"understudy_upstream_connect_failures", metric_type::counter,
       "Upstream connections that could not be opened.", &c::upstream_connect_failures},
      {"understudy_upstream_tls_resumptions", metric_type::counter,
       "Upstream TLS handshakes that resumed a session.", &c::upstream_tls_resumptions},
      {"understudy_protocol_errors", metric_type::counter,
       "Requests refused for their framing or syntax.", &c::protocol_errors},
      {"understudy_downstream_timeouts", metric_type::counter,
       "Client connections closed by a time limit.", &c::timeouts},
      {"understudy_access_log_dropped", metric_type::counter,
       "Access-log lines that the output did not take.", &c::access_log_dropped},
  };
  for (const auto& m : all) {
    out.family(m.name, m.type, m.help);
    out.sample({}, sum(m.member));
  }
}

}  // namespace understudy::telemetry
