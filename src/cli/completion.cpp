#include <understudy/cli/description.hpp>

namespace understudy::cli {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string option_names(const std::vector<option_description>& options) {
  std::string out;
  for (const auto& option : options) out += (out.empty() ? "" : " ") + joined(option.names);
  return out;
}

std::string command_names(const program_description& program, const char* between) {
  std::string out;
  for (const auto& command : program.commands) out += (out.empty() ? "" : between) + command.name;
  return out;
}

bool is_path(const option_description& option) {
  return option.value == "CONFIG" || option.value == "FILE";
}

std::string escaped(const std::string& text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (special.find(c) != special.npos) out += '\\';
    out += c;
  }
  return out;
}

// ---- bash

/// What may stand behind an option that takes a value.
std::string bash_values(const std::string& command, const option_description& option) {
  if (option.value.empty()) return {};
  std::string pattern;
  for (const auto& name : option.names)
    pattern += (pattern.empty() ? "" : "|") + command + ":" + name;
  if (is_path(option)) return "    " + pattern + ") files=yes ;;\n";
  return "    " + pattern + ") words='" + joined(option.choices) + "' ;;\n";
}

std::string bash_words(const std::string& command, const command_description& of) {
  std::string out = "        " + command + ":-*) words='" + option_names(of.options) + "' ;;\n";
  for (const auto& positional : of.positionals)
    out += "        " + command + ":*) " +
           (is_path(positional) ? "files=yes" : "words='" + joined(positional.choices) + "'") +
           " ;;\n";
  return out;
}

}  // namespace

std::string bash_completion(const program_description& program) {
  std::string out = "# bash completion for understudy; made by `understudy completion bash`.\n";
  out +=
      "_understudy() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
      "  local command='' word words='' files=no\n"
      "  if [ \"$current\" = = ]; then current=''; fi\n"
      "  if [ \"$previous\" = = ]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
      "  if [ \"${COMP_WORDS[COMP_CWORD]}\" = = ]; then previous=${COMP_WORDS[COMP_CWORD - 1]}; "
      "fi\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case $word in\n"
      "      " +
      command_names(program, "|") +
      ")\n"
      "        command=$word\n"
      "        break\n"
      "        ;;\n"
      "    esac\n"
      "  done\n"
      "  COMPREPLY=()\n"
      "  case $command:$previous in\n";
  for (const auto& command : program.commands)
    for (const auto& option : command.options) out += bash_values(command.name, option);
  out +=
      "    *)\n"
      "      case $command:$current in\n"
      "        :-*) words='" +
      option_names(program.options) +
      "' ;;\n"
      "        :*) words='" +
      command_names(program, " ") + "' ;;\n";
  for (const auto& command : program.commands) out += bash_words(command.name, command);
  out +=
      "      esac\n"
      "      ;;\n"
      "  esac\n"
      "  if [ \"$files\" = yes ]; then\n"
      "    compopt -o filenames 2>/dev/null\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
      "  else\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
      "  fi\n"
      "}\n"
      "complete -F _understudy understudy\n";
  return out;
}

// ---- zsh

static std::string zsh_action(const option_description& option) {
  if (is_path(option)) return "_files";
  return option.choices.empty() ? " " : "(" + joined(option.choices) + ")";
}

static std::string zsh_option(const option_description& option, const std::string& name) {
  std::string out = option.is_repeatable ? "'*" : "'";
  out += name + (option.value.empty() ? "" : "=") + "[" + escaped(option.about, "[]:\\") + "]";
  if (!option.value.empty()) out += ":" + escaped(option.value, ":\\") + ":" + zsh_action(option);
  return out + "'";
}

static std::string zsh_arguments(const command_description& command, const std::string& indent) {
  std::string out = "_arguments";
  for (const auto& option : command.options)
    for (const auto& name : option.names) out += " \\\n" + indent + zsh_option(option, name);
  for (const auto& positional : command.positionals)
    out += " \\\n" + indent + (positional.is_repeatable ? "'*:" : "'1:") + positional.value + ":" +
           zsh_action(positional) + "'";
  return out + "\n";
}

std::string zsh_completion(const program_description& program) {
  std::string out =
      "#compdef understudy\n"
      "# zsh completion for understudy; made by `understudy completion zsh`.\n"
      "_understudy() {\n"
      "  local context state line\n"
      "  local -a commands=(\n";
  for (const auto& command : program.commands)
    out += "    '" + command.name + ":" + escaped(command.about, ":\\") + "'\n";
  out += "  )\n  _arguments -C";
  for (const auto& option : program.options)
    for (const auto& name : option.names) out += " \\\n    " + zsh_option(option, name);
  out +=
      " \\\n    '1:command:->command' '*::argument:->argument'\n"
      "  case $state in\n"
      "    command) _describe command commands ;;\n"
      "    argument)\n"
      "      case $words[1] in\n";
  for (const auto& command : program.commands)
    out += "        " + command.name + ")\n          " + zsh_arguments(command, "            ") +
           "          ;;\n";
  out +=
      "      esac\n"
      "      ;;\n"
      "  esac\n"
      "}\n"
      "if [ \"$funcstack[1]\" = _understudy ]; then _understudy \"$@\"; else compdef _understudy "
      "understudy; fi\n";
  return out;
}

// ---- fish

static std::string fish_option(const std::string& condition, const option_description& option) {
  std::string out = "complete -c understudy -n '" + condition + "'";
  for (const auto& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!option.value.empty()) out += is_path(option) ? " -r -F" : " -x";
  if (!option.choices.empty()) out += " -a '" + joined(option.choices) + "'";
  return out + " -d '" + escaped(option.about, "\\") + "'\n";
}

std::string fish_completion(const program_description& program) {
  std::string out =
      "# fish completion for understudy; made by `understudy completion fish`.\n"
      "complete -c understudy -f\n";
  const std::string first = "__fish_use_subcommand";
  for (const auto& option : program.options) out += fish_option(first, option);
  for (const auto& command : program.commands) {
    out += "complete -c understudy -n '" + first + "' -a " + command.name + " -d '" +
           escaped(command.about, "\\") + "'\n";
    const std::string inside = "__fish_seen_subcommand_from " + command.name;
    for (const auto& option : command.options) out += fish_option(inside, option);
    for (const auto& positional : command.positionals)
      out += "complete -c understudy -n '" + inside + "' " +
             (is_path(positional) ? std::string{"-F"} : "-a '" + joined(positional.choices) + "'") +
             "\n";
  }
  return out;
}

}  // namespace understudy::cli
