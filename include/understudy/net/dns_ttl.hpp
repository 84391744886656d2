#pragma once
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include <understudy/net/types.hpp>

namespace understudy::net {

/// The smallest TTL among the answers of a DNS message (RFC 1035 §4.1.3), aliases included; nothing
/// where it has none or is malformed. Pure.
std::optional<std::chrono::seconds> smallest_ttl(std::span<const unsigned char> message);

/// Asks the system's name servers how long an answer is good for, which getaddrinfo does not tell.
/// One thread of its own, started by the first question; the answer comes on `context`. A name that
/// DNS does not know (one of the hosts file) has none.
class dns_ttl {
 public:
  explicit dns_ttl(asio::io_context& context) : context_{context} {}
  ~dns_ttl() { stop(); }

  void ask(const std::string& name, std::function<void(std::chrono::seconds)> heard);
  /// Waits for a question under way, a few seconds at most; nobody is told any more.
  void stop();

 private:
  asio::io_context& context_;
  std::optional<asio::thread_pool> thread_;
};

}  // namespace understudy::net
