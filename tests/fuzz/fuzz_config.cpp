// Any text is loaded into findings, never into a crash; a plan exists only without errors.
#include <understudy/config/findings.hpp>
#include <understudy/config/load.hpp>
#include <understudy/plan/compile.hpp>

#include "fuzz.hpp"

namespace config = understudy::config;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  config::load_options options;
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "SET") return "value";
    return std::nullopt;
  };
  options.read_file = [](const std::string&) -> std::optional<std::string> { return "text"; };
  const auto loaded =
      config::load_texts({{"fuzz.yaml", std::string{fuzz::text_of(data, size)}}}, options);
  fuzz::require(loaded.loaded != nullptr);
  for (const auto& finding : loaded.findings)
    fuzz::require(!finding.message.empty() && !config::to_text(finding).empty());
  const auto compiled = understudy::plan::compile(*loaded.loaded, 0);
  const bool has_error = config::has_error(loaded.findings) || config::has_error(compiled.findings);
  fuzz::require((compiled.compiled != nullptr) == !has_error);
  return 0;
}
