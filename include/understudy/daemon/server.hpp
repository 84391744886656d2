#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <understudy/base/result.hpp>
#include <understudy/net/name_resolver.hpp>
#include <understudy/plan/compile.hpp>
#include <understudy/telemetry/hub.hpp>
#include <understudy/trace/settings.hpp>

namespace understudy::daemon {

/// `[NAME=]ADDR:PORT`: where a listener binds instead; without a name the first one.
struct listen_override {
  std::string listener;
  std::string address;
  std::uint16_t port = 0;
};

struct admin_address {
  std::string host;  ///< an IP address
  std::uint16_t port = 0;
};

/// What a load of the user's files gave, and every file that was read for it.
struct loaded_configuration {
  plan::compile_result result;
  std::vector<std::string> files;
};

struct options {
  std::vector<listen_override> listen;
  std::optional<admin_address> admin;  ///< absent: off
  std::string admin_token;
  unsigned workers = 1;
  std::chrono::milliseconds drain_timeout{30'000};
  std::size_t request_memory = 0;  ///< bytes for request bodies; 0: half of usable_memory()
  net::resolve_overrides resolve;
  telemetry::hub_options telemetry;
  std::shared_ptr<const trace::settings> traces;  ///< null: off
  /// Reads the configuration anew for a reload; null: nothing to reload.
  std::function<loaded_configuration()> load;
  /// Files whose change reloads; empty: only SIGHUP and the admin listener do.
  std::vector<std::string> watched;
  /// Called once, when every listener serves: the addresses of the listeners and of the admin
  /// listener (empty: off).
  std::function<void(const std::vector<std::string>& listening, const std::string& admin)> on_ready;
};

/// The life of the process: listeners up, signals, reload, drain. One per process; run() uses the
/// calling thread for everything that is not traffic.
class server {
 public:
  server(options wanted, std::shared_ptr<const plan::plan> configuration);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  telemetry::hub& telemetry();

  /// Binds every socket. The error is one line for people.
  base::result<void, std::string> bind();
  /// Serves until a signal or drain() has ended it. 0 after a clean drain, 1 when connections had
  /// to be cut.
  int run();
  /// As SIGTERM; from any thread.
  void drain();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// CPUs this process may use: affinity and cgroup quota counted, at least 1.
unsigned usable_cpus();
/// Bytes that this process may use: the machine's memory and the cgroup's limit counted.
std::size_t usable_memory();

}  // namespace understudy::daemon
