#include "daemon/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstring>

#include <understudy/base/clock.hpp>
#include <understudy/telemetry/log.hpp>

namespace understudy::daemon {
namespace {

std::optional<std::int64_t> number(const std::optional<std::string>& text) {
  std::int64_t value = 0;
  if (!text || text->empty()) return std::nullopt;
  const char* end = text->data() + text->size();
  const auto [at, ec] = std::from_chars(text->data(), end, value);
  if (ec != std::errc{} || at != end || value <= 0) return std::nullopt;
  return value;
}

/// One line each: a line feed would begin another assignment.
std::string line(std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text;
}

}  // namespace

service_manager::service_manager(boost::asio::io_context& context, const environment& look_up,
                                 long own_id)
    : socket_{look_up("NOTIFY_SOCKET").value_or("")}, timer_{context} {
  const auto period = number(look_up("WATCHDOG_USEC"));
  const auto meant = look_up("WATCHDOG_PID");
  if (!socket_.empty() && period && (!meant || number(meant) == own_id))
    interval_ = std::chrono::microseconds{*period} / 2;
}

void service_manager::send(const std::string& message) const {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (socket_.empty() || socket_.size() >= sizeof to.sun_path) return;
  std::memcpy(to.sun_path, socket_.data(), socket_.size());
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';  // abstract
  const net::owned_socket from{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  if (::sendto(from.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
               reinterpret_cast<const sockaddr*>(&to), size) < 0)
    telemetry::log::debug("daemon", "systemd did not take `" + message + "`");
}

void service_manager::ready(const std::string& status) { send("READY=1\nSTATUS=" + line(status)); }

void service_manager::reloading() {
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(base::clock::now().time_since_epoch());
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void service_manager::stopping(const std::string& status) {
  send("STOPPING=1\nSTATUS=" + line(status));
}

void service_manager::status(const std::string& text) { send("STATUS=" + line(text)); }

void service_manager::hand_over_to(pid_t process) {
  send("MAINPID=" + std::to_string(process));
  stop();
  socket_.clear();
}

void service_manager::guard(std::function<void(std::function<void()>)> check) {
  if (!interval_) return;
  check_ = std::move(check);
  next_check();
}

void service_manager::next_check() {
  check_([this] {
    send("WATCHDOG=1");
    timer_.expires_after(*interval_);
    timer_.async_wait([this](const boost::system::error_code& ec) {
      if (!ec && interval_) next_check();
    });
  });
}

void service_manager::stop() {
  interval_.reset();
  timer_.cancel();
}

}  // namespace understudy::daemon
