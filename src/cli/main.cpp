#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include <understudy/cli/commands.hpp>

namespace {

using understudy::cli::run_flags;
using understudy::cli::simulate_flags;

/// The flags of `run`; each has an environment variable of its own (spec/interface.md).
void add_run_flags(CLI::App& app, run_flags& flags) {
  app.add_option("--listen", flags.listen, "[NAME=]ADDR:PORT: where a listener binds instead")
      ->envname("UNDERSTUDY_LISTEN")
      ->take_all();
  app.add_option("--admin", flags.admin, "ADDR:PORT of the admin listener, or off")
      ->envname("UNDERSTUDY_ADMIN")
      ->capture_default_str();
  app.add_option("--admin-token", flags.admin_token,
                 "bearer token of the admin listener; required off loopback")
      ->envname("UNDERSTUDY_ADMIN_TOKEN");
  app.add_option("--workers", flags.workers, "event loops, one thread each; default: usable CPUs")
      ->envname("UNDERSTUDY_WORKERS")
      ->check(CLI::Range(1U, 1024U));
  app.add_option("--log-level", flags.log_level,
                 "trace, debug, info, warn, error or off; `info,net=debug` for a room")
      ->envname("UNDERSTUDY_LOG_LEVEL")
      ->capture_default_str();
  app.add_option("--log-format", flags.log_format,
                 "text or json; default: text on a terminal, else json")
      ->envname("UNDERSTUDY_LOG_FORMAT");
  app.add_option("--access-log", flags.access_log,
                 "- (standard output), off, or a file (SIGUSR1 opens it anew); default: as "
                 "EnvoyProxy says, else -")
      ->envname("UNDERSTUDY_ACCESS_LOG");
  app.add_option("--access-log-format", flags.access_log_format,
                 "json, text, or a line with Envoy's commands, as \"%START_TIME% "
                 "%RESPONSE_CODE%\"")
      ->envname("UNDERSTUDY_ACCESS_LOG_FORMAT");
  app.add_option("--drain-timeout", flags.drain_timeout,
                 "how long open requests may finish after SIGTERM")
      ->envname("UNDERSTUDY_DRAIN_TIMEOUT")
      ->capture_default_str();
  app.add_option("--resolve", flags.resolve, "HOST:PORT=ADDR:PORT: connect there instead")
      ->envname("UNDERSTUDY_RESOLVE")
      ->take_all();
  app.add_flag("--lenient", flags.is_lenient, "an unknown field is a warning");
  app.add_flag("--watch,!--no-watch", flags.is_watching,
               "reload when a configuration file changes (default)")
      ->envname("UNDERSTUDY_WATCH");
}

int dispatch(int argc, char** argv) {
  CLI::App app{"understudy: keeps LLM applications up when a provider goes down"};
  app.set_version_flag("--version", "understudy " UNDERSTUDY_VERSION);

  run_flags flags;
  auto* run = app.add_subcommand("run", "run the proxy on YAML files or folders");
  run->add_option("CONFIG", flags.configuration,
                  "files or folders; none: providers from the environment");
  add_run_flags(*run, flags);

  auto* demo = app.add_subcommand("demo", "see failover with simulated providers");
  add_run_flags(*demo, flags);

  std::vector<std::string> paths;
  std::string output = "text";
  bool is_lenient = false;
  auto* validate = app.add_subcommand("validate", "check a configuration; opens nothing");
  validate->add_option("CONFIG", paths, "files or folders")->required();
  validate->add_option("--output", output, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  validate->add_flag("--lenient", is_lenient, "an unknown field is a warning");

  simulate_flags simulated;
  auto* simulate = app.add_subcommand("simulate", "play a fault schedule against a configuration");
  simulate->add_option("CONFIG", simulated.configuration, "files or folders")->required();
  simulate->add_option("--scenario", simulated.scenario, "load, faults and expectations (YAML)")
      ->required();
  simulate->add_option("--output", simulated.output, "text, json or html")
      ->check(CLI::IsMember({"text", "json", "html"}))
      ->capture_default_str();
  simulate->add_flag("--lenient", simulated.is_lenient, "an unknown field is a warning");

  auto* version = app.add_subcommand("version", "versions of understudy and its libraries");

  std::string admin = "127.0.0.1:1064";
  std::string token;
  auto* health = app.add_subcommand("healthcheck", "ask a running process; exit status 0: healthy");
  health->add_option("--admin", admin, "ADDR:PORT of its admin listener")
      ->envname("UNDERSTUDY_ADMIN")
      ->capture_default_str();
  health->add_option("--admin-token", token)->envname("UNDERSTUDY_ADMIN_TOKEN");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    app.exit(e);
    return 2;
  }
  using namespace understudy::cli;
  if (*run) return run_command(flags);
  if (*demo) return demo_command(flags);
  if (*validate) return validate_command(paths, is_lenient, output == "json");
  if (*simulate) return simulate_command(simulated);
  if (*health) return healthcheck_command(admin, token);
  if (*version) return version_command();
  std::cerr << "understudy: no command was given\n\n" << app.help();
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return dispatch(argc, argv);
  } catch (const understudy::cli::usage_error& e) {
    std::cerr << "understudy: " << e.message << '\n';
    return 2;
  } catch (const std::exception& e) {
    std::cerr << "understudy: " << e.what() << '\n';
    return 1;
  }
}
