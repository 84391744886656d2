#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <understudy/net/listener.hpp>

/// Listening sockets that this process was started with: by systemd (socket activation), or by a
/// process that hands over to it (upgrade.hpp).
namespace understudy::daemon {

using environment = std::function<std::optional<std::string>(const char* name)>;

/// First descriptor that either passes on.
constexpr int first_given_descriptor = 3;
/// Set by a process that hands over: its own id, then for each socket `NAME@ADDRESS`, separated by
/// tabs. Descriptor 3 is written to when this process serves; the sockets follow.
constexpr const char* handover_variable = "UNDERSTUDY_HANDOVER";

/// One descriptor as the environment announces it.
struct announced_socket {
  int fd = -1;
  std::string name;     ///< of systemd's unit (`FileDescriptorName=`); empty: never was systemd's
  std::string address;  ///< as its listener was told to bind; empty: ask the socket
  bool operator==(const announced_socket&) const = default;
};

struct announcement {
  std::vector<announced_socket> sockets;
  bool is_handed_over = false;
};

/// What the variables say to the process `own_id`, child of `parent_id`; nothing where they are
/// meant for another. Pure.
announcement read_announcement(const environment& look_up, long own_id, long parent_id);

struct given_socket {
  std::string name;
  std::string address;
  net::owned_socket socket;
  boost::asio::ip::tcp::endpoint endpoint;
  /// systemd keeps its own descriptor, so that the address can't be bound again: never closed.
  bool is_activated() const { return !name.empty(); }
};

struct inheritance {
  std::vector<given_socket> sockets;
  net::owned_socket ready;              ///< a byte to it, and the process before stops accepting
  std::vector<std::string> complaints;  ///< sockets of no use, one line each
};

/// Takes the sockets over and removes the variables, so that no child takes them for its own.
inheritance take_inheritance();

}  // namespace understudy::daemon
