#include <unistd.h>

#include <iostream>

#include <understudy/cli/commands.hpp>
#include <understudy/config/load.hpp>
#include <understudy/demo/narrator.hpp>
#include <understudy/demo/providers.hpp>
#include <understudy/demo/text.hpp>

namespace understudy::cli {

int demo_command(run_flags flags) {
  if (flags.log_level == "info") flags.log_level = "error";  // the narrator says what happens
  flags.access_log = "off";
  auto options = to_options(flags);

  demo::narrator narrator{[](std::string_view line) { std::cout << line << '\n'
                                                                << std::flush; },
                          ::isatty(STDOUT_FILENO) == 1};
  demo::providers providers{{}, [&](const demo::phase& now) { narrator.phase_began(now); }};
  const auto ports = providers.start();
  if (!ports) {
    std::cerr << "understudy demo: cannot open a loopback port: " << ports.error().message()
              << '\n';
    return 1;
  }
  options.load = [ports = *ports] {
    config::load_options loading;
    loading.environment = environment_variable;
    auto read = config::load_texts(
        {{"demo.yaml", demo::config_text(ports.primary, ports.fallback)}}, loading);
    auto made = plan::compile(*read.loaded, 0);
    made.findings.insert(made.findings.begin(), read.findings.begin(), read.findings.end());
    if (config::has_error(made.findings)) made.compiled.reset();
    return daemon::loaded_configuration{std::move(made), {}};
  };
  const auto made = options.load().result;
  if (!made.compiled) {
    for (const auto& f : made.findings) std::cerr << to_text(f) << '\n';
    return 1;
  }
  options.on_ready = [](const std::vector<std::string>& listening, const std::string& admin) {
    std::cout << demo::banner(listening.front(), admin) << '\n' << std::flush;
  };
  daemon::server server{std::move(options), made.compiled};
  const auto heard = server.telemetry().events().subscribe(
      [&](const telemetry::event& e) { narrator.happened(telemetry::name(e.kind), e.message); });
  if (auto bound = server.bind(); !bound) {
    std::cerr << "understudy demo: " << bound.error() << '\n';
    return 1;
  }
  const int status = server.run();
  providers.stop();
  return status;
}

}  // namespace understudy::cli
