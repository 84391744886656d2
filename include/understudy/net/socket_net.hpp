#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <understudy/net/cancel_scope.hpp>
#include <understudy/net/connection.hpp>
#include <understudy/net/socket_stream.hpp>
#include <understudy/net/tls.hpp>
#include <understudy/plan/plan.hpp>

namespace understudy::net {

/// Where a host is, as the dialer needs it. `endpoint` is absent while its name has no address.
struct socket_address {
  std::string text;
  std::optional<asio::generic::stream_protocol::endpoint> endpoint;
  std::shared_ptr<tls_client> tls;
  std::string tls_name;
  std::shared_ptr<tls_session_slot> session;
  std::optional<plan::tcp_keepalive> keepalive;
};

/// The TLS contexts of a plan, by what they were made from. Made on the control thread, read by
/// the workers through the pinned pointer.
class tls_table {
 public:
  /// The first failure, with the backend's name in it.
  /// `before`: exchanges that began under the plan before still open connections with its contexts.
  static base::result<std::shared_ptr<const tls_table>, std::string> make(const plan::plan& plan,
                                                                          const tls_table* before);
  /// The same, when no exchange of the plan before is left.
  std::shared_ptr<const tls_table> without_previous() const;
  std::shared_ptr<tls_client> find(const plan::upstream_tls& settings) const;

 private:
  using entries = std::vector<std::pair<plan::upstream_tls, std::shared_ptr<tls_client>>>;
  static std::shared_ptr<tls_client> find_in(const entries& among,
                                             const plan::upstream_tls& settings);
  entries clients_, before_;
};

/// `10.0.0.1:443`, `[::1]:443`, `unix:/path`; nothing for a name.
std::optional<asio::generic::stream_protocol::endpoint> parse_endpoint(std::string_view text);

class socket_addresses {
 public:
  explicit socket_addresses(std::shared_ptr<const tls_table> tls) : tls_{std::move(tls)} {}
  socket_address address_of(const plan::backend& backend, std::size_t target,
                            const std::string& text) const;
  void replace(std::shared_ptr<const tls_table> tls) { tls_ = std::move(tls); }

 private:
  std::shared_ptr<const tls_table> tls_;
};

struct dial_result {
  std::shared_ptr<connection<socket_stream>> link;  ///< null: failed
  std::string cause;                                ///< for people
  bool is_shortage = false;  ///< failed for want of something that is this process's
  bool is_resumed = false;
};

/// Opens upstream connections of one worker. The caller's scope ends a dial that takes too long.
class socket_dialer {
 public:
  socket_dialer(asio::io_context& context, send_batch& sends) : context_{context}, sends_{sends} {}
  awaitable<dial_result> dial(socket_address& where, cancel_scope& scope);

 private:
  asio::io_context& context_;
  send_batch& sends_;
};

/// The real network, as the templates of this room are cut on it.
struct socket_net {
  using stream = socket_stream;
  using address = socket_address;
  using addresses = socket_addresses;
  using dialer = socket_dialer;
};

}  // namespace understudy::net
