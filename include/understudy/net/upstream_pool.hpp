#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/net/connection.hpp>
#include <understudy/proxy/active_plan.hpp>
#include <understudy/telemetry/worker_counters.hpp>

namespace understudy::net {

/// Where one host of a cluster is reached from one worker, and its idle connections, the most
/// recently used first. A pooled connection keeps a read pending: a FIN or a stray byte removes it
/// at once. `Net::address` is what the dialer needs.
template <class Net>
class upstream_endpoint final : public connection<typename Net::stream>::watcher {
 public:
  using stream_connection = connection<typename Net::stream>;

  upstream_endpoint(typename Net::address where, std::size_t target,
                    telemetry::worker_counters& counters)
      : where_{std::move(where)}, target_{target}, counters_{counters} {}
  ~upstream_endpoint() { drain(); }

  typename Net::address& where() { return where_; }
  std::size_t target() const { return target_; }
  /// Changes when the pool is drained: a connection lent before that is not taken back.
  std::uint64_t epoch() const { return epoch_; }

  std::shared_ptr<stream_connection> take_idle() {
    while (!idle_.empty()) {
      auto taken = std::move(idle_.back().link);
      idle_.pop_back();
      counters_.upstream_connections_idle.subtract();
      taken->watch(nullptr);
      if (!taken->is_closed() && !taken->read_error() && taken->input().empty()) return taken;
      taken->close();
    }
    return nullptr;
  }

  void give_back(std::shared_ptr<stream_connection> link, base::time_point now) {
    if (idle_.size() >= max_idle || link->read_error() || !link->input().empty()) {
      link->close();
      return;
    }
    link->watch(this);
    link->start_read();
    idle_.push_back({std::move(link), now});
    counters_.upstream_connections_idle.add();
  }

  /// Closes what has been idle since before `oldest`.
  void close_idle_since(base::time_point oldest) {
    while (!idle_.empty() && idle_.front().since <= oldest) close_at(0);
  }

  void drain() {
    ++epoch_;
    while (!idle_.empty()) close_at(idle_.size() - 1);
  }

  void on_unawaited_read(stream_connection& c) override {
    for (std::size_t i = 0; i < idle_.size(); ++i)
      if (idle_[i].link.get() == &c) return close_at(i);
  }

 private:
  static constexpr std::size_t max_idle = 1024;
  struct idle_link {
    std::shared_ptr<stream_connection> link;
    base::time_point since;
  };

  void close_at(std::size_t index) {
    auto link = std::move(idle_[index].link);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(index));
    counters_.upstream_connections_idle.subtract();
    link->watch(nullptr);
    link->close();
  }

  typename Net::address where_;
  std::size_t target_;
  telemetry::worker_counters& counters_;
  std::vector<idle_link> idle_;
  std::uint64_t epoch_ = 0;
};

/// All endpoints that this worker has used, by cluster and host. One worker.
template <class Net>
class upstream_pool {
 public:
  using endpoint = upstream_endpoint<Net>;

  upstream_pool(typename Net::addresses& addresses, telemetry::worker_counters& counters)
      : addresses_{addresses}, counters_{counters} {}

  /// Null when the host has left the cluster meanwhile.
  std::shared_ptr<endpoint> find(const std::shared_ptr<proxy::cluster_state>& cluster,
                                 const plan::rule& rule, const resilience::pick& pick) {
    const key k{cluster.get(), pick.host};
    if (const auto known = endpoints_.find(k); known != endpoints_.end())
      return known->second.reached;
    const auto host = cluster->host(pick.host, pick.locality);
    if (host.address.empty()) return nullptr;
    auto made = std::make_shared<endpoint>(
        addresses_.address_of(rule.backends[pick.locality], host.target, host.address), host.target,
        counters_);
    endpoints_.emplace(k, entry{cluster, made});
    return made;
  }

  void drain(proxy::cluster_state& cluster, resilience::host_id host) {
    if (const auto at = endpoints_.find(key{&cluster, host}); at != endpoints_.end())
      at->second.reached->drain();
  }
  /// Forgets hosts that left; their connections close when their exchanges end.
  template <class Gone>
  void forget_hosts(Gone&& is_gone) {
    std::erase_if(endpoints_, [&](const auto& entry) {
      return is_gone(*entry.first.cluster, entry.first.host);
    });
  }
  /// Forgets whole clusters that `is_kept` does not know, after a reload.
  template <class Keep>
  void forget_clusters(Keep&& is_kept) {
    std::erase_if(endpoints_, [&](const auto& entry) { return !is_kept(entry.first.cluster); });
  }
  void close_idle_since(base::time_point oldest) {
    for (auto& [_, e] : endpoints_) e.reached->close_idle_since(oldest);
  }
  void drain_all() {
    for (auto& [_, e] : endpoints_) e.reached->drain();
  }

 private:
  struct key {
    proxy::cluster_state* cluster;
    resilience::host_id host;
    bool operator==(const key&) const = default;
  };
  struct entry {
    std::shared_ptr<proxy::cluster_state> cluster;  ///< the key stays valid
    std::shared_ptr<endpoint> reached;
  };
  struct key_hash {
    std::size_t operator()(const key& k) const {
      return std::hash<const void*>{}(k.cluster) * 31 + k.host;
    }
  };

  typename Net::addresses& addresses_;
  telemetry::worker_counters& counters_;
  std::unordered_map<key, entry, key_hash> endpoints_;
};

}  // namespace understudy::net
