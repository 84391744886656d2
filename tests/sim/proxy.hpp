#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <understudy/plan/plan.hpp>

#include "sim/ledger.hpp"

namespace sim {

/// What must be nothing once everything has ended.
struct remains {
  std::vector<std::pair<std::string, std::int64_t>> numbers;
};

/// One worker of the real proxy: session, race, relay, pool and health on the simulated network.
/// The only file that sees Asio and the templates.
class proxy {
 public:
  using connector =
      std::function<void(const std::string&, std::function<void(std::shared_ptr<wire>)>)>;

  /// `log_fd` takes the access log, JSON lines.
  proxy(std::shared_ptr<const understudy::plan::plan> plan, connector connect, ledger& book,
        std::uint64_t seed, int log_fd);
  ~proxy();

  void accept(std::shared_ptr<wire> from, const std::string& client_address);
  /// Runs `what` as a completion of the network would, then all that follows from it at this time.
  void run(const std::function<void()>& what);
  time_point next_timer() const;
  void run_timers();

  void reload();  ///< the same configuration anew
  void drain();
  void abort();
  std::size_t sessions() const;

  /// Closes pools and ends the worker's own errands; then says what is left. `retry_slots`: as
  /// many retries are to be had at a time (0: not known).
  remains finish(std::uint32_t retry_slots);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace sim
