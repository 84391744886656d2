#include <understudy/daemon/server.hpp>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <mutex>

#include <understudy/admin/server.hpp>
#include <understudy/admin/status.hpp>
#include <understudy/base/random.hpp>
#include <understudy/credentials/http_call.hpp>
#include <understudy/credentials/store.hpp>
#include <understudy/daemon/file_signature.hpp>
#include <understudy/net/health_prober.hpp>
#include <understudy/net/worker.hpp>
#include <understudy/telemetry/log.hpp>

namespace understudy::daemon {

namespace asio = boost::asio;
namespace log = telemetry::log;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds longest_wait_for_names{2};
constexpr std::chrono::milliseconds sweep_interval{250};
constexpr std::chrono::milliseconds watch_interval{500};

bool has_same_listeners(const plan::plan& a, const plan::plan& b) {
  if (a.listeners.size() != b.listeners.size()) return false;
  for (std::size_t i = 0; i < a.listeners.size(); ++i) {
    const auto& x = a.listeners[i];
    const auto& y = b.listeners[i];
    if (x.name != y.name || x.address != y.address || x.port != y.port) return false;
    if (x.certificates.empty() != y.certificates.empty()) return false;
  }
  return true;
}

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

}  // namespace

struct server::impl final : proxy::health_observer {
  impl(options wanted, std::shared_ptr<const plan::plan> compiled)
      : opts{std::move(wanted)}, hub{telemetry_options(opts)}, configuration{std::move(compiled)} {
    active = proxy::activate(configuration, nullptr, base::clock::now(), random);
    hub.set_endpoint_source([this](auto& gauges) { endpoint_gauges(gauges); });
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
  void on_health(const std::shared_ptr<proxy::cluster_state>& cluster,
                 std::vector<resilience::health_event> events) override {
    for (const auto& e : events) {
      const auto& names_of = cluster->backend_names();
      hub.on_health_event(
          cluster->route_name(), names_of.at(e.locality),
          cluster->locked([&](auto& c) { return c.params().localities.at(e.locality).priority; }),
          e);
      if (e.what == resilience::health_event::kind::ejected ||
          e.what == resilience::health_event::kind::check_failed)
        for (auto& w : workers) w->drain_host(cluster, e.host);
    }
  }

  std::shared_ptr<const proxy::active_plan> current() const {
    const std::scoped_lock lock{active_mutex};
    return active;
  }

  base::result<net::worker_plan, std::string> workers_plan(
      const std::shared_ptr<const proxy::active_plan>& from) {
    net::worker_plan made;
    made.active = from;
    auto table = net::tls_table::make(*from->configuration, last_tls.get());
    if (!table) return table.error();
    made.upstream_tls = last_tls = std::move(*table);
    for (const auto& listener : from->configuration->listeners) {
      made.listener_tls.emplace_back();
      if (listener.certificates.empty()) continue;
      auto tls = net::tls_server::make(listener.certificates);
      if (!tls) return "listener " + listener.name + ": " + tls.error();
      made.listener_tls.back() = std::move(*tls);
    }
    return made;
  }

  base::result<void, std::string> bind_all();
  net::listen_address address_of(std::size_t index) const;
  int run();
  void start_workers();
  void begin_drain();
  void finish(int status);
  void on_signal(int number);
  void sweep();
  void watch();
  admin::reload_result reload();
  std::string status() const;
  bool set_ejected(const std::string& route, const std::string& backend, const std::string& address,
                   bool is_eject);
  void endpoint_gauges(std::vector<telemetry::endpoint_gauge>& gauges) const;
  admin::hooks admin_hooks();

  options opts;
  telemetry::hub hub;
  asio::io_context control{1};
  base::seeded_random random{base::entropy_seed()};
  credentials::store keys{control, host_with(opts.resolve)};
  net::name_resolver names{control, opts.resolve};
  net::health_prober prober{control, *this, random};
  mutable std::mutex active_mutex;
  std::shared_ptr<const plan::plan> configuration;
  std::shared_ptr<const proxy::active_plan> active;
  net::worker_plan first_plan;
  std::shared_ptr<const net::tls_table> last_tls;
  std::vector<std::unique_ptr<net::worker>> workers;
  std::vector<std::string> listening;
  std::unique_ptr<admin::server> admin_server;
  asio::signal_set signals{control};
  asio::steady_timer sweeper{control}, drain_limit{control}, names_limit{control}, watcher{control};
  std::string loaded_signature, last_signature;
  std::atomic<bool> is_draining{false};
  std::atomic<bool> is_serving{false};
  std::size_t draining_workers = 0;
  int exit_status = 0;
};

net::listen_address server::impl::address_of(std::size_t index) const {
  const auto& listener = configuration->listeners[index];
  for (const auto& o : opts.listen)
    if (o.listener == listener.name || (o.listener.empty() && index == 0))
      return {o.address, o.port};
  return {listener.address, listener.port};
}

base::result<void, std::string> server::impl::bind_all() {
  for (const auto& o : opts.listen) {
    const auto is_it = [&](const auto& l) { return o.listener.empty() || l.name == o.listener; };
    if (std::ranges::none_of(configuration->listeners, is_it))
      return "--listen " + o.listener + "=…: the configuration has no listener of that name";
  }
  auto plan = workers_plan(active);
  if (!plan) return plan.error();
  first_plan = std::move(*plan);
  for (unsigned i = 0; i < opts.workers; ++i)
    workers.push_back(std::make_unique<net::worker>(hub.add_worker(), *this, keys, random.next()));
  for (std::size_t i = 0; i < configuration->listeners.size(); ++i) {
    auto bound = net::bind_listener(i, address_of(i), opts.workers);
    if (!bound) return bound.error();
    listening.push_back(net::to_text(bound->front().endpoint));
    for (unsigned w = 0; w < opts.workers; ++w) workers[w]->listen((*bound)[w]);
  }
  if (opts.admin) {
    admin::server_options wanted;
    wanted.address = {asio::ip::make_address(opts.admin->host), opts.admin->port};
    wanted.token = opts.admin_token;
    admin_server = std::make_unique<admin::server>(control, wanted, admin_hooks());
    if (auto started = admin_server->start(); !started) return started.error();
  }
  return {};
}

void server::impl::start_workers() {
  if (is_serving.exchange(true)) return;
  names_limit.cancel();
  for (auto& w : workers) w->start(first_plan);
  first_plan = {};
  if (opts.on_ready)
    opts.on_ready(listening,
                  admin_server ? net::to_text(admin_server->local_endpoint()) : std::string{});
}

int server::impl::run() {
  signals.add(SIGTERM);
  signals.add(SIGINT);
  signals.add(SIGHUP);
  const std::function<void()> await_signal = [&] {
    signals.async_wait([&](error_code ec, int number) {
      if (ec) return;
      on_signal(number);
      await_signal();
    });
  };
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
  if (!opts.watched.empty()) {
    loaded_signature = last_signature = file_signature(opts.watched);
    watch();
  }
  control.run();
  return exit_status;
}

void server::impl::on_signal(int number) {
  if (number == SIGHUP) {
    reload();
  } else if (is_draining) {
    log::warning("daemon", "second signal: open requests are cut");
    finish(1);
  } else {
    begin_drain();
  }
}

void server::impl::begin_drain() {
  if (is_draining.exchange(true)) return;
  hub.on_drain("draining: no new connections; open requests may finish");
  if (!is_serving) return finish(0);
  drain_limit.expires_after(opts.drain_timeout);
  drain_limit.async_wait([this](error_code ec) {
    if (ec) return;
    log::warning("daemon", "drain timeout reached: open requests are cut");
    finish(1);
  });
  draining_workers = workers.size();
  for (auto& w : workers)
    w->drain([this] {
      asio::post(control, [this] {
        if (--draining_workers == 0) finish(0);
      });
    });
}

void server::impl::finish(int status) {
  exit_status = status;
  for (auto& w : workers) w->abort();
  for (auto& w : workers) w->join();
  log::info("daemon", status == 0 ? "drained; all requests have ended" : "ended");
  if (admin_server) admin_server->stop();
  keys.stop();
  names.stop();
  prober.stop();
  control.stop();
}

/// Returns are reported by the clock, not by the next request.
void server::impl::sweep() {
  const auto now = base::clock::now();
  for (const auto& cluster : current()->clusters) {
    std::vector<resilience::health_event> events;
    cluster->locked([&](auto& c) {
      if (c.next_sweep() > now) return;
      c.advance(now);
      events = c.take_events();
    });
    if (!events.empty()) on_health(cluster, std::move(events));
  }
  sweeper.expires_after(sweep_interval);
  sweeper.async_wait([this](error_code ec) {
    if (!ec) sweep();
  });
}

/// A change must have lasted for one look before it is read: editors and ConfigMap updates write
/// in several steps.
void server::impl::watch() {
  const auto seen = file_signature(opts.watched);
  if (seen != loaded_signature && seen == last_signature) {
    loaded_signature = seen;
    reload();
    loaded_signature = last_signature = file_signature(opts.watched);
  }
  last_signature = seen;
  watcher.expires_after(watch_interval);
  watcher.async_wait([this](error_code ec) {
    if (!ec) watch();
  });
}

admin::reload_result server::impl::reload() {
  const auto refuse = [&](std::string text) {
    hub.on_reload(false, "reload refused, the running configuration stays: " + text);
    return admin::reload_result{false, std::move(text)};
  };
  if (!opts.load) return refuse("this process has no configuration files");
  auto [next, files] = opts.load();
  if (!opts.watched.empty()) opts.watched = std::move(files);
  std::string findings;
  for (const auto& f : next.findings)
    if (f.level != config::severity::info) findings += to_text(f) + '\n';
  if (!next.compiled) return refuse(findings);
  if (!has_same_listeners(*configuration, *next.compiled))
    return refuse("the listeners have changed; that needs a restart");
  auto numbered = std::make_shared<plan::plan>(*next.compiled);
  numbered->generation = configuration->generation + 1;
  auto activated = proxy::activate(numbered, current().get(), base::clock::now(), random);
  auto plan = workers_plan(activated);
  if (!plan) return refuse(plan.error());
  configuration = numbered;
  {
    const std::scoped_lock lock{active_mutex};
    active = activated;
  }
  keys.configure(*configuration);
  names.activate(activated, [this] { prober.activate(current(), last_tls); });
  for (auto& w : workers) w->replace_plan(*plan);
  hub.on_reload(true,
                "configuration reloaded, generation " + std::to_string(configuration->generation));
  return {true, findings};
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

void server::impl::endpoint_gauges(std::vector<telemetry::endpoint_gauge>& gauges) const {
  const auto now = base::clock::now();
  for (const auto& cluster : current()->clusters)
    for (auto& host : cluster->locked([&](auto& c) { return c.status(now); }))
      gauges.push_back({cluster->route_name(), cluster->backend_names().at(host.locality),
                        std::move(host.address), host.priority, host.is_ejected,
                        host.active_requests, host.is_check_failed});
}

admin::hooks server::impl::admin_hooks() {
  admin::hooks h;
  h.is_ready = [this] { return is_serving && !is_draining; };
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
