#include <CLI/CLI.hpp>
#include <algorithm>

#include <understudy/cli/description.hpp>

namespace understudy::cli {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::string part;
  for (const char c : text) {
    if (c != separator) {
      part += c;
      continue;
    }
    parts.push_back(part);
    part.clear();
  }
  parts.push_back(part);
  return parts;
}

/// CLI11 writes the values of IsMember into the type (`TEXT:{text,json}`); a type of our own names
/// them as in `text|json`.
std::vector<std::string> choices_of(const std::string& type) {
  const auto open = type.find('{');
  const auto close = type.rfind('}');
  if (open != type.npos && close != type.npos && open < close)
    return split(type.substr(open + 1, close - open - 1), ',');
  if (type.find('|') != type.npos) return split(type, '|');
  return {};
}

/// Without what CLI11 adds for a check: `N:UINT in [1 - 1024]`, `TEXT:{text,json}`.
std::string value_name(const std::string& type) {
  auto end = type.size();
  for (const auto* check : {":{", ":INT", ":UINT", ":FLOAT", " in ["})
    end = std::min(end, type.find(check));
  return type.substr(0, end);
}

option_description describe(const CLI::Option& option) {
  option_description out;
  for (const auto& name : option.get_snames()) out.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) out.names.push_back("--" + name);
  const bool is_positional = !option.nonpositional();
  if (is_positional) out.names.push_back(option.get_name(true));
  const auto type = option.get_type_name();
  if (is_positional || option.get_items_expected_max() > 0) {
    out.choices = choices_of(type);
    out.value = is_positional ? out.names.front() : value_name(type);
  }
  out.about = option.get_description();
  out.environment = option.get_envname();
  out.usual = option.get_default_str();
  out.is_repeatable = option.get_expected_max() > 1 ||
                      option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
  out.is_required = option.get_required();
  return out;
}

command_description describe_command(const CLI::App& app) {
  command_description out;
  out.name = app.get_name();
  out.about = app.get_description();
  for (const auto* option : app.get_options()) {
    auto described = describe(*option);
    (option->nonpositional() ? out.options : out.positionals).push_back(std::move(described));
  }
  return out;
}

}  // namespace

program_description describe(const CLI::App& app) {
  program_description out;
  out.name = "understudy";
  out.about = app.get_description();
  out.options = describe_command(app).options;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!command->get_group().empty()) out.commands.push_back(describe_command(*command));
  return out;
}

}  // namespace understudy::cli
