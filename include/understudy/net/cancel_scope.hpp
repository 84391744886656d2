#pragma once
#include <cstdint>
#include <utility>

namespace understudy::net {

/// `superseded`: the attempt beside it was quicker.
enum class cancel_reason : std::uint8_t { none, deadline, superseded, downstream_gone, shutdown };

/// What the exchange waits for at the moment, so that its watchdog, or a client that leaves, can
/// end that wait. The reason stays until it is cleared: every phase looks before it begins.
class cancel_scope {
 public:
  /// While it lives, cancel() calls `object.cancel()`.
  template <class Object>
  class waiting {
   public:
    waiting(cancel_scope& scope, Object& object) : scope_{scope} {
      scope_.object_ = &object;
      scope_.call_ = [](void* o) { static_cast<Object*>(o)->cancel(); };
    }
    ~waiting() {
      scope_.object_ = nullptr;
      scope_.call_ = nullptr;
    }
    waiting(const waiting&) = delete;
    waiting& operator=(const waiting&) = delete;

   private:
    cancel_scope& scope_;
  };

  void cancel(cancel_reason why) {
    if (reason_ == cancel_reason::none || why != cancel_reason::deadline) reason_ = why;
    if (call_ != nullptr) std::exchange(call_, nullptr)(object_);
  }
  cancel_reason reason() const { return reason_; }
  bool is_cancelled() const { return reason_ != cancel_reason::none; }
  /// A deadline that was dealt with (a retry follows). A client that has left stays gone.
  void forgive_deadline() {
    if (reason_ == cancel_reason::deadline) reason_ = cancel_reason::none;
  }

 private:
  void* object_ = nullptr;
  void (*call_)(void*) = nullptr;
  cancel_reason reason_ = cancel_reason::none;
};

}  // namespace understudy::net
