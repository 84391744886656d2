#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <understudy/base/clock.hpp>
#include <understudy/net/cancel_scope.hpp>
#include <understudy/net/connection.hpp>
#include <understudy/net/sleeper.hpp>
#include <understudy/proxy/active_plan.hpp>
#include <understudy/telemetry/worker_counters.hpp>

namespace understudy::net {

/// A connection on loan, with what is known of its life.
template <class Link>
struct lent_connection {
  std::shared_ptr<Link> link;
  std::uint32_t requests = 0;  ///< it has carried so far, this one included
  base::time_point born{};
};

/// What a request without a connection is told.
enum class admission : std::uint8_t {
  reused,   ///< here is a connection
  dial,     ///< open one: the caller says dialed() or dial_failed()
  refused,  ///< maxPendingRequests
  failed,   ///< the connection it waited for could not be opened
  cancelled
};

/// Where one host of a cluster is reached from one worker, and its idle connections, the most
/// recently used first. A pooled connection keeps a read pending: a FIN or a stray byte removes it
/// at once. `Net::address` is what the dialer needs. Requests beyond the connection limits wait
/// here, first come first served; the limits are the cluster's, the queue is the worker's.
template <class Net>
class upstream_endpoint final : public connection<typename Net::stream>::watcher {
 public:
  using stream_connection = connection<typename Net::stream>;
  using lent = lent_connection<stream_connection>;

  upstream_endpoint(typename Net::address where, std::size_t target,
                    telemetry::worker_counters& counters,
                    std::shared_ptr<proxy::cluster_state> cluster, resilience::host_id host,
                    std::optional<base::duration> longest_life, std::string name = {})
      : where_{std::move(where)},
        name_{std::move(name)},
        target_{target},
        counters_{counters},
        cluster_{std::move(cluster)},
        counts_{gate().of(host)},
        longest_life_{longest_life} {}
  ~upstream_endpoint() { drain(); }

  typename Net::address& where() { return where_; }
  /// Its address as /status and the access log show it.
  const std::string& name() const { return name_; }
  std::size_t target() const { return target_; }
  /// Changes when the pool is drained: a connection lent before that is not taken back.
  std::uint64_t epoch() const { return epoch_; }

  /// An idle connection, or nothing.
  lent take_idle(base::time_point now) {
    while (!idle_.empty()) {
      auto taken = std::move(idle_.back());
      idle_.pop_back();
      counters_.upstream_connections_idle.subtract();
      auto& link = taken.lent.link;
      link->watch(nullptr);
      if (!link->is_closed() && !link->read_error() && link->input().empty() &&
          !is_too_old(taken.lent, now)) {
        ++taken.lent.requests;
        return std::move(taken.lent);
      }
      link->close();
      closed();
    }
    return {};
  }

  /// What a request without an idle connection does. Waits only while the limits say so.
  awaitable<admission> admit(timer_queue& timers, cancel_scope& scope, lent& out) {
    if (!gate().try_pending()) co_return admission::refused;
    if (may_dial()) {
      ++links_;
      gate().opened(*counts_);
      co_return admission::dial;
    }
    waiter mine{timers};
    waiters_.push_back(&mine);
    {
      const cancel_scope::waiting wait{scope, mine.nap};
      co_await mine.nap.async_wait_until(timer_queue::never);
    }
    std::erase(waiters_, &mine);
    if (mine.news != admission::dial) gate().end_pending();
    if (scope.is_cancelled()) mine.give_up(*this);
    if (scope.is_cancelled()) co_return admission::cancelled;
    out = std::move(mine.given);
    co_return mine.news;
  }

  /// The connection of an admission `dial` stands; its first request is under way.
  lent dialed(std::shared_ptr<stream_connection> link, base::time_point now) {
    gate().end_pending();
    return {std::move(link), 1, now};
  }
  /// It does not. `fails_all`: whoever waits for a connection of this endpoint fails with it.
  void dial_failed(bool fails_all) {
    gate().end_pending();
    if (fails_all)
      while (!waiters_.empty()) wake(admission::failed);
    closed();
  }

  void give_back(lent back, base::time_point now) {
    auto& link = back.link;
    const auto most = gate().requests_per_connection();
    if (idle_.size() >= max_idle || link->read_error() || !link->input().empty() ||
        (most != 0 && back.requests >= most) || is_too_old(back, now)) {
      link->close();
      return closed();
    }
    if (!waiters_.empty()) {
      ++back.requests;
      waiters_.front()->given = std::move(back);
      return wake(admission::reused);
    }
    link->watch(this);
    link->start_read();
    idle_.push_back({std::move(back), now});
    counters_.upstream_connections_idle.add();
  }

  /// A lent connection has been closed.
  void closed() {
    --links_;
    gate().closed(*counts_);
    if (waiters_.empty() || !may_dial()) return;
    ++links_;
    gate().opened(*counts_);
    wake(admission::dial);
  }

  /// Closes what has been idle since before `oldest`, and what is too old.
  void close_idle_since(base::time_point oldest, base::time_point now) {
    while (!idle_.empty() && idle_.front().since <= oldest) close_at(0);
    for (std::size_t i = idle_.size(); i-- > 0;)
      if (is_too_old(idle_[i].lent, now)) close_at(i);
  }

  /// Since when the connection that has been idle for longest is; nothing where none is.
  std::optional<base::time_point> idle_since() const {
    if (idle_.empty()) return std::nullopt;
    return idle_.front().since;
  }
  void close_oldest_idle() { close_at(0); }

  void drain() {
    ++epoch_;
    while (!idle_.empty()) close_at(idle_.size() - 1);
  }

  void on_unawaited_read(stream_connection& c) override {
    for (std::size_t i = 0; i < idle_.size(); ++i)
      if (idle_[i].lent.link.get() == &c) return close_at(i);
  }

 private:
  static constexpr std::size_t max_idle = 1024;
  struct idle_link {
    upstream_endpoint::lent lent;
    base::time_point since;
  };
  struct waiter {
    explicit waiter(timer_queue& timers) : nap{timers} {}
    /// It was told something but has no use for it any more.
    void give_up(upstream_endpoint& from) {
      if (news == admission::reused) {
        given.link->close();
        from.closed();
      } else if (news == admission::dial) {
        from.dial_failed(false);
      }
    }
    sleeper nap;
    admission news = admission::cancelled;
    upstream_endpoint::lent given{};
  };

  proxy::connection_gate& gate() const { return cluster_->connections(); }
  /// A host with no connection always gets one, or it could never be tried.
  bool may_dial() const { return links_ == 0 || gate().may_connect(*counts_); }
  bool is_too_old(const lent& one, base::time_point now) const {
    return longest_life_ && now - one.born >= *longest_life_;
  }

  void wake(admission news) {
    waiter* first = waiters_.front();
    waiters_.erase(waiters_.begin());
    first->news = news;
    first->nap.wake();
  }

  void close_at(std::size_t index) {
    auto link = std::move(idle_[index].lent.link);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(index));
    counters_.upstream_connections_idle.subtract();
    link->watch(nullptr);
    link->close();
    closed();
  }

  typename Net::address where_;
  std::string name_;
  std::size_t target_;
  telemetry::worker_counters& counters_;
  std::shared_ptr<proxy::cluster_state> cluster_;
  std::shared_ptr<proxy::endpoint_connections> counts_;
  std::optional<base::duration> longest_life_;
  std::vector<idle_link> idle_;
  std::vector<waiter*> waiters_;  // in the order they came
  std::uint32_t links_ = 0;       // of this worker: idle, lent, being opened
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
    auto where = addresses_.address_of(rule.backends[pick.locality], host.target, host.address);
    if constexpr (requires { where.keepalive; }) where.keepalive = rule.keepalive;
    auto made =
        std::make_shared<endpoint>(std::move(where), host.target, counters_, cluster, pick.host,
                                   rule.timeouts.max_connection_duration, host.address);
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
  void close_idle_since(base::time_point oldest, base::time_point now) {
    for (auto& [_, e] : endpoints_) e.reached->close_idle_since(oldest, now);
  }
  /// Makes room where the process is short of descriptors. False: there is nothing to close.
  bool close_oldest_idle() {
    endpoint* oldest = nullptr;
    for (auto& [_, e] : endpoints_)
      if (e.reached->idle_since() && (!oldest || e.reached->idle_since() < oldest->idle_since()))
        oldest = e.reached.get();
    if (oldest != nullptr) oldest->close_oldest_idle();
    return oldest != nullptr;
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
