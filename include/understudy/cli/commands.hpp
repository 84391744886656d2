#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <understudy/config/findings.hpp>
#include <understudy/daemon/server.hpp>
#include <understudy/plan/compile.hpp>

namespace understudy::cli {

/// The flags of `run` and `demo` as they were written; checked by to_options().
struct run_flags {
  std::vector<std::string> configuration;
  std::vector<std::string> listen;
  std::string admin = "127.0.0.1:1064";
  std::string admin_token;
  unsigned workers = 0;  ///< 0: as many as CPUs may be used
  std::string log_level = "info";
  std::string log_format;         ///< empty: text on a terminal, else json
  std::string access_log;         ///< `-`, `off` or a file; empty: as configured, else `-`
  std::string access_log_format;  ///< `json`, `text` or a format string
  std::string drain_timeout = "30s";
  std::string request_memory;  ///< a quantity; empty: half of what this process may use
  std::vector<std::string> resolve;
  bool is_lenient = false;
  bool is_watching = true;
};

struct simulate_flags {
  std::vector<std::string> configuration;
  std::string scenario;
  std::string output = "text";  ///< text, json or html
  bool is_lenient = false;
};

/// A flag that cannot be understood; names the flag.
struct usage_error {
  std::string message;
};

/// Throws usage_error.
daemon::options to_options(const run_flags& flags);

/// Loads, cross-checks and compiles. With no paths: the environment's providers.
struct loaded {
  plan::compile_result result;
  std::vector<config::finding> findings;  ///< of both steps, in the order of the files
  std::vector<std::string> files;         ///< everything that was read
  bool has_nothing = false;               ///< no path was given and no provider has a key
};
loaded load_configuration(const std::vector<std::string>& paths, bool is_lenient);

int run_command(const run_flags& flags);
int demo_command(run_flags flags);
int validate_command(const std::vector<std::string>& paths, bool is_lenient, bool is_json);
/// 1: the configuration or the scenario is refused; 3: an expectation does not hold.
int simulate_command(const simulate_flags& flags);
int version_command();
/// `path` is `/health` or `/ready`.
int healthcheck_command(const std::string& admin, const std::string& token,
                        const std::string& path);

std::optional<std::string> environment_variable(const std::string& name);

}  // namespace understudy::cli
