#include <sys/resource.h>

#include <cstdio>
#include <iostream>
#include <set>
#include <utility>

#include <understudy/base/wipe.hpp>
#include <understudy/cli/commands.hpp>
#include <understudy/config/environment.hpp>
#include <understudy/config/load.hpp>
#include <understudy/daemon/memory.hpp>
#include <understudy/telemetry/log.hpp>

namespace understudy::cli {
namespace log = telemetry::log;

loaded load_configuration(const std::vector<std::string>& paths, bool is_lenient) {
  config::load_options options;
  options.is_lenient = is_lenient;
  options.environment = environment_variable;
  config::load_result read;
  loaded all;
  if (paths.empty()) {
    const auto made = config::environment_configuration(environment_variable);
    all.has_nothing = !made;
    if (!made) return all;
    read = config::load_texts({*made}, options);
  } else {
    read = config::load_paths(paths, options);
  }
  const auto created = std::chrono::floor<std::chrono::seconds>(base::wall_now());
  all.findings = std::move(read.findings);
  all.files = std::move(read.files);
  all.result = plan::compile(*read.loaded, created.time_since_epoch().count());
  for (const auto& f : all.result.findings) all.findings.push_back(f);
  if (config::has_error(all.findings)) all.result.compiled.reset();
  all.result.findings = all.findings;
  return all;
}

namespace {

void log_findings(const std::vector<config::finding>& findings) {
  for (const auto& f : findings) {
    const std::string text = to_text(f);
    switch (f.level) {
      case config::severity::error:
        log::error("config", text);
        break;
      case config::severity::warning:
        log::warning("config", text);
        break;
      case config::severity::info:
        log::info("config", text);
        break;
    }
  }
}

/// `serving 2 routes over 3 backends`
std::string summary_of(const plan::plan& plan) {
  std::size_t rules = 0;
  std::set<std::string> backends;
  for (const auto& route : plan.routes)
    for (const auto& rule : route.rules) {
      ++rules;
      for (const auto& backend : rule.backends)
        backends.insert(backend.backend_namespace + "/" + backend.name);
    }
  const auto count = [](std::size_t n, const std::string& what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
  };
  return "serving " + count(plan.routes.size(), "route") + " with " + count(rules, "rule") +
         " over " + count(backends.size(), "backend");
}

/// A folder among the paths is watched too: a file may come or go.
std::vector<std::string> with_folders(const run_flags& flags, std::vector<std::string> files) {
  files.insert(files.end(), flags.configuration.begin(), flags.configuration.end());
  return files;
}

/// Connections are descriptors: as many as the system lets us have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int run_command(const run_flags& flags) {
  base::wipe_all_freed_memory();  // this thread reads configurations and carries no traffic
  auto options = to_options(flags);
  auto all = load_configuration(flags.configuration, flags.is_lenient);
  if (all.has_nothing) {
    std::cerr << "understudy run: no configuration was given and no provider has a key in the "
                 "environment (OPENAI_API_KEY, ANTHROPIC_API_KEY, AZURE_OPENAI_API_KEY with "
                 "AZURE_OPENAI_ENDPOINT, AWS credentials with AWS_REGION). To see failover without "
                 "an account, run `understudy demo`.\n";
    return 1;
  }
  if (!all.result.compiled) {
    for (const auto& f : all.findings)
      if (f.level != config::severity::info) std::cerr << to_text(f) << '\n';
    return 1;
  }
  log_findings(all.findings);
  raise_descriptor_limit();
  daemon::keep_freed_memory();
  options.load = [flags] {
    auto again = load_configuration(flags.configuration, flags.is_lenient);
    return daemon::loaded_configuration{std::move(again.result),
                                        with_folders(flags, std::move(again.files))};
  };
  if (flags.is_watching && !flags.configuration.empty())
    options.watched = with_folders(flags, std::move(all.files));
  // Of the plan itself nothing is kept: it holds secrets, and a reload is to forget them.
  std::vector<std::pair<std::string, std::string>> listeners;
  for (const auto& l : all.result.compiled->listeners)
    listeners.emplace_back(l.name, l.certificates.empty() ? "http" : "https");
  options.on_ready = [listeners = std::move(listeners), summary = summary_of(*all.result.compiled),
                      workers = std::to_string(options.workers)](
                         const std::vector<std::string>& listening, const std::string& admin) {
    for (std::size_t i = 0; i < listening.size(); ++i)
      log::info("daemon", "listening on " + listening[i],
                {{"listener", listeners[i].first}, {"protocol", listeners[i].second}});
    if (!admin.empty()) log::info("daemon", "admin on http://" + admin);
    log::info("daemon", summary, {{"workers", workers}});
    daemon::forget_start();
  };
  // Moved: the first plan, and what is secret in it, lives no longer than it is needed.
  daemon::server server{std::move(options), std::move(all.result.compiled)};
  if (auto bound = server.bind(); !bound) {
    std::cerr << "understudy run: " << bound.error() << '\n';
    return 1;
  }
  return server.run();
}

int validate_command(const std::vector<std::string>& paths, bool is_lenient, bool is_json) {
  const auto all = load_configuration(paths, is_lenient);
  if (is_json) {
    std::cout << config::to_json(all.findings) << '\n';
  } else {
    for (const auto& f : all.findings) std::cerr << to_text(f) << '\n';
  }
  return config::has_error(all.findings) ? 1 : 0;
}

}  // namespace understudy::cli
