#pragma once
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <understudy/daemon/server.hpp>
#include <understudy/net/listener.hpp>
#include <understudy/plan/plan.hpp>

#include "daemon/given_sockets.hpp"

namespace understudy::daemon {

/// A socket on its way to the process that takes over.
struct passed_socket {
  std::string label;  ///< `NAME@ADDRESS`, see handover_variable
  int fd = -1;        ///< the table's
};

/// The listening sockets of the process. The table keeps a descriptor of each, the workers have
/// copies: so it alone says what is bound, what stays over a reload, and what is passed on. A
/// listener is known by the address that it was told to bind. Control thread.
class listener_table {
 public:
  /// One open listener.
  struct entry {
    std::uint64_t id = 0;
    std::string name;  ///< in the plan
    net::listen_address wanted;
    std::string given_name;  ///< of the activated socket that it is
    std::shared_ptr<const net::listening_sockets> sockets;
  };
  /// A socket for one worker, its own until commit().
  struct worker_socket {
    std::uint64_t id = 0;
    net::owned_socket socket;
    boost::asio::ip::tcp protocol = boost::asio::ip::tcp::v4();
  };
  struct change {
    std::vector<entry> next;                        ///< one for each listener of the plan
    std::vector<std::vector<worker_socket>> fresh;  ///< by worker: of the listeners that are new
    std::vector<std::string> opened, closed;        ///< addresses, for the log
  };

  listener_table(std::vector<listen_override> overrides, unsigned workers)
      : overrides_{std::move(overrides)}, workers_{workers} {}
  void give(std::vector<given_socket> sockets);
  /// The given socket of that name, of the address `NAME=ADDRESS` or of the address, for the admin
  /// listener; empty: none. With a name it is not taken for another one on any free port.
  net::owned_socket take_given(const std::string& name, const net::listen_address& wanted);
  /// Given sockets that no listener has taken are closed, unless they are systemd's; one line each.
  std::vector<std::string> close_unused();

  /// Binds what `wanted` has and the table has not; nothing else changes. The error is one line.
  base::result<change, std::string> prepare(const plan::plan& wanted);
  /// Closes what `next` does not have; returns the sockets for each worker.
  std::vector<std::vector<net::bound_listener>> commit(change&& next);

  std::vector<std::string> addresses() const;
  std::vector<passed_socket> to_pass_on() const;
  void close();

 private:
  net::listen_address address_of(const plan::plan& plan, std::size_t index) const;
  base::result<std::vector<net::listen_address>, std::string> addresses_of(
      const plan::plan& plan) const;
  std::shared_ptr<const net::listening_sockets> given_for(const std::string& name,
                                                          const net::listen_address& wanted,
                                                          std::string& given_name);
  base::result<void, std::string> open(entry& made, change& into);

  std::vector<listen_override> overrides_;
  unsigned workers_;
  std::uint64_t last_id_ = 0;
  std::vector<entry> open_;
  std::vector<given_socket> given_;
  std::set<std::uint16_t> own_ports_;  ///< ever bound: a worker may be about to close one
};

}  // namespace understudy::daemon
