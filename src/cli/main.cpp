#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include <understudy/cli/commands.hpp>
#include <understudy/cli/description.hpp>
#include <understudy/config/reference.hpp>

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
  app.add_option("--request-memory", flags.request_memory,
                 "what all request bodies may hold together, as 512Mi; default: half of the memory")
      ->envname("UNDERSTUDY_REQUEST_MEMORY");
  app.add_option("--resolve", flags.resolve, "HOST:PORT=ADDR:PORT: connect there instead")
      ->envname("UNDERSTUDY_RESOLVE")
      ->take_all();
  app.add_flag("--lenient", flags.is_lenient, "an unknown field is a warning");
  app.add_flag("--watch,!--no-watch", flags.is_watching,
               "reload when a configuration file changes (default)")
      ->envname("UNDERSTUDY_WATCH");
}

/// How values are called in the help, the manual page and completions; `a|b` are choices.
void name_values(CLI::App& app) {
  const std::pair<const char*, const char*> names[] = {
      {"--listen", "ADDR:PORT"},     {"--admin", "ADDR:PORT"},
      {"--admin-token", "TOKEN"},    {"--workers", "N"},
      {"--log-format", "text|json"}, {"--log-level", "trace|debug|info|warn|error|off"},
      {"--drain-timeout", "TIME"},   {"--resolve", "HOST:PORT=ADDR:PORT"},
      {"--scenario", "FILE"},
  };
  for (const auto& [option, name] : names)
    if (auto* found = app.get_option_no_throw(option)) found->type_name(name);
}

/// What the program says of itself: completions, the manual page, the kinds it reads.
struct self_commands {
  explicit self_commands(CLI::App& app) {
    completion = app.add_subcommand("completion", "print a completion script for a shell");
    completion->add_option("SHELL", shell, "the shell that reads it")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    manual = app.add_subcommand("man", "print the manual page, for man(1)");
    kinds = app.add_subcommand("kinds", "print every kind and field of the configuration");
    kinds->add_option("KIND", kind, "this one alone");
  }
  bool is_asked() const { return *completion || *manual || *kinds; }

  std::string shell, kind;
  CLI::App* completion = nullptr;
  CLI::App* manual = nullptr;
  CLI::App* kinds = nullptr;
};

int kinds_command(const std::string& kind) {
  const auto page = understudy::config::reference_page(kind);
  if (page.empty()) throw understudy::cli::usage_error{"kinds: no kind `" + kind + "` is read"};
  std::cout << page;
  return 0;
}

int self_command(const self_commands& which, const CLI::App& app) {
  using namespace understudy::cli;
  if (*which.kinds) return kinds_command(which.kind);
  const auto program = describe(app);
  if (*which.manual)
    std::cout << manual_page(program, UNDERSTUDY_VERSION);
  else if (which.shell == "bash")
    std::cout << bash_completion(program);
  else if (which.shell == "zsh")
    std::cout << zsh_completion(program);
  else
    std::cout << fish_completion(program);
  return 0;
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
  bool is_readiness = false;
  auto* health = app.add_subcommand("healthcheck", "ask a running process; exit status 0: healthy");
  health->add_option("--admin", admin, "ADDR:PORT of its admin listener")
      ->envname("UNDERSTUDY_ADMIN")
      ->capture_default_str();
  health->add_option("--admin-token", token, "bearer token of its admin listener")
      ->envname("UNDERSTUDY_ADMIN_TOKEN");
  health->add_flag("--ready", is_readiness, "ask whether it is ready for traffic and not draining");
  const self_commands self{app};
  for (auto* command : app.get_subcommands({})) name_values(*command);

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
  if (*health) return healthcheck_command(admin, token, is_readiness ? "/ready" : "/health");
  if (self.is_asked()) return self_command(self, app);
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
