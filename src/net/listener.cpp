#include <understudy/net/listener.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/v6_only.hpp>

namespace understudy::net {
namespace {

using tcp = asio::ip::tcp;
using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

error_code open_and_bind(asio::basic_socket_acceptor<tcp>& acceptor, const tcp::endpoint& where,
                         bool is_shared) {
  error_code ec;
  acceptor.open(where.protocol(), ec);
  if (ec) return ec;
  acceptor.set_option(tcp::acceptor::reuse_address{true}, ec);
  if (is_shared) acceptor.set_option(reuse_port{true}, ec);
  if (!ec && where.address().is_v6() && where.address().is_unspecified())
    acceptor.set_option(asio::ip::v6_only{false}, ec);
  if (!ec) acceptor.bind(where, ec);
  return ec;
}

/// Without SO_REUSEPORT the kernel says whether somebody else is there.
error_code probe(asio::io_context& context, const tcp::endpoint& where) {
  asio::basic_socket_acceptor<tcp> acceptor{context};
  const error_code ec = open_and_bind(acceptor, where, false);
  if (ec || where.port() == 0) return ec;
  error_code listening;
  acceptor.listen(1, listening);
  return listening;
}

}  // namespace

std::string to_text(const tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  const std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return host + ":" + std::to_string(endpoint.port());
}

base::result<std::vector<bound_listener>, std::string> bind_listener(std::size_t index,
                                                                     const listen_address& where,
                                                                     unsigned workers) {
  asio::io_context context;
  error_code ec;
  tcp::endpoint endpoint{tcp::v6(), where.port};
  if (!where.address.empty()) {
    const auto address = asio::ip::make_address(where.address, ec);
    if (ec) return "cannot listen on " + where.address + ": not an IP address";
    endpoint = {address, where.port};
  }
  ec = probe(context, endpoint);
  if (ec && where.address.empty() && ec != asio::error::address_in_use &&
      ec != asio::error::access_denied) {
    endpoint = {tcp::v4(), where.port};  // a machine without IPv6
    ec = probe(context, endpoint);
  }
  std::vector<bound_listener> bound;
  const auto fail = [&](const error_code& why) {
    for (const auto& b : bound) ::close(b.fd);
    return "cannot listen on " + to_text(endpoint) + ": " + why.message() +
           (why == asio::error::access_denied
                ? " (ports below 1024 need privilege; --listen ADDR:PORT overrides the port)"
                : "");
  };
  if (ec) return fail(ec);
  for (unsigned i = 0; i < workers; ++i) {
    asio::basic_socket_acceptor<tcp> acceptor{context};
    ec = open_and_bind(acceptor, endpoint, true);
    if (!ec) acceptor.listen(4096, ec);
    if (ec) return fail(ec);
    endpoint = acceptor.local_endpoint();  // port 0 is the same one for all
    bound.push_back({index, acceptor.release(ec), endpoint});
  }
  return bound;
}

}  // namespace understudy::net
