#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/resilience/cluster.hpp>
#include <understudy/telemetry/access_log.hpp>
#include <understudy/telemetry/events.hpp>
#include <understudy/telemetry/exchange_metrics.hpp>
#include <understudy/telemetry/genai_metrics.hpp>
#include <understudy/telemetry/log_output.hpp>
#include <understudy/telemetry/story_book.hpp>
#include <understudy/telemetry/worker_counters.hpp>

namespace understudy::telemetry {

struct hub_options {
  int access_log_fd = 1;  ///< where lines go that nobody sends elsewhere; -1: no access log
  log_format access_log_format = log_format::json;
  /// Written by hand: wins over the configuration's.
  std::optional<std::vector<plan::access_log>> access_logs;
  base::wall_time started{};
  std::size_t stories = 0;  ///< requests whose story is kept
  /// Header fields that are labels of the GenAI metrics, and that are in a line.
  header_attributes metric_attributes, log_attributes;
};

/// The gauges of one endpoint at the moment of a scrape.
struct endpoint_gauge {
  std::string route, backend, address;
  std::uint32_t priority = 0;
  bool is_ejected = false;
  std::uint32_t active_requests = 0;
  bool is_check_failed = false;
};

/// How requests are shared between the priorities of a rule.
struct priority_gauge {
  std::string route, rule;
  std::uint32_t priority = 0;
  std::uint32_t percent = 0;
};

/// What runs at once under a rule.
struct rule_gauge {
  std::string route, rule;
  std::uint32_t attempts = 0, retries = 0, max_retries = 0, hedges = 0;
  std::uint32_t connections = 0, pending = 0;
};

struct runtime_gauges {
  std::vector<endpoint_gauge> endpoints;
  std::vector<priority_gauge> priorities;
  std::vector<rule_gauge> rules;
};

class hub;

/// The hot path of one worker: counts and one access-log line an exchange, without allocation in
/// the steady state. All but the counters' reading belongs to that worker's thread.
class worker_sink {
 public:
  explicit worker_sink(hub& owner);

  void on_exchange(const exchange_record& record);
  /// Copies those fields of an answer into the record that the access log prints; ordinarily none.
  void keep_response_fields(exchange_record& record, const codec::field_list& fields) const {
    if (!wanted_fields_.empty()) copy_response_fields(record, fields);
  }
  /// From the worker's tick, about every 100 ms: hands the lines over.
  void flush();
  worker_counters& counters() { return counters_; }
  /// Null where no stories are kept.
  story_ring* stories() { return stories_; }

 private:
  friend class hub;
  static constexpr std::size_t flush_bytes = 64U * 1024;
  static constexpr int max_failover_events_per_second = 5;

  /// Lines on their way to one output.
  struct pending_log {
    std::shared_ptr<log_output> to;
    std::size_t first_field = 0;  ///< of its response fields among the record's
    std::string lines;
  };

  void tell_failover(const exchange_record& record);
  void log(const exchange_record& record);
  void take_logs();
  void adopt_logs();
  void copy_response_fields(exchange_record& record, const codec::field_list& fields) const;

  hub& hub_;
  worker_counters counters_;
  mutable std::mutex mutex_;  ///< around metrics_; a scrape holds it while it copies
  exchange_metrics metrics_;
  genai_metrics genai_;
  access_log access_log_;
  std::vector<pending_log> logs_;
  std::vector<std::string> wanted_fields_;
  std::uint64_t logs_generation_ = 0;
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

  /// What of a plan acts here: its access logs. At start and after a reload.
  void configure(const plan::plan& configuration);
  /// Opens the access log's files anew, after they were moved away.
  void reopen_logs();

  /// One clear log line, a count and an event. Call it outside the cluster's mutex.
  void on_health_event(std::string_view route, std::string_view backend, std::uint32_t priority,
                       const resilience::health_event& what);
  void on_reload(bool is_accepted, std::string_view message);
  void on_drain(std::string_view message);
  /// Any other event worth showing; logged at info.
  void tell(event_kind kind, std::string message);

  /// Who fills the gauges of a scrape. Set before the first scrape.
  using gauge_source = std::function<void(runtime_gauges&)>;
  void set_gauge_source(gauge_source source) { gauge_source_ = std::move(source); }

  /// Adds families of other rooms to the page. Set before the first scrape.
  using family_source = std::function<void(exposition&)>;
  void set_family_source(family_source source) { family_source_ = std::move(source); }

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

  using logs = std::vector<std::shared_ptr<log_output>>;

  void set_logs(logs wanted);
  exchange_metrics merged() const;
  genai_metrics merged_genai() const;
  std::int64_t sum(owned_counter worker_counters::*member) const;
  void expose_connections(exposition& out) const;
  void expose_health(exposition& out) const;
  void expose_gauges(exposition& out) const;

  hub_options options_;
  gauge_source gauge_source_;
  family_source family_source_;
  event_ring events_;
  story_book stories_;
  mutable std::mutex mutex_;  ///< around all below
  std::vector<std::unique_ptr<worker_sink>> workers_;
  std::map<health_key, std::uint64_t> ejections_;          ///< route, backend, detector
  std::map<health_key, std::uint64_t> ejections_refused_;  ///< route, backend, detector
  std::map<std::pair<std::string, std::string>, std::uint64_t> returns_;
  std::map<health_key, std::uint64_t> check_changes_;  ///< route, backend, passed or failed
  std::uint64_t reloads_accepted_ = 0, reloads_refused_ = 0;
  logs logs_;
  /// configure()'s alone.
  std::optional<std::vector<plan::access_log>> configured_logs_;
  std::atomic<std::uint64_t> logs_generation_{0};  ///< moves with logs_, under the mutex
};

}  // namespace understudy::telemetry
