#pragma once
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <vector>

#include <understudy/base/random.hpp>
#include <understudy/net/socket_net.hpp>
#include <understudy/net/types.hpp>
#include <understudy/proxy/active_plan.hpp>
#include <understudy/proxy/exchange.hpp>

namespace understudy::net {

/// Active health checks of every cluster that has them (spec/resilience.md §4). Runs on the control
/// thread; the clusters say what is due and count, this asks the hosts: a connection of its own for
/// each check, with the addresses and TLS settings of the data path.
class health_prober {
 public:
  /// All three must outlive the prober; `observer` is told what a check has changed.
  health_prober(asio::io_context& context, proxy::health_observer& observer,
                base::random_source& random);
  ~health_prober();

  /// Takes over a plan. Checks under way end by themselves; their results still count.
  void activate(std::shared_ptr<const proxy::active_plan> active,
                std::shared_ptr<const tls_table> tls);
  /// Calls `ready` once every host of the active plan has had a result, at once where none has to.
  void wait_ready(std::function<void()> ready);
  void stop();

 private:
  struct probe;
  struct checked_cluster {
    std::shared_ptr<proxy::cluster_state> cluster;
    const plan::rule* rule;  ///< of active_
  };
  using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, executor>;

  void tick();
  void begin(const checked_cluster& of, const resilience::due_check& due);
  void finish(probe& done, resilience::check_result result);
  void tell_if_ready();

  asio::io_context& context_;
  proxy::health_observer& observer_;
  base::random_source& random_;
  timer timer_;
  std::shared_ptr<const proxy::active_plan> active_;
  socket_addresses addresses_{nullptr};
  std::vector<checked_cluster> checked_;
  std::vector<std::weak_ptr<probe>> running_;
  std::function<void()> ready_;
  bool is_stopped_ = false;
};

}  // namespace understudy::net
