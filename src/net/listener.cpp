#include <understudy/net/listener.hpp>

#include <fcntl.h>
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

std::string to_text(const listen_address& where) {
  const bool is_v6 = where.address.find(':') != where.address.npos;
  const std::string host = where.address.empty() ? "*"
                           : is_v6               ? "[" + where.address + "]"
                                                 : where.address;
  return host + ":" + std::to_string(where.port);
}

owned_socket::~owned_socket() {
  if (fd_ >= 0) ::close(fd_);
}

owned_socket owned_socket::copy() const { return owned_socket{::fcntl(fd_, F_DUPFD_CLOEXEC, 3)}; }

base::result<tcp::endpoint, std::string> listening_endpoint(int fd) {
  int is_listening = 0;
  socklen_t size = sizeof is_listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) != 0)
    return "it is no socket";
  if (is_listening == 0) return "it does not listen (a datagram socket, or `Accept=yes`)";
  tcp::endpoint endpoint;
  size = static_cast<socklen_t>(endpoint.capacity());
  if (::getsockname(fd, endpoint.data(), &size) != 0 || size > endpoint.capacity() ||
      (endpoint.data()->sa_family != AF_INET && endpoint.data()->sa_family != AF_INET6))
    return "it is no TCP socket";
  endpoint.resize(size);
  return endpoint;
}

base::result<listening_sockets, std::string> bind_listener(const listen_address& where,
                                                           unsigned count, bool is_shared) {
  asio::io_context context;
  error_code ec;
  tcp::endpoint endpoint{tcp::v6(), where.port};
  if (!where.address.empty()) {
    const auto address = asio::ip::make_address(where.address, ec);
    if (ec) return "cannot listen on " + where.address + ": not an IP address";
    endpoint = {address, where.port};
  }
  if (!is_shared) ec = probe(context, endpoint);
  if (ec && where.address.empty() && ec != asio::error::address_in_use &&
      ec != asio::error::access_denied) {
    endpoint = {tcp::v4(), where.port};  // a machine without IPv6
    ec = probe(context, endpoint);
  }
  listening_sockets bound;
  const auto fail = [&](const error_code& why) {
    return "cannot listen on " + to_text(endpoint) + ": " + why.message() +
           (why == asio::error::access_denied
                ? " (ports below 1024 need privilege; --listen ADDR:PORT overrides the port)"
                : "");
  };
  if (ec) return fail(ec);
  for (unsigned i = 0; i < count; ++i) {
    asio::basic_socket_acceptor<tcp> acceptor{context};
    ec = open_and_bind(acceptor, endpoint, true);
    if (!ec) acceptor.listen(4096, ec);
    if (ec) return fail(ec);
    endpoint = acceptor.local_endpoint();  // port 0 is the same one for all
    bound.sockets.emplace_back(acceptor.release(ec));
    ::fcntl(bound.sockets.back().get(), F_SETFD, FD_CLOEXEC);
  }
  bound.endpoint = endpoint;
  return bound;
}

}  // namespace understudy::net
