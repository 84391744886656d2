#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/resilience/cluster.hpp>
#include <understudy/telemetry/access_log.hpp>
#include <understudy/telemetry/events.hpp>
#include <understudy/telemetry/exchange_metrics.hpp>
#include <understudy/telemetry/fd_writer.hpp>
#include <understudy/telemetry/story_book.hpp>
#include <understudy/telemetry/worker_counters.hpp>

namespace understudy::telemetry {

struct hub_options {
  int access_log_fd = 1;  ///< -1: no access log
  log_format access_log_format = log_format::json;
  base::wall_time started{};
  std::size_t stories = 0;  ///< requests whose story is kept
};

/// The gauges of one endpoint at the moment of a scrape.
struct endpoint_gauge {
  std::string route, backend, address;
  std::uint32_t priority = 0;
  bool is_ejected = false;
  std::uint32_t active_requests = 0;
  bool is_check_failed = false;
};

class hub;

/// The hot path of one worker: counts and one access-log line an exchange, without allocation in
/// the steady state. All but the counters' reading belongs to that worker's thread.
class worker_sink {
 public:
  explicit worker_sink(hub& owner);

  void on_exchange(const exchange_record& record);
  /// From the worker's tick, about every 100 ms: hands the lines over.
  void flush();
  worker_counters& counters() { return counters_; }
  /// Null where no stories are kept.
  story_ring* stories() { return stories_; }

 private:
  friend class hub;
  static constexpr std::size_t flush_bytes = 64U * 1024;
  static constexpr int max_failover_events_per_second = 5;

  void tell_failover(const exchange_record& record);

  hub& hub_;
  worker_counters counters_;
  mutable std::mutex mutex_;  ///< around metrics_; a scrape holds it while it copies
  exchange_metrics metrics_;
  access_log access_log_;
  std::string lines_;
  story_ring* stories_ = nullptr;
  std::int64_t failover_second_ = 0;
  int failover_events_ = 0;
};

/// Everything the process knows about itself. Thread-safe. Outlives its workers.
class hub {
 public:
  explicit hub(const hub_options& options);
  ~hub();
  hub(const hub&) = delete;
  hub& operator=(const hub&) = delete;

  /// A sink that lives as long as the hub. Counts survive a reload.
  worker_sink& add_worker();

  /// One clear log line, a count and an event. Call it outside the cluster's mutex.
  void on_health_event(std::string_view route, std::string_view backend, std::uint32_t priority,
                       const resilience::health_event& what);
  void on_reload(bool is_accepted, std::string_view message);
  void on_drain(std::string_view message);
  /// Any other event worth showing; logged at info.
  void tell(event_kind kind, std::string message);

  /// Who fills the per-endpoint gauges of a scrape. Set before the first scrape.
  using endpoint_source = std::function<void(std::vector<endpoint_gauge>&)>;
  void set_endpoint_source(endpoint_source source) { endpoint_source_ = std::move(source); }

  /// The metrics page.
  std::string scrape(bool is_openmetrics) const;
  /// A JSON object for /status: totals, and for every route its requests, failovers, latencies
  /// and attempts by backend and outcome.
  std::string summary_json() const;

  const story_book& stories() const { return stories_; }
  event_ring& events() { return events_; }
  const event_ring& events() const { return events_; }

 private:
  friend class worker_sink;
  using health_key = std::tuple<std::string, std::string, std::string>;

  exchange_metrics merged() const;
  std::int64_t sum(owned_counter worker_counters::*member) const;
  void expose_connections(exposition& out) const;
  void expose_health(exposition& out) const;

  hub_options options_;
  endpoint_source endpoint_source_;
  fd_writer access_log_;
  event_ring events_;
  story_book stories_;
  mutable std::mutex mutex_;  ///< around all below
  std::vector<std::unique_ptr<worker_sink>> workers_;
  std::map<health_key, std::uint64_t> ejections_;          ///< route, backend, detector
  std::map<health_key, std::uint64_t> ejections_refused_;  ///< route, backend, detector
  std::map<std::pair<std::string, std::string>, std::uint64_t> returns_;
  std::map<health_key, std::uint64_t> check_changes_;  ///< route, backend, passed or failed
  std::uint64_t reloads_accepted_ = 0, reloads_refused_ = 0;
};

}  // namespace understudy::telemetry
