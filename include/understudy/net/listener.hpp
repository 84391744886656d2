#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <understudy/base/result.hpp>
#include <understudy/net/types.hpp>

namespace understudy::net {

class tls_server;

/// A descriptor with an owner. Move only.
class owned_socket {
 public:
  owned_socket() = default;
  explicit owned_socket(int fd) : fd_{fd} {}
  owned_socket(owned_socket&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  owned_socket& operator=(owned_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~owned_socket();

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  /// A second descriptor of the same socket, closed on exec; empty where there is none left.
  owned_socket copy() const;

 private:
  int fd_ = -1;
};

/// A socket for a worker to accept from.
struct bound_listener {
  std::uint64_t id = 0;  ///< the listener's, for as long as it is open: see worker_listener
  int fd = -1;           ///< the worker owns it
  asio::ip::tcp protocol = asio::ip::tcp::v4();
};

/// What a plan makes of an open listener; one for each of its listeners, in their order.
struct worker_listener {
  std::uint64_t id = 0;
  std::shared_ptr<tls_server> tls;  ///< null: clear text
};

/// Where a listener is to bind; an empty address means all addresses.
struct listen_address {
  std::string address;
  std::uint16_t port = 0;
  bool operator==(const listen_address&) const = default;
};

/// The sockets of one listener.
struct listening_sockets {
  std::vector<owned_socket> sockets;
  asio::ip::tcp::endpoint endpoint;
};

/// `count` sockets on the same address (SO_REUSEPORT: the kernel spreads connections). Refuses a
/// port that another process holds, unless `is_shared`: this process itself is there already. The
/// error is for people: address and reason.
base::result<listening_sockets, std::string> bind_listener(const listen_address& where,
                                                           unsigned count, bool is_shared = false);

/// Where a socket listens that somebody else has bound; the error says why it is of no use.
base::result<asio::ip::tcp::endpoint, std::string> listening_endpoint(int fd);

std::string to_text(const asio::ip::tcp::endpoint& endpoint);
/// As the user writes it: `127.0.0.1:1975`, `[::1]:1975`, `*:1975`.
std::string to_text(const listen_address& address);

}  // namespace understudy::net
