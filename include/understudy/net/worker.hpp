#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <understudy/base/random.hpp>
#include <understudy/credentials/store.hpp>
#include <understudy/net/listener.hpp>
#include <understudy/net/socket_net.hpp>
#include <understudy/proxy/active_plan.hpp>
#include <understudy/proxy/exchange.hpp>
#include <understudy/telemetry/hub.hpp>

namespace understudy::net {

/// What all workers share of a configuration, swapped as one.
struct worker_plan {
  std::shared_ptr<const proxy::active_plan> active;
  std::shared_ptr<const tls_table> upstream_tls;
  std::vector<std::shared_ptr<tls_server>> listener_tls;  ///< by listener; null: clear text
};

/// One event loop on one thread with its own listening sockets, connections, pools and timers.
/// The public functions may be called from any thread; what they ask happens on the worker's.
class worker {
 public:
  worker(telemetry::worker_sink& sink, proxy::health_observer& observer,
         const credentials::store& keys, std::uint64_t seed);
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// Takes the sockets over. Before start().
  void listen(const bound_listener& socket);
  void start(worker_plan plan);

  void replace_plan(worker_plan plan);
  /// Closes the idle upstream connections of an ejected host; busy ones end after their response.
  void drain_host(std::shared_ptr<proxy::cluster_state> cluster, resilience::host_id host);
  /// Stops accepting, closes idle client connections; `on_empty` is called (on the worker's
  /// thread) once the last one has ended.
  void drain(std::function<void()> on_empty);
  /// Ends every connection now.
  void abort();
  /// Ends the thread and waits for it.
  void join();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
  std::thread thread_;
};

}  // namespace understudy::net
