#pragma once
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <understudy/config/documents.hpp>
#include <understudy/config/load.hpp>
#include <understudy/config/scenario.hpp>
#include <understudy/plan/compile.hpp>
#include <understudy/simulate/render.hpp>
#include <understudy/simulate/simulate.hpp>

namespace simulate_test {

namespace config = understudy::config;
namespace plan = understudy::plan;
namespace simulate = understudy::simulate;

inline const std::string source_folder = std::string{UNDERSTUDY_SOURCE_DIR} + "/";

inline std::string read(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// The plan of one text; every key of the environment is set.
inline std::shared_ptr<const plan::plan> compile(const std::string& name, const std::string& text) {
  config::load_options options;
  options.environment = [](const std::string& variable) -> std::optional<std::string> {
    if (variable.find("_KEY") != variable.npos) return "k";
    return std::nullopt;
  };
  const auto loaded = config::load_texts({{name, text}}, options);
  return plan::compile(*loaded.loaded, 0).compiled;
}

struct played {
  std::shared_ptr<const config::scenario> scenario;  ///< owns what the report points to
  std::optional<simulate::report> story;
  std::vector<std::string> told;
};

inline played play_text(const std::string& name, const std::string& configuration,
                        const std::string& scenario_name, const std::string& scenario) {
  played out;
  const auto compiled = compile(name, configuration);
  auto read_scenario = config::load_scenario({scenario_name, scenario});
  for (const auto& f : read_scenario.findings) out.told.push_back(to_text(f));
  out.scenario = read_scenario.loaded;
  if (!compiled || !out.scenario) return out;
  auto result = simulate::run(*compiled, *out.scenario, {name});
  for (const auto& f : result.findings) out.told.push_back(to_text(f));
  out.story = std::move(result.story);
  return out;
}

/// Files below the repository's root.
inline played play_files(const std::string& configuration, const std::string& scenario) {
  return play_text(configuration, read(source_folder + configuration), scenario,
                   read(source_folder + scenario));
}

}  // namespace simulate_test
