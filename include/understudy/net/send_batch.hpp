#pragma once
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include <understudy/net/types.hpp>
#include <understudy/telemetry/worker_counters.hpp>

namespace understudy::net {

/// Small sends of one turn of a worker's event loop, kept and made one after the other behind what
/// the loop has read already: whoever reads them on this machine is woken once for many, and a
/// wake-up costs the sender more than the send. It waits for no time and for no peer. With few
/// exchanges open there is nothing to gather, and everything is sent at once. One thread.
class send_batch {
 public:
  /// Whose bytes they are. `send_batched` is called once for each add(); it adds nothing itself.
  class sender {
   public:
    virtual void send_batched(std::string_view bytes) = 0;

   protected:
    ~sender() = default;
  };

  using slot = unsigned;
  static constexpr slot none = 0;
  static constexpr std::size_t max_bytes = 3072;  ///< of one send

  /// Gathers while at least `least` exchanges are under way.
  send_batch(executor where, const telemetry::owned_counter& exchanges, std::int64_t least = 4)
      : executor_{where}, exchanges_{exchanges}, least_{least} {}
  send_batch(const send_batch&) = delete;
  send_batch& operator=(const send_batch&) = delete;

  bool is_gathering() const { return exchanges_.value() >= least_; }

  /// Keeps a copy of at most max_bytes, or nothing where `who` has the bytes itself; `who` stays
  /// until it has sent them.
  slot add(sender& who, std::span<const asio::const_buffer> pieces);
  /// Out of turn: before something that must come after it.
  void send_now(slot which);
  /// For a sender that is gone.
  void forget(slot which) { entries_[which - 1].who = nullptr; }

 private:
  static constexpr std::size_t most = 16;

  struct entry {
    sender* who = nullptr;
    std::size_t at = 0;
    std::size_t size = 0;
  };

  void send_all();
  void send(entry& e);

  executor executor_;
  const telemetry::owned_counter& exchanges_;
  std::int64_t least_;
  bool is_posted_ = false;
  std::size_t count_ = 0;
  std::size_t filled_ = 0;
  std::array<entry, most> entries_;
  std::array<char, most * max_bytes> bytes_;
};

}  // namespace understudy::net
