#pragma once
#include <chrono>
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
#include <understudy/trace/tracer.hpp>

namespace understudy::net {

/// What all workers share of a configuration, swapped as one.
struct worker_plan {
  std::shared_ptr<const proxy::active_plan> active;
  std::shared_ptr<const tls_table> upstream_tls;
  std::vector<worker_listener> listeners;  ///< one for each of the plan's, in their order
};

/// One event loop on one thread with its own listening sockets, connections, pools and timers.
/// The public functions may be called from any thread; what they ask happens on the worker's.
class worker {
 public:
  worker(telemetry::worker_sink& sink, proxy::health_observer& observer,
         const credentials::store& keys, std::uint64_t seed,
         std::unique_ptr<trace::tracer> tracer = nullptr);
  ~worker();
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// Takes a socket over. Before start().
  void listen(const bound_listener& socket);
  /// Beyond this many connections the worker leaves new ones in the kernel's queue.
  void limit_connections(std::size_t most);
  void start(worker_plan plan);

  /// With the sockets of listeners that are new in it. Listeners that it does not have are closed,
  /// their connections end with the request under way.
  void replace_plan(worker_plan plan, std::vector<bound_listener> fresh = {});
  void replace_upstream_tls(std::shared_ptr<const tls_table> table);
  /// Closes the idle upstream connections of an ejected host; busy ones end after their response.
  void drain_host(std::shared_ptr<proxy::cluster_state> cluster, resilience::host_id host);
  /// Stops accepting and lets connections end with the request under way; those without one end
  /// after `patience`, and may ask once more until then. `on_empty` is called (on the worker's
  /// thread) once the last one has ended. A second call only shortens the patience.
  void drain(std::chrono::milliseconds patience, std::function<void()> on_empty);
  /// Calls back on the worker's thread: it still turns.
  void ask(std::function<void()> answered);
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
