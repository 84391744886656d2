#include <unistd.h>

#include <iostream>

#include <understudy/cli/commands.hpp>
#include <understudy/config/scenario.hpp>
#include <understudy/simulate/render.hpp>
#include <understudy/simulate/simulate.hpp>

namespace understudy::cli {
namespace {

constexpr int refused = 1;
constexpr int expectation_failed = 3;

void print(const std::vector<config::finding>& findings) {
  for (const auto& f : findings)
    if (f.level != config::severity::info) std::cerr << to_text(f) << '\n';
}

bool is_coloured() {
  const auto no_color = environment_variable("NO_COLOR");
  return (!no_color || no_color->empty()) && ::isatty(STDOUT_FILENO) == 1;
}

struct read_configuration {
  plan::compile_result compiled;
  std::vector<config::finding> findings;
  std::vector<std::string> files;
};

/// Nothing is sent anywhere: a key that is not set is no reason to refuse the configuration.
std::optional<std::string> variable_or_stand_in(const std::string& name) {
  if (auto value = environment_variable(name)) return value;
  for (const auto* word : {"KEY", "TOKEN", "SECRET", "PASSWORD"})
    if (name.find(word) != name.npos) return "not-set";
  return std::nullopt;
}

read_configuration load(const simulate_flags& flags) {
  config::load_options options;
  options.is_lenient = flags.is_lenient;
  options.environment = variable_or_stand_in;
  auto read = config::load_paths(flags.configuration, options);
  read_configuration all;
  all.compiled = plan::compile(*read.loaded, 0);
  all.findings = std::move(read.findings);
  for (const auto& f : all.compiled.findings) all.findings.push_back(f);
  if (config::has_error(all.findings)) all.compiled.compiled.reset();
  all.files = std::move(read.files);
  return all;
}

}  // namespace

int simulate_command(const simulate_flags& flags) {
  const auto configuration = load(flags);
  const auto scenario = config::load_scenario_path(flags.scenario);
  print(configuration.findings);
  print(scenario.findings);
  if (!configuration.compiled.compiled || !scenario.loaded) return refused;
  const auto played =
      simulate::run(*configuration.compiled.compiled, *scenario.loaded, configuration.files);
  print(played.findings);
  if (!played.story) return refused;
  if (flags.output == "json")
    std::cout << simulate::to_json(*played.story) << '\n';
  else if (flags.output == "html")
    std::cout << simulate::to_html(*played.story);
  else
    std::cout << simulate::to_text(*played.story, is_coloured());
  return played.story->is_met() ? 0 : expectation_failed;
}

}  // namespace understudy::cli
