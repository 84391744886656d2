#include "sim/proxy.hpp"

#include <boost/asio/co_spawn.hpp>
#include <limits>
#include <vector>

#include <understudy/net/session.hpp>

#include "sim/simulated_net.hpp"

namespace sim {
namespace {

namespace proxy_room = understudy::proxy;
namespace telemetry = understudy::telemetry;
namespace resilience = understudy::resilience;
namespace credentials = understudy::credentials;
using session_type = net::session<simulated_net>;

constexpr seconds tidy_interval{5};
constexpr milliseconds sweep_interval{250};
constexpr seconds idle_sweep_interval{5};

struct errand : net::timer_queue::entry {
  errand(net::timer_queue& queue, std::function<void()> what)
      : entry{queue, [](entry& e) { static_cast<errand&>(e).what_(); }}, what_{std::move(what)} {}
  std::function<void()> what_;
};

telemetry::hub_options hub_options_for(int log_fd) {
  telemetry::hub_options options;
  options.access_log_fd = log_fd;
  return options;
}

/// Slots of the retry breaker that nobody has given back, found by asking for all of them.
std::int64_t missing_slots(proxy_room::cluster_state& cluster, std::uint32_t slots) {
  std::vector<std::unique_ptr<resilience::attempt_planner>> asking;
  const auto now = base::clock::now();
  resilience::outcome refused;
  refused.what = resilience::failure_class::status;
  refused.status = 503;
  for (std::uint32_t taken = 0; taken < slots; ++taken) {
    auto& one = *asking.emplace_back(std::make_unique<resilience::attempt_planner>(
        cluster.unlocked_cluster(), cluster.unlocked_random(), resilience::request_limits{}, now));
    const auto first = one.next(now);
    if (first.step != resilience::next_step::attempt) return 0;
    if (one.on_outcome(refused, now, first.slot).why == resilience::stop_reason::retry_overflow)
      return slots - taken;
  }
  return 0;
}

}  // namespace

struct proxy::impl final : proxy_room::health_observer {
  impl(std::shared_ptr<const understudy::plan::plan> plan, connector connect, ledger& truth,
       std::uint64_t seed, int log_fd)
      : book{truth},
        random{seed},
        hub{hub_options_for(log_fd)},
        worker_sink{hub.add_worker()},
        // Either way of sending is simulated: at once, and gathered whatever is under way.
        sends{context.get_executor(), worker_sink.counters().exchanges_active,
              seed % 2 == 0 ? std::int64_t{0} : std::numeric_limits<std::int64_t>::max()},
        dialer{context, sends, std::move(connect), truth},
        env{timers, random, worker_sink, *this, keys, dialer, pool, flush, nullptr} {
    keys.configure(*plan);
    adopt(proxy_room::activate(std::move(plan), nullptr, base::clock::now(), random));
    tidy.arm(base::clock::now() + tidy_interval);
    sweep.arm(base::clock::now() + sweep_interval);
  }

  void adopt(std::shared_ptr<const proxy_room::active_plan> next) {
    for (const auto& route : next->configuration->routes)
      for (const auto& rule : route.rules) set_hosts(*next, rule);
    env.active = std::move(next);
    pool.forget_clusters([&](const proxy_room::cluster_state* known) {
      return std::ranges::any_of(env.active->clusters,
                                 [&](const auto& c) { return c.get() == known; });
    });
  }

  static void set_hosts(const proxy_room::active_plan& active, const understudy::plan::rule& rule) {
    for (std::uint32_t locality = 0; locality < rule.backends.size(); ++locality) {
      std::vector<proxy_room::cluster_state::host_entry> hosts;
      const auto& targets = rule.backends[locality].targets;
      for (std::size_t t = 0; t < targets.size(); ++t)
        hosts.push_back({targets[t].host + ":" + std::to_string(targets[t].port), t});
      active.clusters[rule.cluster_index]->set_hosts(locality, hosts, base::clock::now());
    }
  }

  // As the daemon does it: told by any worker, carried out from the context.
  void on_health(const std::shared_ptr<proxy_room::cluster_state>& cluster,
                 std::vector<resilience::health_event> events) override {
    for (const auto& e : events) {
      if (book.is_tracing)
        book.note("health",
                  e.address + (e.what == resilience::health_event::kind::ejected ? " ejected"
                                                                                 : " other event"));
      if (e.what == resilience::health_event::kind::ejected)
        asio::post(context, [this, cluster, host = e.host] { pool.drain(*cluster, host); });
    }
  }

  void tidy_up() {
    const auto now = base::clock::now();
    auto longest = milliseconds{std::chrono::hours{24 * 365}};
    for (const auto& route : env.active->configuration->routes)
      for (const auto& rule : route.rules)
        longest = std::min(longest, rule.timeouts.connection_idle);
    pool.close_idle_since(now - longest, now);
    env.sink.flush();
    tidy.arm(now + tidy_interval);
  }

  void sweep_hosts() {
    const auto now = base::clock::now();
    bool has_ejected = false;
    for (const auto& cluster : env.active->clusters) {
      std::vector<resilience::health_event> events;
      cluster->locked([&](auto& c) {
        if (c.next_sweep() <= now) {
          c.advance(now);
          events = c.take_events();
        }
        has_ejected = has_ejected || c.next_sweep() != time_point::max();
      });
      if (!events.empty()) on_health(cluster, std::move(events));
    }
    sweep.arm(now + (has_ejected ? duration{sweep_interval} : duration{idle_sweep_interval}));
  }

  net::awaitable<void> serve(std::shared_ptr<net::connection<simulated_stream>> link,
                             std::string client) {
    session_type s{env, std::move(link), place, std::move(client), false};
    sessions.push_back(&s);
    co_await s.run();
    std::erase(sessions, &s);
  }

  void poll() {
    context.restart();
    context.poll();
  }

  asio::io_context context{1};
  ledger& book;
  net::timer_queue timers;
  base::seeded_random random;
  telemetry::hub hub;
  credentials::store keys{context,
                          {[](const std::string&) { return std::nullopt; },
                           [](const std::string&) { return std::nullopt; }}};
  telemetry::worker_sink& worker_sink;
  net::send_batch sends;
  simulated_dialer dialer;
  simulated_addresses addresses;
  net::worker_env<simulated_net> env;
  net::upstream_pool<simulated_net> pool{addresses, env.sink.counters()};
  std::shared_ptr<net::listener_place> place = std::make_shared<net::listener_place>();
  std::vector<session_type*> sessions;  // in the order they came
  std::size_t open_links = 0;
  errand flush{timers, [this] { env.sink.flush(); }};
  errand tidy{timers, [this] { tidy_up(); }};
  errand sweep{timers, [this] { sweep_hosts(); }};
};

proxy::proxy(std::shared_ptr<const understudy::plan::plan> plan, connector connect, ledger& book,
             std::uint64_t seed, int log_fd)
    : impl_{std::make_unique<impl>(std::move(plan), std::move(connect), book, seed, log_fd)} {}

proxy::~proxy() = default;

void proxy::accept(std::shared_ptr<wire> from, const std::string& client_address) {
  auto link = std::make_shared<net::connection<simulated_stream>>(impl_->context, std::move(from),
                                                                  impl_->book);
  link->gather_writes_in(impl_->sends);
  ++impl_->open_links;
  asio::co_spawn(impl_->context, impl_->serve(std::move(link), client_address),
                 [i = impl_.get()](std::exception_ptr escaped) {
                   --i->open_links;
                   if (escaped) i->book.fail("an exception escaped a session");
                 });
}

void proxy::run(const std::function<void()>& what) {
  asio::post(impl_->context, what);
  impl_->poll();
}

time_point proxy::next_timer() const { return impl_->timers.next(); }

void proxy::run_timers() {
  run([this] { impl_->timers.run_due(base::clock::now()); });
}

void proxy::reload() {
  auto again = std::make_shared<understudy::plan::plan>(*impl_->env.active->configuration);
  ++again->generation;
  impl_->adopt(proxy_room::activate(std::move(again), impl_->env.active.get(), base::clock::now(),
                                    impl_->random));
}

void proxy::drain() {
  impl_->env.is_draining = true;
  const auto open = impl_->sessions;
  for (auto* s : open) s->drain();
}

void proxy::abort() {
  const auto open = impl_->sessions;
  for (auto* s : open) s->abort();
}

std::size_t proxy::sessions() const { return impl_->open_links; }

remains proxy::finish(std::uint32_t retry_slots) {
  impl_->pool.drain_all();
  impl_->env.sink.flush();
  impl_->poll();
  remains left;
  auto& counters = impl_->env.sink.counters();
  left.numbers = {
      {"sessions", static_cast<std::int64_t>(impl_->open_links)},
      {"downstream connections active", counters.downstream_connections_active.value()},
      {"exchanges active", counters.exchanges_active.value()},
      {"upstream connections active", counters.upstream_connections_active.value()},
      {"upstream connections idle", counters.upstream_connections_idle.value()},
  };
  std::int64_t requests = 0;
  for (const auto& cluster : impl_->env.active->clusters)
    for (const auto& host : cluster->locked([](auto& c) { return c.status(base::clock::now()); }))
      requests += host.active_requests;
  left.numbers.emplace_back("active requests of hosts", requests);
  std::int64_t open = 0;
  std::int64_t pending = 0;
  for (const auto& cluster : impl_->env.active->clusters) {
    open += cluster->connections().open();
    pending += cluster->connections().pending();
  }
  left.numbers.emplace_back("connections at the gate", open);
  left.numbers.emplace_back("pending at the gate", pending);
  for (const auto& cluster : impl_->env.active->clusters)
    left.numbers.emplace_back("retry slots", missing_slots(*cluster, retry_slots));
  impl_->env.spare_states.clear();
  impl_->keys.stop();
  impl_->poll();
  // The worker's own three errands stand in the queue or not.
  std::int64_t own = 0;
  for (const auto* e : {&impl_->flush, &impl_->tidy, &impl_->sweep})
    own += e->deadline() != net::timer_queue::never ? 1 : 0;
  left.numbers.emplace_back(
      "timers", std::max<std::int64_t>(static_cast<std::int64_t>(impl_->timers.size()) - own, 0));
  return left;
}

}  // namespace sim
