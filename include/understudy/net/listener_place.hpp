#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace understudy::net {

class tls_server;

/// What the connections of one listener need to know of it, kept up to date by their worker while
/// plans come and go. One worker.
struct listener_place {
  std::uint64_t id = 0;             ///< bound_listener::id
  std::size_t index = 0;            ///< in the listeners of the newest plan
  std::shared_ptr<tls_server> tls;  ///< for new connections; null: clear text
  bool is_closed = false;           ///< in no plan any more: its connections end
};

}  // namespace understudy::net
