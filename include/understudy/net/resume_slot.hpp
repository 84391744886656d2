#pragma once
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include <understudy/net/types.hpp>

namespace understudy::net {

/// Holds the completion handler of the one coroutine that waits here, without allocating.
/// Calling it empties the slot first, so that the coroutine may wait here again at once.
/// One thread; a slot destroyed while full destroys the waiting coroutine.
class resume_slot {
 public:
  resume_slot() = default;
  resume_slot(const resume_slot&) = delete;
  resume_slot& operator=(const resume_slot&) = delete;
  ~resume_slot() { reset(); }

  explicit operator bool() const { return ops_ != nullptr; }

  template <class Handler>
  void set(Handler&& handler) {
    using stored = std::decay_t<Handler>;
    static_assert(sizeof(stored) <= sizeof(storage_));
    static_assert(alignof(stored) <= alignof(std::max_align_t));
    ::new (static_cast<void*>(storage_)) stored(std::forward<Handler>(handler));
    static constexpr operations table{[](void* at, error_code ec) {
                                        stored handler_now{std::move(*static_cast<stored*>(at))};
                                        static_cast<stored*>(at)->~stored();
                                        std::move(handler_now)(ec);
                                      },
                                      [](void* at) { static_cast<stored*>(at)->~stored(); }};
    ops_ = &table;
  }

  void operator()(error_code ec) {
    const operations* ops = std::exchange(ops_, nullptr);
    ops->invoke(storage_, ec);
  }

 private:
  struct operations {
    void (*invoke)(void*, error_code);
    void (*destroy)(void*);
  };

  void reset() {
    if (ops_ != nullptr) std::exchange(ops_, nullptr)->destroy(storage_);
  }

  const operations* ops_ = nullptr;
  alignas(std::max_align_t) std::byte storage_[64];
};

}  // namespace understudy::net
