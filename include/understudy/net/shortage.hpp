#pragma once
#include <understudy/net/types.hpp>

namespace understudy::net {

/// True where this process or this system is out of something that any socket needs. Waiting helps,
/// and no peer is to blame. Local ports (EADDRNOTAVAIL) are no such thing: they are missing towards
/// one address only, and the same error says that this machine has no way there at all.
inline bool is_shortage(const error_code& ec) {
  return ec == asio::error::no_descriptors || ec == boost::system::errc::too_many_files_open ||
         ec == boost::system::errc::too_many_files_open_in_system ||
         ec == asio::error::no_buffer_space || ec == asio::error::no_memory;
}

}  // namespace understudy::net
