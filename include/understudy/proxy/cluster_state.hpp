#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <understudy/base/random.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/proxy/connection_gate.hpp>
#include <understudy/resilience/attempt_planner.hpp>
#include <understudy/resilience/cluster.hpp>

namespace understudy::proxy {

using base::time_point;

/// The shared runtime state of one rule: its health and its randomness behind one mutex, which is
/// held for a single decision and never across a wait. Thread-safe. Lives as long as an active
/// plan or an exchange names it.
class cluster_state {
 public:
  cluster_state(const plan::route& route, const plan::rule& rule, time_point start,
                std::uint64_t seed);

  /// Runs one decision on the pure cluster.
  template <class Decide>
  auto locked(Decide&& decide) {
    const std::scoped_lock lock{mutex_};
    return std::forward<Decide>(decide)(cluster_);
  }

  /// For attempt_planner, which is handed both under locked().
  resilience::cluster& unlocked_cluster() { return cluster_; }
  base::random_source& unlocked_random() { return random_; }
  std::mutex& mutex() { return mutex_; }
  /// Limits on connections; its own synchronisation.
  connection_gate& connections() { return connections_; }

  /// One resolved address of a backendRef and which of its `targets` it belongs to.
  struct host_entry {
    std::string address;
    std::size_t target = 0;
  };
  /// Replaces the addresses of one backendRef; those that stay keep their health.
  void set_hosts(std::uint32_t locality, const std::vector<host_entry>& hosts, time_point now);
  /// Empty address: the host has left.
  host_entry host(resilience::host_id id, std::uint32_t locality);

  /// Takes the place of `before`: what that knows of endpoints that both have, reached in the same
  /// way, is kept. Before set_hosts().
  void take_over(cluster_state& before);
  /// True when the rule of another plan may go on with this state.
  bool is_same(const plan::route& route, const plan::rule& rule) const;

  const resilience::cluster_params& params() const { return params_; }
  const std::string& route_name() const { return route_name_; }
  const std::string& rule_name() const { return rule_name_; }
  const std::vector<std::string>& backend_names() const { return backend_names_; }

 private:
  std::string route_name_;
  std::string rule_name_;
  /// What must not change under a connection that is kept.
  struct way {
    std::vector<plan::target> targets;
    std::optional<plan::upstream_tls> tls;
    bool operator==(const way&) const = default;
  };
  std::vector<std::string> backend_names_;
  std::vector<way> ways_;
  std::optional<plan::health_check> check_;
  resilience::cluster_params params_;
  connection_gate connections_;
  std::mutex mutex_;
  std::vector<std::map<std::string, std::size_t, std::less<>>> targets_;  ///< by locality
  base::seeded_random random_;
  resilience::cluster cluster_;
};

}  // namespace understudy::proxy
