#pragma once
#include <cstddef>

/// Memory of read buffers: blocks of two pages. A connection that reads little touches one of them,
/// and a block that is given back leaves no hole between things that live longer. One pool a
/// thread; a block may be given back by another thread than took it.
namespace understudy::net::block_pool {

inline constexpr std::size_t block_bytes = 8192;
/// Blocks that a thread keeps with their pages; those beyond go back to the system but for their
/// addresses.
inline constexpr std::size_t max_warm_blocks = 256;

/// Not initialised. Ends the process when there is no memory.
char* take();
void give_back(char* block) noexcept;

}  // namespace understudy::net::block_pool
