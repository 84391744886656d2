#include "daemon/given_sockets.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace understudy::daemon {
namespace {

constexpr long max_sockets = 1024;

std::optional<long> number(std::string_view text) {
  long value = 0;
  const char* end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, value);
  if (ec != std::errc{} || at != end || text.empty()) return std::nullopt;
  return value;
}

std::string_view next_part(std::string_view& rest, char separator) {
  const auto at = rest.find(separator);
  const auto part = rest.substr(0, at);
  rest = at == rest.npos ? std::string_view{} : rest.substr(at + 1);
  return part;
}

announcement handed_over(std::string_view text, long parent_id) {
  announcement told;
  if (number(next_part(text, '\t')) != parent_id) return told;
  told.is_handed_over = true;
  for (int fd = first_given_descriptor + 1; !text.empty(); ++fd) {
    const auto item = next_part(text, '\t');
    const auto at = item.rfind('@');
    if (at == item.npos) return {};
    told.sockets.push_back({fd, std::string{item.substr(0, at)}, std::string{item.substr(at + 1)}});
  }
  return told;
}

}  // namespace

announcement read_announcement(const environment& look_up, long own_id, long parent_id) {
  if (const auto text = look_up(handover_variable)) {
    auto told = handed_over(*text, parent_id);
    if (told.is_handed_over) return told;
  }
  announcement told;
  const auto id = look_up("LISTEN_PID");
  const auto written = look_up("LISTEN_FDS");
  if (!id || !written || number(*id) != own_id) return told;
  const auto count = number(*written);
  if (!count || *count < 0 || *count > max_sockets) return told;
  const std::string names = look_up("LISTEN_FDNAMES").value_or("");
  std::string_view rest = names;
  for (long i = 0; i < *count; ++i) {
    const auto name = next_part(rest, ':');
    told.sockets.push_back({first_given_descriptor + static_cast<int>(i),
                            std::string{name.empty() ? "unknown" : name}, ""});
  }
  return told;
}

inheritance take_inheritance() {
  const environment look_up = [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    return value;
  };
  const auto told = read_announcement(look_up, ::getpid(), ::getppid());
  for (const char* name : {handover_variable, "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
    ::unsetenv(name);
  inheritance taken;
  if (told.is_handed_over) taken.ready = net::owned_socket{first_given_descriptor};
  for (const auto& one : told.sockets) {
    net::owned_socket socket{one.fd};
    const auto endpoint = net::listening_endpoint(one.fd);
    if (!endpoint) {
      taken.complaints.push_back("the socket that came as descriptor " + std::to_string(one.fd) +
                                 (one.name.empty() ? "" : " (`" + one.name + "`)") +
                                 " is of no use: " + endpoint.error());
      continue;
    }
    ::fcntl(one.fd, F_SETFD, FD_CLOEXEC);
    taken.sockets.push_back({one.name, one.address.empty() ? net::to_text(*endpoint) : one.address,
                             std::move(socket), *endpoint});
  }
  if (told.is_handed_over) ::fcntl(first_given_descriptor, F_SETFD, FD_CLOEXEC);
  return taken;
}

}  // namespace understudy::daemon
