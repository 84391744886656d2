#include <understudy/cli/description.hpp>

namespace understudy::cli {
namespace {

/// Dashes that are typed, backslashes, and no request at the start of a line.
std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '-')
      out += "\\-";
    else if (c == '\\')
      out += "\\e";
    else
      out += c;
  }
  if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
  return out;
}

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text;
}

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text) + "\\fR"; }

std::string tag(const option_description& option) {
  std::string out;
  for (const auto& name : option.names) out += (out.empty() ? "" : ", ") + bold(name);
  if (!option.value.empty()) out += " " + italic(option.value);
  return out;
}

std::string sentence(const option_description& option) {
  std::string out = roff(capital(option.about));
  if (!out.empty()) out += ".";
  if (!option.choices.empty() && option.value.find('|') == option.value.npos) {
    out += " One of";
    for (std::size_t i = 0; i < option.choices.size(); ++i)
      out += (i == 0 ? " " : ", ") + bold(option.choices[i]);
    out += ".";
  }
  if (!option.usual.empty()) out += " Default: " + bold(option.usual) + ".";
  if (option.is_repeatable) out += " May be repeated.";
  if (option.is_required) out += " Required.";
  if (!option.environment.empty()) out += " Environment: " + bold(option.environment) + ".";
  if (out.starts_with(' ')) out.erase(0, 1);
  return out.empty() ? "\\&" : out;
}

std::string synopsis(const program_description& program, const command_description& command) {
  std::string out = bold(program.name) + " " + bold(command.name);
  if (command.options.size() > 1) out += " [" + italic("OPTION") + "...]";
  for (const auto& positional : command.positionals) {
    auto text = italic(positional.value) + (positional.is_repeatable ? "..." : "");
    out += positional.is_required ? " " + text : " [" + text + "]";
  }
  return out;
}

std::string command_section(const program_description& program,
                            const command_description& command) {
  std::string out =
      ".SS " + synopsis(program, command) + "\n" + roff(capital(command.about)) + ".\n";
  for (const auto& positional : command.positionals)
    if (!positional.about.empty())
      out += ".TP\n" + italic(positional.value) + "\n" + sentence(positional) + "\n";
  for (const auto& option : command.options)
    if (option.names.back() != "--help")
      out += ".TP\n" + tag(option) + "\n" + sentence(option) + "\n";
  return out;
}

/// What no parser knows.
constexpr auto the_rest = R"(.SH SIGNALS
.TP
.BR SIGTERM ", " SIGINT
Drain: running requests may finish, within \fB\-\-drain\-timeout\fR. A second one ends at once.
.TP
.B SIGHUP
Read the configuration again. One that does not validate is refused, and the running one stays.
.SH EXIT STATUS
.TP
.B 0
Done; of \fBrun\fR: drained. Of \fBvalidate\fR: no error. Of \fBhealthcheck\fR: healthy.
.TP
.B 1
The configuration is refused, a socket can't be bound, or the process is not healthy.
.TP
.B 2
A usage error.
.TP
.B 3
An expectation of the scenario of \fBsimulate\fR does not hold.
.SH FILES
.TP
.I /etc/understudy/config.yaml
The configuration that the service reads.
.TP
.I /etc/understudy/environment
The environment of the service: keys for \fB${NAME}\fR in the configuration.
.TP
.I /usr/share/doc/understudy
The documentation: configuration, semantics of failover, operations.
.SH ENVIRONMENT
Every \fB${NAME}\fR of a configuration file is read from the environment. Options name the variable
that stands for them; what is written on the command line wins.
.SH SEE ALSO
.BR systemctl (1),
.BR curl (1)
)";

}  // namespace

std::string manual_page(const program_description& program, const std::string& version) {
  const auto colon = program.about.find(": ");
  const auto purpose =
      colon == program.about.npos ? program.about : program.about.substr(colon + 2);
  std::string out = ".\\\" made by `understudy man`\n.TH UNDERSTUDY 1 \"\" \"understudy " +
                    version + "\" \"User Commands\"\n.SH NAME\n" + program.name + " \\- " +
                    roff(purpose) + "\n.SH SYNOPSIS\n.nf\n";
  for (const auto& command : program.commands) out += synopsis(program, command) + "\n";
  out +=
      ".fi\n.SH DESCRIPTION\n"
      "A reverse proxy between an application and its model providers. It tries the primary and "
      "goes\n"
      "on with the fallback when the primary answers errors, refuses connections or hangs, before\n"
      "the client sees any of it. It is configured with the YAML of Envoy Gateway and Agent "
      "Router\n"
      "(formerly Envoy AI Gateway).\n"
      ".SH COMMANDS\n";
  for (const auto& command : program.commands) out += command_section(program, command);
  return out + the_rest;
}

}  // namespace understudy::cli
