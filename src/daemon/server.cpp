#include <understudy/daemon/server.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <set>
#include <tuple>

#include <understudy/admin/status.hpp>
#include <understudy/credentials/http_call.hpp>
#include <understudy/net/memory_budget.hpp>
#include <understudy/telemetry/log.hpp>
#include <understudy/telemetry/log_repeats.hpp>

#include "daemon/server_impl.hpp"

namespace understudy::daemon {

namespace log = telemetry::log;

namespace {

constexpr std::chrono::milliseconds sweep_interval{250};
constexpr std::size_t spare_descriptors = 64;
constexpr std::chrono::seconds trace_flush_limit{3};

/// Without an admin listener nobody can ask for a story.
telemetry::hub_options telemetry_options(const options& opts) {
  constexpr std::size_t kept_stories = 1'000;
  auto out = opts.telemetry;
  out.stories = opts.admin ? kept_stories : 0;
  return out;
}

/// `--resolve` holds for token services too.
credentials::host_access host_with(const net::resolve_overrides& overrides) {
  auto host = credentials::real_host();
  host.pinned = [&overrides](const std::string& name) {
    std::optional<credentials::host_access::address> out;
    const auto found = overrides.find(name);
    if (found == overrides.end()) return out;
    const auto to = credentials::parse_url("http://" + found->second);
    if (to) out.emplace(to->host, to->port);
    return out;
  };
  return host;
}

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return value;
}

/// Every request needs two descriptors. A worker that takes no more clients than it has pairs of
/// them always has one for the upstream.
std::size_t most_connections(unsigned workers, std::size_t listeners) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return std::numeric_limits<std::size_t>::max();
  const std::size_t taken = spare_descriptors + workers * (4 + listeners * 2);
  const std::size_t left = limit.rlim_cur > taken ? limit.rlim_cur - taken : 0;
  return std::max<std::size_t>(left / 2 / workers, 8);
}

}  // namespace

server::impl::impl(options wanted, std::shared_ptr<const plan::plan> compiled)
    : opts{std::move(wanted)},
      hub{telemetry_options(opts)},
      keys{control, host_with(opts.resolve)},
      configuration{std::move(compiled)},
      service{control, variable, ::getpid()} {
  active = proxy::activate(configuration, nullptr, base::clock::now(), random);
  hub.configure(*configuration);
  hub.set_gauge_source([this](auto& gauges) { fill_gauges(gauges); });
  names.on_change = [](const std::string& name, const std::string& reason) {
    if (reason.empty()) return log::info("net", "name " + name + " resolves again");
    log::warning("net", "name " + name + " does not resolve: " + reason);
  };
  keys.on_change([this](bool is_failure, const std::string& message) {
    if (is_failure) log::warning("credentials", message);
    hub.tell(telemetry::event_kind::credentials, message);
  });
}

// Any worker's thread, outside every lock.
void server::impl::on_health(const std::shared_ptr<proxy::cluster_state>& cluster,
                             std::vector<resilience::health_event> events) {
  for (const auto& e : events) {
    const auto& names_of = cluster->backend_names();
    hub.on_health_event(
        cluster->route_name(), names_of.at(e.locality),
        cluster->locked([&](auto& c) { return c.params().localities.at(e.locality).priority; }), e);
    if (e.what == resilience::health_event::kind::ejected ||
        e.what == resilience::health_event::kind::check_failed)
      for (auto& w : workers) w->drain_host(cluster, e.host);
  }
}

base::result<void, std::string> server::impl::bind_all() {
  net::request_memory().set_limit(opts.request_memory != 0 ? opts.request_memory
                                                           : usable_memory() / 2);
  auto given = take_inheritance();
  for (const auto& complaint : given.complaints) log::warning("daemon", complaint);
  ready_pipe = std::move(given.ready);
  listeners.give(std::move(given.sockets));
  auto doors = listeners.prepare(*configuration);
  if (!doors) return doors.error();
  auto plan = workers_plan(active, *doors);
  if (!plan) return plan.error();
  first_plan = std::move(*plan);
  last_tls = first_plan.upstream_tls;
  if (auto started = start_traces(); !started) return started.error();
  auto sockets = listeners.commit(std::move(*doors));
  for (unsigned i = 0; i < opts.workers; ++i) {
    workers.push_back(std::make_unique<net::worker>(
        hub.add_worker(), *this, keys, random.next(),
        traces ? traces->make_tracer(base::entropy_seed()) : nullptr));
    for (const auto& bound : sockets[i]) workers.back()->listen(bound);
  }
  limit_connections();
  if (auto bound = bind_admin(); !bound) return bound.error();
  for (const auto& unused : listeners.close_unused()) log::warning("daemon", unused);
  return {};
}

base::result<void, std::string> server::impl::bind_admin() {
  if (!opts.admin) return {};
  admin::server_options wanted;
  wanted.address = {asio::ip::make_address(opts.admin->host), opts.admin->port};
  wanted.token = opts.admin_token;
  wanted.listening = listeners.take_given("admin", {opts.admin->host, opts.admin->port}).release();
  admin_server = std::make_unique<admin::server>(control, wanted, admin_hooks());
  return admin_server->start();
}

base::result<void, std::string> server::impl::start_traces() {
  if (!opts.traces) return {};
  auto started = trace_exporter::start(opts.traces);
  if (!started) return started.error();
  traces = std::move(*started);
  hub.set_family_source([this](auto& page) { traces->expose(page); });
  log::info("trace", traces->describe());
  return {};
}

void server::impl::start_workers() {
  if (is_serving.exchange(true)) return;
  names_limit.cancel();
  for (auto& w : workers) w->start(first_plan);
  first_plan = {};
  if (opts.on_ready)
    opts.on_ready(listeners.addresses(),
                  admin_server ? net::to_text(admin_server->local_endpoint()) : std::string{});
  service.ready("serving");
  guard();
  if (std::exchange(is_reload_due, false)) asio::post(control, [this] { reload(); });
  if (ready_pipe.get() < 0) return;
  if (::write(ready_pipe.get(), "1", 1) != 1)
    log::warning("daemon", "the process before has ended meanwhile");
  ready_pipe = {};
}

/// The watchdog is told that all is well when every worker has answered.
void server::impl::guard() {
  service.guard([this](std::function<void()> is_well) {
    const auto missing = std::make_shared<std::atomic<std::size_t>>(workers.size());
    for (auto& w : workers)
      w->ask([this, missing, is_well] {
        if (missing->fetch_sub(1) == 1) asio::post(control, is_well);
      });
  });
}

void server::impl::await_signal() {
  signals.async_wait([this](error_code ec, int number) {
    if (ec) return;
    on_signal(number);
    await_signal();
  });
}

int server::impl::run() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) signals.add(number);
  await_signal();
  keys.configure(*configuration);
  // Serving begins when every name, key and checked host is known, or has had its time.
  names_limit.expires_after(longest_wait_for_names);
  names_limit.async_wait([this](error_code ec) {
    if (!ec) start_workers();
  });
  names.activate(active, [this] {
    prober.activate(current(), last_tls);
    keys.wait_ready([this] { prober.wait_ready([this] { start_workers(); }); });
  });
  sweep();
  watch.follow(opts.watched);
  control.run();
  return exit_status;
}

void server::impl::on_signal(int number) {
  if (number == SIGHUP) {
    reload();
  } else if (number == SIGUSR1) {
    hub.reopen_logs();
  } else if (number == SIGUSR2) {
    upgrade_program();
  } else if (is_draining && !is_handed_over) {
    log::warning("daemon", "second signal: open requests are cut");
    finish(1);
  } else {
    begin_drain();
  }
}

void server::impl::begin_drain() {
  if (is_draining.exchange(true) && !std::exchange(is_handed_over, false)) return;
  staged.reset();
  successor.cancel();
  watch.stop();
  hub.on_drain("draining: no new connections; open requests may finish");
  service.stopping("draining: open requests may finish");
  if (!is_serving) return finish(0);
  drain_limit.expires_after(opts.drain_timeout);
  drain_limit.async_wait([this](error_code ec) {
    if (ec) return;
    log::warning("daemon", "drain timeout reached: open requests are cut");
    finish(1);
  });
  drain_workers(std::chrono::milliseconds{0});
}

void server::impl::drain_workers(std::chrono::milliseconds patience) {
  listeners.close();
  has_drained.resize(workers.size());
  for (std::size_t i = 0; i < workers.size(); ++i)
    workers[i]->drain(patience, [this, i] { asio::post(control, [this, i] { on_drained(i); }); });
}

void server::impl::on_drained(std::size_t worker) {
  has_drained[worker] = true;
  if (std::ranges::find(has_drained, false) == has_drained.end()) finish(0);
}

void server::impl::finish(int status) {
  exit_status = status;
  for (auto& w : workers) w->abort();
  for (auto& w : workers) w->join();
  if (traces) traces->finish(trace_flush_limit);
  log::info("daemon", status == 0 ? "drained; all requests have ended" : "ended");
  log::tell_repeats(true);
  if (admin_server) admin_server->stop();
  watch.stop();
  service.stop();
  keys.stop();
  names.stop();
  prober.stop();
  control.stop();
}

/// Again and again: the limit of descriptors of a running process can be changed (prlimit).
void server::impl::limit_connections() {
  const auto most = most_connections(opts.workers, configuration->listeners.size());
  for (auto& w : workers) w->limit_connections(most);
}

/// Returns are reported by the clock, not by the next request.
void server::impl::sweep() {
  const auto now = base::clock::now();
  log::tell_repeats();
  for (const auto& cluster : current()->clusters) {
    std::vector<resilience::health_event> events;
    cluster->locked([&](auto& c) {
      if (c.next_sweep() > now) return;
      c.advance(now);
      events = c.take_events();
    });
    if (!events.empty()) on_health(cluster, std::move(events));
  }
  forget_old_plans();
  limit_connections();
  sweeper.expires_after(sweep_interval);
  sweeper.async_wait([this](error_code ec) {
    if (!ec) sweep();
  });
}

std::string server::impl::status() const {
  const auto now = base::clock::now();
  const auto pinned = current();
  admin::status_view view;
  view.plan = pinned->configuration.get();
  view.state = is_draining ? "draining" : is_serving ? "serving" : "starting";
  view.now = now;
  view.wall_now = base::wall_now();
  view.started = opts.telemetry.started;
  for (const auto& cluster : pinned->clusters)
    view.clusters.push_back(cluster->locked([&](auto& c) {
      return admin::cluster_view{c.priority_load(now), c.status(now)};
    }));
  return admin::status_json(view, hub);
}

bool server::impl::set_ejected(const std::string& route, const std::string& backend,
                               const std::string& address, bool is_eject) {
  const auto now = base::clock::now();
  bool is_found = false;
  for (const auto& cluster : current()->clusters) {
    if (cluster->route_name() != route) continue;
    std::vector<resilience::health_event> events;
    cluster->locked([&](auto& c) {
      for (const auto& host : c.status(now)) {
        if (host.address != address || cluster->backend_names().at(host.locality) != backend)
          continue;
        is_found = true;
        if (is_eject)
          c.eject(host.host, now);
        else
          c.uneject(host.host, now);
      }
      events = c.take_events();
    });
    if (!events.empty()) on_health(cluster, std::move(events));
  }
  return is_found;
}

void server::impl::fill_gauges(telemetry::runtime_gauges& gauges) const {
  const auto now = base::clock::now();
  for (const auto& cluster : current()->clusters) {
    const auto& route = cluster->route_name();
    const auto& rule = cluster->rule_name();
    auto [hosts, load, work] = cluster->locked([&](auto& c) {
      return std::tuple{c.status(now), c.priority_load(now), c.under_way()};
    });
    for (auto& host : hosts)
      gauges.endpoints.push_back({route, cluster->backend_names().at(host.locality),
                                  std::move(host.address), host.priority, host.is_ejected,
                                  host.active_requests, host.is_check_failed});
    std::set<std::uint32_t> priorities;
    for (const auto& l : cluster->params().localities) priorities.insert(l.priority);
    std::size_t rank = 0;
    for (const auto priority : priorities) {
      if (rank == load.size()) break;
      gauges.priorities.push_back({route, rule, priority, load[rank++]});
    }
    gauges.rules.push_back({route, rule, work.requests, work.retries, work.max_retries, work.hedges,
                            cluster->connections().open(), cluster->connections().pending()});
  }
}

admin::hooks server::impl::admin_hooks() {
  admin::hooks h;
  // Who has handed over is asked in the name of the one that serves now.
  h.is_ready = [this] { return is_serving && (!is_draining || is_handed_over); };
  h.status_json = [this] { return status(); };
  h.config_json = [this] { return admin::config_json(*current()->configuration); };
  h.metrics = [this](bool is_openmetrics) { return hub.scrape(is_openmetrics); };
  h.stories = [this](const auto& filter) { return hub.stories().collect(filter); };
  h.story = [this](std::string_view id) { return hub.stories().find(id); };
  h.kept_stories = hub.stories().capacity();
  h.audit = admin::log_audit;
  h.drain = [this] { begin_drain(); };
  h.reload = [this] { return reload(); };
  h.set_ejected = [this](const auto& route, const auto& backend, const auto& address,
                         bool is_eject) { return set_ejected(route, backend, address, is_eject); };
  h.events = &hub.events();
  return h;
}

server::server(options wanted, std::shared_ptr<const plan::plan> configuration)
    : impl_{std::make_unique<impl>(std::move(wanted), std::move(configuration))} {}
server::~server() = default;

telemetry::hub& server::telemetry() { return impl_->hub; }
base::result<void, std::string> server::bind() { return impl_->bind_all(); }
int server::run() { return impl_->run(); }
void server::drain() {
  boost::asio::post(impl_->control, [this] { impl_->begin_drain(); });
}

}  // namespace understudy::daemon
