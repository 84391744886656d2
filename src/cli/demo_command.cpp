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
  config::load_options loading;
  loading.environment = environment_variable;
  const auto read = config::load_texts(
      {{"demo.yaml", demo::config_text(ports->primary, ports->fallback)}}, loading);
  const auto compiled = plan::compile(*read.loaded, 0);
  if (!compiled.compiled || config::has_error(read.findings)) {
    for (const auto& f : read.findings) std::cerr << to_text(f) << '\n';
    for (const auto& f : compiled.findings) std::cerr << to_text(f) << '\n';
    return 1;
  }
  options.on_ready = [](const std::vector<std::string>& listening, const std::string& admin) {
    std::cout << demo::banner(listening.front(), admin) << '\n' << std::flush;
  };
  daemon::server server{std::move(options), compiled.compiled};
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
