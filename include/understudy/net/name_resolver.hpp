#pragma once
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <understudy/net/dns_ttl.hpp>
#include <understudy/net/types.hpp>
#include <understudy/proxy/active_plan.hpp>

namespace understudy::net {

/// `HOST:PORT` → `ADDR:PORT`, as `--resolve` says it.
using resolve_overrides = std::map<std::string, std::string, std::less<>>;

/// Keeps the addresses of every cluster up to date. Runs on the control thread; no request ever
/// waits for DNS. All addresses of a name are endpoints, of the families that the rule wants; a
/// name that does not resolve is one endpoint that cannot be connected to; a failed refresh keeps
/// what was known (spec/resilience.md §5.3). Names are looked up again at the shortest
/// `dnsRefreshRate` of the rules that use them, or, where one respects TTLs, at that of the answer.
class name_resolver {
 public:
  name_resolver(asio::io_context& context, resolve_overrides overrides);

  /// Called after a look-up that failed or has recovered: name and reason, once a change.
  std::function<void(const std::string& name, const std::string& reason)> on_change;

  /// Takes over a plan: what needs no look-up is in place when this returns. `ready` is called
  /// once every name has been answered, one way or the other; at once when there is none.
  void activate(std::shared_ptr<const proxy::active_plan> active, std::function<void()> ready);
  /// Every name has been answered.
  bool is_ready() const;
  void stop();

 private:
  struct name_state {
    std::vector<asio::ip::address> v4, v6;
    bool is_known = false;  ///< an answer has come, good or bad
    bool is_failing = false;
    bool is_asked = false;  ///< a look-up is under way
    plan::milliseconds rate{30'000};
    bool respects_ttl = false;
    base::time_point next{};
  };

  void publish(const proxy::active_plan& active);
  void look_up(const std::string& name);
  void on_answer(const std::string& name, error_code ec,
                 asio::ip::basic_resolver<asio::ip::tcp, executor>::results_type results);
  void ask_ttl(const std::string& name);
  void refresh_later();
  std::vector<std::string> addresses_of(const plan::target& target, plan::ip_family family) const;
  bool needs_look_up(const plan::target& target) const;

  asio::io_context& context_;
  asio::ip::basic_resolver<asio::ip::tcp, executor> resolver_;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, executor>
      timer_;
  dns_ttl ttl_;
  resolve_overrides overrides_;
  std::shared_ptr<const proxy::active_plan> active_;
  std::map<std::string, name_state> names_;
  std::function<void()> ready_;
  bool is_stopped_ = false;
};

}  // namespace understudy::net
