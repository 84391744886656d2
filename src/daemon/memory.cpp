#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include <understudy/daemon/memory.hpp>
#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace understudy::daemon {

void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int kept_bytes = 16 * 1024 * 1024;
  constexpr int mapped_from_bytes = 4 * 1024 * 1024;
  ::mallopt(M_TRIM_THRESHOLD, kept_bytes);
  ::mallopt(M_MMAP_THRESHOLD, mapped_from_bytes);
#endif
}

void forget_start() {
  const auto forget_code = [](dl_phdr_info* module, std::size_t, void*) {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < module->dlpi_phnum; ++i) {
      const auto& segment = module->dlpi_phdr[i];
      const bool is_code = segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
                           (segment.p_flags & PF_W) == 0;
      if (!is_code || module->dlpi_addr == 0) continue;
      const auto at = module->dlpi_addr + segment.p_vaddr;
      const auto begin = (at + page - 1) / page * page;
      const auto end = (at + segment.p_filesz) / page * page;
      if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
    }
    return 0;
  };
  ::dl_iterate_phdr(forget_code, nullptr);
}

}  // namespace understudy::daemon
