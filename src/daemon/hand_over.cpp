#include <unistd.h>

#include <understudy/telemetry/log.hpp>

#include "daemon/server_impl.hpp"

/// SIGUSR2: the program as it is on disk now is started beside this one and takes the listening
/// sockets over; this one finishes what it has begun.
namespace understudy::daemon {

namespace log = telemetry::log;

namespace {

/// How long a client's idle connection may ask once more. The client does not know that anything
/// has changed; that one answer says `connection: close`.
constexpr std::chrono::seconds patience{10};

}  // namespace

void server::impl::upgrade_program() {
  const auto refuse = [](const std::string& reason) {
    log::error("daemon", "no upgrade, this process goes on: " + reason);
  };
  if (is_draining) return refuse("it is draining");
  if (!is_serving) return refuse("it does not serve yet");
  if (successor.is_running()) return refuse("another one is being started");
  if (::getpid() == 1)
    return refuse(
        "it is the first process of its container, which would end with it; replace the "
        "container instead");
  if (staged) commit();
  auto sockets = listeners.to_pass_on();
  if (admin_server)
    sockets.push_back(
        {"@admin=" + net::to_text(net::listen_address{opts.admin->host, opts.admin->port}),
         admin_server->listening_descriptor()});
  const auto child = successor.start(
      sockets, {[this](pid_t process) { hand_over(process); },
                [refuse](const std::string& reason) { refuse("of the new one, " + reason); }});
  if (!child) return refuse(child.error());
  log::info("daemon", "upgrade: process " + std::to_string(*child) + " is started");
}

void server::impl::hand_over(pid_t process) {
  if (is_draining.exchange(true)) return;
  is_handed_over = true;
  staged.reset();
  watch.stop();
  service.hand_over_to(process);
  hub.on_drain("process " + std::to_string(process) +
               " serves now; this one finishes the requests that it has begun");
  if (admin_server) admin_server->hand_over();
  drain_workers(patience);
}

}  // namespace understudy::daemon
