#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <understudy/admin/server.hpp>
#include <understudy/base/random.hpp>
#include <understudy/credentials/store.hpp>
#include <understudy/daemon/server.hpp>
#include <understudy/daemon/trace_exporter.hpp>
#include <understudy/net/health_prober.hpp>
#include <understudy/net/worker.hpp>

#include "daemon/file_watch.hpp"
#include "daemon/listener_table.hpp"
#include "daemon/service_manager.hpp"
#include "daemon/upgrade.hpp"

namespace understudy::daemon {

namespace asio = boost::asio;
using boost::system::error_code;

inline constexpr std::chrono::seconds longest_wait_for_names{2};

/// The control thread's state. By concern: server.cpp (start, signals, drain, operator actions),
/// reload.cpp, hand_over.cpp.
struct server::impl final : proxy::health_observer {
  impl(options wanted, std::shared_ptr<const plan::plan> compiled);

  /// Any worker's thread, outside every lock.
  void on_health(const std::shared_ptr<proxy::cluster_state>& cluster,
                 std::vector<resilience::health_event> events) override;

  std::shared_ptr<const proxy::active_plan> current() const {
    const std::scoped_lock lock{active_mutex};
    return active;
  }

  // ---- start, signals, end
  base::result<void, std::string> bind_all();
  base::result<void, std::string> bind_admin();
  base::result<void, std::string> start_traces();
  int run();
  void await_signal();
  void start_workers();
  void limit_connections();
  void guard();
  void begin_drain();
  void drain_workers(std::chrono::milliseconds patience);
  void on_drained(std::size_t worker);
  void finish(int status);
  void on_signal(int number);
  void sweep();

  // ---- reload
  /// A configuration that is accepted and built, but waits for its names and keys.
  struct staged_plan {
    std::shared_ptr<const plan::plan> configuration;
    std::shared_ptr<const proxy::active_plan> active;
    net::worker_plan for_workers;
    listener_table::change listeners;
  };
  base::result<net::worker_plan, std::string> workers_plan(
      const std::shared_ptr<const proxy::active_plan>& from, const listener_table::change& doors);
  admin::reload_result reload();
  base::result<staged_plan, std::string> stage(const plan::plan& next);
  void commit_when_known();
  void commit();
  void forget_old_plans();

  // ---- another process takes over
  void upgrade_program();
  void hand_over(pid_t process);

  // ---- operator
  std::string status() const;
  bool set_ejected(const std::string& route, const std::string& backend, const std::string& address,
                   bool is_eject);
  void fill_gauges(telemetry::runtime_gauges& gauges) const;
  admin::hooks admin_hooks();

  options opts;
  telemetry::hub hub;
  asio::io_context control{1};
  base::seeded_random random{base::entropy_seed()};
  credentials::store keys;
  net::name_resolver names{control, opts.resolve};
  net::health_prober prober{control, *this, random};
  mutable std::mutex active_mutex;
  std::shared_ptr<const plan::plan> configuration;
  std::shared_ptr<const proxy::active_plan> active;
  net::worker_plan first_plan;
  std::shared_ptr<const net::tls_table> last_tls;
  std::optional<staged_plan> staged;
  std::vector<std::weak_ptr<const proxy::active_plan>> retired;  ///< exchanges may pin them still
  std::unique_ptr<trace_exporter> traces;                        ///< outlives the workers
  std::vector<std::unique_ptr<net::worker>> workers;
  listener_table listeners{opts.listen, opts.workers};
  net::owned_socket ready_pipe;  ///< of the process that this one takes over from
  std::unique_ptr<admin::server> admin_server;
  service_manager service;
  upgrade successor{control};
  file_watch watch{control, [this] { reload(); }};
  asio::signal_set signals{control};
  asio::steady_timer sweeper{control}, drain_limit{control}, names_limit{control};
  std::atomic<bool> is_draining{false};
  std::atomic<bool> is_serving{false};
  bool is_handed_over = false;
  bool is_reload_due = false;     ///< one was asked for before this process served
  std::vector<bool> has_drained;  ///< by worker
  int exit_status = 0;
};

}  // namespace understudy::daemon
