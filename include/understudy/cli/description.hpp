#pragma once
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace understudy::cli {

/// An option or flag as the parser knows it.
struct option_description {
  std::vector<std::string> names;  ///< with their dashes; of a positional its name alone
  std::string value;               ///< what is written behind it; empty: nothing
  std::vector<std::string> choices;
  std::string about;
  std::string environment;  ///< the variable that stands for it, or nothing
  std::string usual;        ///< the default as text, or nothing
  bool is_repeatable = false;
  bool is_required = false;
};

struct command_description {
  std::string name;
  std::string about;
  std::vector<option_description> positionals;
  std::vector<option_description> options;
};

/// The whole command line as data. Completions and the manual page are made of it and of nothing
/// else, so that they can't drift from the parser.
struct program_description {
  std::string name;
  std::string about;
  std::vector<option_description> options;
  std::vector<command_description> commands;
};

program_description describe(const CLI::App& app);

std::string bash_completion(const program_description& program);
std::string zsh_completion(const program_description& program);
std::string fish_completion(const program_description& program);
/// understudy(1), in roff's man macros.
std::string manual_page(const program_description& program, const std::string& version);

}  // namespace understudy::cli
