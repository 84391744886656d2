#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <understudy/base/result.hpp>
#include <understudy/net/tls.hpp>
#include <understudy/net/types.hpp>
#include <understudy/plan/plan.hpp>

namespace understudy::net {

/// A listener's socket, bound but not yet given to a worker.
struct bound_listener {
  std::size_t index = 0;  ///< in plan.listeners
  int fd = -1;            ///< owned until a worker takes it
  asio::ip::tcp::endpoint endpoint;
};

/// Where a listener is to bind; an empty address means all addresses.
struct listen_address {
  std::string address;
  std::uint16_t port = 0;
};

/// One socket per worker on the same address (SO_REUSEPORT: the kernel spreads connections).
/// Refuses a port that another process holds. The error is for people: address and reason.
base::result<std::vector<bound_listener>, std::string> bind_listener(std::size_t index,
                                                                     const listen_address& where,
                                                                     unsigned workers);

std::string to_text(const asio::ip::tcp::endpoint& endpoint);

}  // namespace understudy::net
