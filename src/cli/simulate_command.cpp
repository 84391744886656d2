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

/// A simulation sends nothing: a key that is not set is no reason to refuse the configuration.
loaded load_without_keys(const simulate_flags& flags) {
  return load_configuration(flags.configuration, flags.is_lenient);
}

}  // namespace

int simulate_command(const simulate_flags& flags) {
  const auto configuration = load_without_keys(flags);
  const auto scenario = config::load_scenario_path(flags.scenario);
  print(configuration.findings);
  print(scenario.findings);
  if (!configuration.result.compiled || !scenario.loaded) return refused;
  const auto played =
      simulate::run(*configuration.result.compiled, *scenario.loaded, configuration.files);
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
