#pragma once
#include <memory>
#include <string>
#include <utility>

/// What was secret does not stay behind in freed memory.
namespace understudy::base {

/// While one lives, everything that this thread gives back with `delete` is overwritten first:
/// also what libraries allocate. Elsewhere that costs the reading of one flag. They nest. Not under
/// sanitizers, which have an allocator of their own.
class wipe_scope {
 public:
  wipe_scope() noexcept;
  ~wipe_scope();
  wipe_scope(const wipe_scope&) = delete;
  wipe_scope& operator=(const wipe_scope&) = delete;

 private:
  bool before_;
};

/// For a whole thread that handles configurations and is in no hurry.
void wipe_all_freed_memory() noexcept;

/// An object whose memory, and all that it owns, is overwritten when the last pointer goes,
/// wherever that is.
template <class T, class... Args>
std::shared_ptr<T> make_wiped(Args&&... args) {
  return std::shared_ptr<T>(new T(std::forward<Args>(args)...), [](T* object) {
    const wipe_scope all;
    delete object;
  });
}

/// Empty afterwards, its memory zero; the capacity stays.
void wipe(std::string& text) noexcept;

/// Overwrites what calls that have returned left on the stack of this thread (64 KiB).
void wipe_stack() noexcept;

}  // namespace understudy::base
