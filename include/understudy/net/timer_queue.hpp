#pragma once
#include <cstdint>
#include <vector>

#include <understudy/base/clock.hpp>

namespace understudy::net {

using base::time_point;

/// Every timeout of one worker, ordered by (deadline, sequence). Moving a deadline later is an
/// assignment: the entry stays where it is and is looked at again when its old time comes.
/// Virtual time drives it exactly: ties fire in the order in which they were armed.
class timer_queue {
 public:
  static constexpr time_point never = time_point::max();

  /// Owned by whoever waits; disarms itself when destroyed. Pinned in memory while armed.
  class entry {
   public:
    using callback = void (*)(entry&);
    entry(timer_queue& queue, callback on_due) : queue_{queue}, on_due_{on_due} {}
    ~entry() { queue_.remove(*this); }
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;

    void arm(time_point deadline) { queue_.arm(*this, deadline); }
    void disarm() { wanted_ = never; }
    time_point deadline() const { return wanted_; }

   private:
    friend class timer_queue;
    static constexpr std::size_t nowhere = ~std::size_t{0};
    timer_queue& queue_;
    callback on_due_;
    time_point wanted_ = never;          ///< when it is to fire
    time_point key_ = never;             ///< where it stands in the heap: never later than wanted_
    std::uint64_t sequence_ = 0;         ///< of key_
    std::uint64_t wanted_sequence_ = 0;  ///< of wanted_: when it was armed
    std::size_t index_ = nowhere;
  };

  /// Told when the earliest deadline has become earlier; drives the real or the virtual clock.
  class driver {
   public:
    virtual ~driver() = default;
    virtual void wake_at(time_point earliest) = 0;
  };

  void attach(driver* d) { driver_ = d; }
  /// Earliest time at which run_due() has something to look at; `never` when empty.
  time_point next() const { return heap_.empty() ? never : heap_.front()->key_; }
  void run_due(time_point now);
  std::size_t size() const { return heap_.size(); }

 private:
  void arm(entry& e, time_point deadline);
  void remove(entry& e);
  void place(std::size_t index, entry* e);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);
  static bool is_before(const entry& a, const entry& b) {
    return a.key_ != b.key_ ? a.key_ < b.key_ : a.sequence_ < b.sequence_;
  }

  std::vector<entry*> heap_;
  std::uint64_t next_sequence_ = 0;
  driver* driver_ = nullptr;
};

}  // namespace understudy::net
