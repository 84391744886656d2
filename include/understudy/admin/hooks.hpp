#pragma once
#include <functional>
#include <string>

#include <understudy/telemetry/events.hpp>

namespace understudy::admin {

struct reload_result {
  bool is_accepted = false;
  std::string findings;  ///< one a line, may be empty
};

/// All that the admin listener asks of the rest; called on the control thread. A function that is
/// absent makes its path 404.
struct hooks {
  std::function<bool()> is_ready;
  std::function<std::string()> status_json;
  std::function<std::string()> config_json;
  std::function<std::string(bool is_openmetrics)> metrics;
  std::function<void()> drain;
  std::function<reload_result()> reload;
  /// False where there is no such endpoint. `address` is as /status shows it.
  std::function<bool(const std::string& route, const std::string& backend,
                     const std::string& address, bool is_eject)>
      set_ejected;
  telemetry::event_ring* events = nullptr;  ///< outlives the server
};

}  // namespace understudy::admin
