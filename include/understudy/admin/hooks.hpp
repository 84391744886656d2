#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/telemetry/events.hpp>
#include <understudy/telemetry/story_book.hpp>

namespace understudy::admin {

struct reload_result {
  bool is_accepted = false;
  std::string findings;  ///< one a line, may be empty
};

/// Something an operator did, or was refused.
struct audit_entry {
  std::string client;  ///< address
  std::string action;  ///< `eject`, `uneject`, `drain`, `reload`
  std::string target;  ///< `ROUTE/BACKEND/ADDRESS`; empty: the process
  int status = 0;      ///< of the answer
};

/// All that the admin listener asks of the rest; called on the control thread. A function that is
/// absent makes its path 404.
struct hooks {
  std::function<bool()> is_ready;
  std::function<std::string()> status_json;
  std::function<std::string()> config_json;
  std::function<std::string(bool is_openmetrics)> metrics;
  std::function<std::vector<telemetry::request_story>(const telemetry::story_filter&)> stories;
  std::function<std::optional<telemetry::request_story>(std::string_view id)> story;
  std::size_t kept_stories = 0;
  std::function<void()> drain;
  std::function<reload_result()> reload;
  /// False where there is no such endpoint. `address` is as /status shows it.
  std::function<bool(const std::string& route, const std::string& backend,
                     const std::string& address, bool is_eject)>
      set_ejected;
  /// Told of every action asked for, also of those that were refused.
  std::function<void(const audit_entry&)> audit;
  telemetry::event_ring* events = nullptr;  ///< outlives the server
};

}  // namespace understudy::admin
