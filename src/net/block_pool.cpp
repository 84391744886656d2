#include <sys/mman.h>

#include <exception>
#include <new>
#include <vector>

#include <understudy/net/block_pool.hpp>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define UNDERSTUDY_PLAIN_BLOCKS
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define UNDERSTUDY_PLAIN_BLOCKS
#endif

namespace understudy::net::block_pool {

#ifdef UNDERSTUDY_PLAIN_BLOCKS  // where every use of freed memory is to be seen

char* take() { return new char[block_bytes]; }
void give_back(char* block) noexcept { delete[] block; }

#else
namespace {

constexpr std::size_t blocks_at_a_time = 32;

thread_local bool has_ended = false;  // outlives the pool of its thread

/// Free blocks of a thread.
class pool {
 public:
  pool() = default;
  ~pool() {
    for (auto* list : {&warm_, &cold_})
      for (char* block : *list) ::munmap(block, block_bytes);
    has_ended = true;
  }
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  char* take() {
    auto& from = warm_.empty() ? cold_ : warm_;
    if (from.empty()) return map_more();
    char* block = from.back();
    from.pop_back();
    return block;
  }

  void give_back(char* block) noexcept {
    if (warm_.size() < max_warm_blocks) return warm_.push_back(block);
    ::madvise(block, block_bytes, MADV_DONTNEED);
    cold_.push_back(block);
  }

 private:
  char* map_more() {
    constexpr std::size_t size = blocks_at_a_time * block_bytes;
    void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) std::terminate();
    auto* first = static_cast<char*>(at);
    for (std::size_t i = 1; i < blocks_at_a_time; ++i) cold_.push_back(first + i * block_bytes);
    return first;
  }

  std::vector<char*> warm_, cold_;
};

thread_local pool own;

}  // namespace

char* take() { return own.take(); }
void give_back(char* block) noexcept {
  if (has_ended) {
    ::munmap(block, block_bytes);
  } else {
    own.give_back(block);
  }
}

#endif

}  // namespace understudy::net::block_pool
