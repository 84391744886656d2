#pragma once
#include <memory>
#include <string>

#include <understudy/base/random.hpp>
#include <understudy/credentials/store.hpp>
#include <understudy/net/exchange_state.hpp>
#include <understudy/net/timer_queue.hpp>
#include <understudy/net/upstream_pool.hpp>
#include <understudy/proxy/active_plan.hpp>
#include <understudy/telemetry/hub.hpp>
#include <understudy/trace/tracer.hpp>

namespace understudy::net {

/// What the exchanges of one worker share. One thread; the shell is cut here: `Net` gives streams,
/// the dialer and the resolver's view, the rest is the same on real and on simulated networks.
template <class Net>
struct worker_env {
  timer_queue& timers;
  base::random_source& random;
  telemetry::worker_sink& sink;
  proxy::health_observer& observer;
  const credentials::store& keys;
  typename Net::dialer& dialer;
  upstream_pool<Net>& pool;
  timer_queue::entry& flush;                         ///< hands the access log's lines over
  std::shared_ptr<const proxy::active_plan> active;  ///< for exchanges that begin now
  bool is_draining = false;
  /// While draining: how long an open connection may wait for one more request. A process that
  /// hands over is in no hurry, and a client that is about to ask does not know of it yet.
  base::time_point idle_until{};
  std::vector<std::unique_ptr<exchange_state>> spare_states{};
  trace::tracer* tracer = nullptr;  ///< null: tracing is off

  void log_exchange(const telemetry::exchange_record& record, base::time_point now) {
    static constexpr std::chrono::milliseconds flush_delay{100};
    sink.on_exchange(record);
    if (flush.deadline() == timer_queue::never) flush.arm(now + flush_delay);
  }

  std::unique_ptr<exchange_state> take_state() {
    if (spare_states.empty()) return std::make_unique<exchange_state>(timers);
    auto state = std::move(spare_states.back());
    spare_states.pop_back();
    return state;
  }
  void give_back(std::unique_ptr<exchange_state> state) {
    state->reset();
    if (spare_states.size() < 64) spare_states.push_back(std::move(state));
  }
};

}  // namespace understudy::net
