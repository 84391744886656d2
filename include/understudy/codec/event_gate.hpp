#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace understudy::codec {

/// Lets only whole server-sent events through, so that what was let through may be followed by an
/// event of our own at any time. Lines end in LF, CR LF or CR. One stream, one thread.
class event_gate {
 public:
  explicit event_gate(std::size_t max_held_bytes = std::size_t{256} << 10)
      : max_held_bytes_{max_held_bytes} {}

  /// Appends to `out` all but the event that has only begun. An event beyond the limit opens the
  /// gate for good.
  void pass(std::string_view bytes, std::string& out);
  /// The body has ended: what is held goes, too.
  void finish(std::string& out);
  /// False: the gate is open, and part of an event may have passed.
  bool is_between_events() const { return !is_open_; }

 private:
  std::size_t max_held_bytes_;
  std::string held_;
  bool is_open_ = false;
};

/// Where the last event in `bytes` ends; 0: none does.
std::size_t end_of_events(std::string_view bytes);

/// Where the first event in `bytes` ends; their size where none does.
std::size_t end_of_first_event(std::string_view bytes);

}  // namespace understudy::codec
