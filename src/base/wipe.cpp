#include <understudy/base/wipe.hpp>

#include <malloc.h>
#include <string.h>

#include <array>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNDERSTUDY_OWN_DELETE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define UNDERSTUDY_OWN_DELETE 0
#endif
#endif
#ifndef UNDERSTUDY_OWN_DELETE
#define UNDERSTUDY_OWN_DELETE 1
#endif

namespace understudy::base {
namespace {

constinit thread_local bool wipes = false;

#if UNDERSTUDY_OWN_DELETE
void give_back(void* memory) noexcept {
  if (wipes && memory != nullptr) ::explicit_bzero(memory, ::malloc_usable_size(memory));
  std::free(memory);
}
#endif

}  // namespace

wipe_scope::wipe_scope() noexcept : before_{std::exchange(wipes, true)} {}
wipe_scope::~wipe_scope() { wipes = before_; }

void wipe_all_freed_memory() noexcept { wipes = true; }

void wipe(std::string& text) noexcept {
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

[[gnu::noinline]] void wipe_stack() noexcept {
  std::array<char, 64U * 1024> below;
  ::explicit_bzero(below.data(), below.size());
}

}  // namespace understudy::base

#if UNDERSTUDY_OWN_DELETE
// `new` is the library's, which is malloc.
void operator delete(void* memory) noexcept { understudy::base::give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { understudy::base::give_back(memory); }
void operator delete[](void* memory) noexcept { understudy::base::give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { understudy::base::give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept {
  understudy::base::give_back(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  understudy::base::give_back(memory);
}
#endif
