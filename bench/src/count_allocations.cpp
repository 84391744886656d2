// A shared object to preload: counts malloc, calloc and realloc of a process in a file that others
// can read while it runs (two 64-bit numbers: calls, bytes asked for). The file is named by
// BENCH_ALLOCATIONS; without it nothing is counted.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

struct counters {
  std::atomic<std::uint64_t> calls;
  std::atomic<std::uint64_t> bytes;
};

counters own;
std::atomic<counters*> shared{&own};

__attribute__((constructor)) void open_file() {
  const char* path = std::getenv("BENCH_ALLOCATIONS");
  if (path == nullptr) return;
  const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || ftruncate(fd, sizeof(counters)) != 0) return;
  void* at = mmap(nullptr, sizeof(counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at != MAP_FAILED) shared = static_cast<counters*>(at);
  close(fd);
}

void note(std::size_t size) {
  counters* into = shared.load(std::memory_order_relaxed);
  into->calls.fetch_add(1, std::memory_order_relaxed);
  into->bytes.fetch_add(size, std::memory_order_relaxed);
}

}  // namespace

// The C library's own names for its allocator, so that no lookup can call back into these.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);

void* malloc(std::size_t size) {
  note(size);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  note(count * size);
  return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
  note(size);
  return __libc_realloc(block, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  note(size);
  return __libc_memalign(alignment, size);
}
}
