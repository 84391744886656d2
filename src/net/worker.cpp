#include <understudy/net/worker.hpp>

#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <limits>
#include <unordered_set>

#include <understudy/base/wipe.hpp>
#include <understudy/net/acceptors.hpp>
#include <understudy/net/session.hpp>
#include <understudy/telemetry/log.hpp>

namespace understudy::net {
namespace {

using steady_timer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, executor>;

constexpr std::chrono::seconds tidy_interval{5};
constexpr std::chrono::milliseconds handshake_limit{15'000};

/// The limit of connections is the process's, whichever worker the kernel gives them to.
std::atomic<std::size_t> open_of_process{0};

/// Wakes the timer queue by one timer of Asio's, set to the earliest deadline.
class real_driver final : public timer_queue::driver {
 public:
  real_driver(asio::io_context& context, timer_queue& queue) : timer_{context}, queue_{queue} {
    queue_.attach(this);
  }
  void wake_at(time_point earliest) override {
    if (is_stopped_ || earliest >= armed_) return;
    armed_ = earliest;
    timer_.expires_at(std::chrono::steady_clock::time_point{
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(
            earliest.time_since_epoch())});
    timer_.async_wait([this](error_code ec) {
      if (ec || is_stopped_) return;
      armed_ = timer_queue::never;
      queue_.run_due(base::clock::now());
    });
  }
  void stop() {
    is_stopped_ = true;
    timer_.cancel();
  }

 private:
  steady_timer timer_;
  timer_queue& queue_;
  time_point armed_ = timer_queue::never;
  bool is_stopped_ = false;
};

/// A repeated or single errand of the worker itself.
struct errand : timer_queue::entry {
  errand(timer_queue& queue, std::function<void()> what)
      : entry{queue, [](entry& e) { static_cast<errand&>(e).what_(); }}, what_{std::move(what)} {}
  std::function<void()> what_;
};

}  // namespace

struct worker::impl {
  using session_type = session<socket_net>;

  /// In the set while it lives, also where an exception ends the session.
  struct listed {
    listed(std::unordered_set<session_type*>& all, session_type* one) : all_{all}, one_{one} {
      all_.insert(one_);
    }
    ~listed() { all_.erase(one_); }
    listed(const listed&) = delete;
    listed& operator=(const listed&) = delete;
    std::unordered_set<session_type*>& all_;
    session_type* one_;
  };

  impl(telemetry::worker_sink& sink, proxy::health_observer& observer,
       const credentials::store& keys, std::uint64_t seed, std::unique_ptr<trace::tracer> traces)
      : sends{context.get_executor(), sink.counters().exchanges_active},
        random{seed},
        tracer{std::move(traces)},
        env{timers, random, sink, observer, keys, dialer, pool, flush, nullptr} {
    env.tracer = tracer.get();
  }

  asio::io_context context{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  asio::executor_work_guard<executor> guard{context.get_executor()};
  send_batch sends;
  timer_queue timers;
  real_driver driver{context, timers};
  base::seeded_random random;
  std::unique_ptr<trace::tracer> tracer;
  socket_dialer dialer{context, sends};
  socket_addresses addresses{nullptr};
  worker_env<socket_net> env;
  upstream_pool<socket_net> pool{addresses, env.sink.counters()};
  worker_plan plan;
  std::unordered_set<session_type*> sessions;
  std::unordered_set<connection<socket_stream>*> handshakes;
  std::size_t open_links = 0;
  std::atomic<std::size_t> max_links{std::numeric_limits<std::size_t>::max()};
  std::function<void()> on_empty;
  acceptors doors{context,
                  timers,
                  {[this](socket s, const auto& peer, const auto& place) {
                     begin_session(std::move(s), peer, place);
                   },
                   [this] { return open_links >= max_links; }, [this] { tell_if_empty(); }}};
  errand flush{timers, [this] { hand_over(); }};
  errand tidy{timers, [this] { tidy_up(); }};
  errand end_idle{timers, [this] { drain_sessions(); }};

  void adopt(worker_plan next) {
    plan = std::move(next);
    env.active = plan.active;
    addresses.replace(plan.upstream_tls);
    forget_old_clusters();
    const auto ending = doors.assign(plan.listeners);
    for (auto* s : open_sessions())
      for (const auto& place : ending)
        if (&s->place() == place.get()) s->drain();
  }

  /// A copy: what ends leaves the set.
  std::vector<session_type*> open_sessions() const { return {sessions.begin(), sessions.end()}; }

  void drain_sessions() {
    for (auto* s : open_sessions()) s->drain();
  }

  /// An exchange of the plan before may have opened some again since.
  void forget_old_clusters() {
    pool.forget_clusters([&](const proxy::cluster_state* known) {
      for (const auto& c : plan.active->clusters)
        if (c.get() == known) return true;
      return false;
    });
  }

  /// What the exchanges have left for logs and traces.
  void hand_over() {
    env.sink.flush();
    if (tracer) tracer->flush();
  }

  void tidy_up() {
    const auto now = base::clock::now();
    auto longest = std::chrono::milliseconds{std::chrono::hours{24 * 365}};
    for (const auto& route : plan.active->configuration->routes)
      for (const auto& rule : route.rules)
        longest = std::min(longest, rule.timeouts.connection_idle);
    pool.close_idle_since(now - longest, now);
    forget_old_clusters();
    pool.forget_hosts([](proxy::cluster_state& cluster, resilience::host_id host) {
      return cluster.locked([&](auto& c) { return c.address(host).empty(); });
    });
    hand_over();
    tidy.arm(now + tidy_interval);
  }

  void begin_session(socket accepted, const asio::ip::tcp::endpoint& peer,
                     const std::shared_ptr<listener_place>& place) {
    if (++open_of_process > env.active->configuration->limits.max_connections) {
      --open_of_process;
      env.sink.counters().downstream_connections_refused.add();
      error_code ignored;
      accepted.close(ignored);
      return;
    }
    error_code ignored;
    accepted.non_blocking(true, ignored);
    accepted.set_option(asio::ip::tcp::no_delay{true}, ignored);
    auto link = std::make_shared<connection<socket_stream>>(std::move(accepted));
    link->gather_writes_in(sends);
    ++open_links;
    asio::co_spawn(context, serve(std::move(link), client_text(peer.address()), place),
                   [this](std::exception_ptr escaped) {
                     --open_links;
                     --open_of_process;
                     if (escaped) report(escaped);
                     tell_if_empty();
                   });
  }

  void tell_if_empty() {
    if (open_links == 0 && doors.is_idle() && on_empty) std::exchange(on_empty, nullptr)();
  }

  /// An IPv4 client of a socket for both families is an IPv4 client.
  static std::string client_text(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped())
      return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
    return address.to_string();
  }

  static void report(const std::exception_ptr& escaped) {
    try {
      std::rethrow_exception(escaped);
    } catch (const std::exception& e) {
      telemetry::log::error("net", std::string{"a connection ended by an exception: "} + e.what());
    } catch (...) {
      telemetry::log::error("net", "a connection ended by an unknown exception");
    }
  }

  awaitable<void> serve(std::shared_ptr<connection<socket_stream>> link, std::string client,
                        std::shared_ptr<const listener_place> place) {
    const auto tls = place->tls;
    if (tls) {
      const bool is_shaken = co_await shake_hands(*link, tls);
      if (!is_shaken) {
        env.sink.counters().downstream_tls_failures.add();
        link->close();
        co_return;
      }
    }
    session_type s{env, std::move(link), std::move(place), std::move(client), tls != nullptr};
    const listed here{sessions, &s};
    co_await s.run();
  }

  awaitable<bool> shake_hands(connection<socket_stream>& link, std::shared_ptr<tls_server> tls) {
    errand limit{timers, [&link] { link.close(); }};
    // Whoever has to bring a head within a time has no longer for what goes before it.
    const auto& limits = env.active->configuration->limits;
    limit.arm(base::clock::now() + std::min(handshake_limit, limits.request_headers));
    handshakes.insert(&link);
    auto& layer = link.stream().add_tls(tls->context(), tls);
    auto shaken = co_await layer.async_handshake(asio::ssl::stream_base::server, use_await);
    handshakes.erase(&link);
    co_return !std::get<0>(shaken) && !link.is_closed();
  }

  /// Every coroutine is brought to its end, so that none outlives what it refers to.
  void finish() {
    doors.close();
    end_idle.disarm();
    for (auto* s : open_sessions()) s->abort();
    for (auto* link : handshakes) link->close();
    pool.drain_all();
    hand_over();
    guard.reset();
    on_empty = [this] { driver.stop(); };
    tell_if_empty();
  }
};

worker::worker(telemetry::worker_sink& sink, proxy::health_observer& observer,
               const credentials::store& keys, std::uint64_t seed,
               std::unique_ptr<trace::tracer> tracer)
    : impl_{std::make_unique<impl>(sink, observer, keys, seed, std::move(tracer))} {}

worker::~worker() { join(); }

void worker::listen(const bound_listener& bound) { impl_->doors.add(bound); }
void worker::limit_connections(std::size_t most) { impl_->max_links = most; }

void worker::start(worker_plan plan) {
  impl_->adopt(std::move(plan));
  impl_->doors.start();
  impl_->tidy.arm(base::clock::now() + tidy_interval);
  thread_ = std::thread{[this] { impl_->context.run(); }};
}

void worker::replace_plan(worker_plan plan, std::vector<bound_listener> fresh) {
  asio::post(impl_->context, [this, next = std::move(plan), sockets = std::move(fresh)]() mutable {
    for (const auto& bound : sockets) impl_->doors.add(bound);
    impl_->adopt(std::move(next));
  });
}

void worker::replace_upstream_tls(std::shared_ptr<const tls_table> table) {
  asio::post(impl_->context, [this, next = std::move(table)]() mutable {
    impl_->plan.upstream_tls = std::move(next);
    impl_->addresses.replace(impl_->plan.upstream_tls);
    base::wipe_stack();  // heads are put together there
  });
}

void worker::ask(std::function<void()> answered) {
  asio::post(impl_->context, std::move(answered));
}

void worker::drain_host(std::shared_ptr<proxy::cluster_state> cluster, resilience::host_id host) {
  asio::post(impl_->context,
             [this, cluster = std::move(cluster), host] { impl_->pool.drain(*cluster, host); });
}

void worker::drain(std::chrono::milliseconds patience, std::function<void()> on_empty) {
  asio::post(impl_->context, [this, patience, done = std::move(on_empty)]() mutable {
    impl_->env.is_draining = true;
    impl_->env.idle_until = base::clock::now() + patience;
    impl_->doors.close();
    impl_->drain_sessions();
    impl_->end_idle.arm(impl_->env.idle_until);
    impl_->on_empty = std::move(done);
    impl_->tell_if_empty();
  });
}

void worker::abort() {
  asio::post(impl_->context, [this] {
    for (auto* s : impl_->open_sessions()) s->abort();
  });
}

void worker::join() {
  if (!thread_.joinable()) return;
  asio::post(impl_->context, [this] { impl_->finish(); });
  thread_.join();
  impl_->hand_over();  // of the exchanges that were cut
}

}  // namespace understudy::net
