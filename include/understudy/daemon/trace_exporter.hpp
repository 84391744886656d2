#pragma once
#include <chrono>
#include <memory>
#include <string>

#include <understudy/base/result.hpp>
#include <understudy/telemetry/exposition.hpp>
#include <understudy/trace/tracer.hpp>

namespace understudy::daemon {

/// Takes spans from the workers to the collector and to standard output, on a thread and with
/// connections of its own: a collector that is slow, dead or gone from DNS holds nobody up. What
/// it does not take in time is dropped and counted. Public functions: from any thread.
class trace_exporter {
 public:
  /// The error is one line for people: the endpoint is no URL.
  static base::result<std::unique_ptr<trace_exporter>, std::string> start(
      std::shared_ptr<const trace::settings> by);
  ~trace_exporter();
  trace_exporter(const trace_exporter&) = delete;
  trace_exporter& operator=(const trace_exporter&) = delete;

  /// For one worker; must not outlive this.
  std::unique_ptr<trace::tracer> make_tracer(std::uint64_t seed);
  /// Sends what is queued, each batch once, and ends the thread; after `limit` the rest is dropped.
  void finish(std::chrono::milliseconds limit);
  void expose(telemetry::exposition& out) const;
  /// `traces go to http://collector:4318 …`, without keys.
  std::string describe() const;

 private:
  struct impl;
  explicit trace_exporter(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

}  // namespace understudy::daemon
