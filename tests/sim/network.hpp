#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "sim/event_queue.hpp"

namespace sim {

/// How one direction of a connection treats bytes.
struct weather {
  duration min_delay = microseconds{100};
  duration max_delay = milliseconds{2};
  std::size_t max_piece = 0;  ///< longer writes arrive in pieces of up to this; 0: never cut
  std::size_t window = std::size_t{256} << 10;  ///< bytes on the way or unread
};

enum class end_kind : std::uint8_t { none, eof, reset };

/// A connection in memory: two directions, each in order, each with its own weather. Its far ends
/// are told of what arrives in events of the queue. Lives while somebody holds it or something is
/// on the way.
class wire : public std::enable_shared_from_this<wire> {
 public:
  enum side : std::uint8_t { proxy, peer };
  class listener {
   public:
    virtual void on_bytes() = 0;
    virtual void on_end(end_kind how) = 0;
    virtual void on_room() = 0;

   protected:
    ~listener() = default;
  };

  /// `seed`: of its own chance, so that what happens to one does not change another.
  wire(event_queue& events, std::uint64_t seed, const weather& up, const weather& down, int id);
  ~wire();
  wire(const wire&) = delete;
  wire& operator=(const wire&) = delete;
  static int alive();  ///< wires of this thread that exist

  int id() const { return id_; }
  void listen(side s, listener* l) { listeners_[s] = l; }
  void keep(std::shared_ptr<void> owned) { kept_ = std::move(owned); }

  /// Takes what there is room for.
  std::size_t write(side from, std::string_view bytes);
  std::size_t room(side from) const;
  bool can_write(side from) const;
  /// FIN or RST behind all that was written.
  void end(side from, end_kind how);
  /// Both directions. What is unread makes it a reset, as a kernel does.
  void close(side from);
  bool is_closed(side by) const { return flows_[1 - by].is_receiver_gone; }

  std::string_view unread(side to) const { return flows_[1 - to].inbox; }
  void consume(side to, std::size_t n);
  /// The end has come and nothing is unread.
  end_kind arrived_end(side to) const { return flows_[1 - to].arrived_end; }
  time_point end_arrived_at(side to) const { return flows_[1 - to].end_at; }

 private:
  struct flow {
    weather how;
    std::string inbox;
    std::size_t on_the_way = 0;
    time_point last_arrival{};
    bool is_ended = false;   ///< by its sender
    bool is_broken = false;  ///< its sender has been told that nobody reads
    bool is_receiver_gone = false;
    bool is_room_told = false;
    end_kind arrived_end = end_kind::none;
    time_point end_at = time_point::max();
  };

  time_point arrival(flow& f);
  void arrive(side from, std::string_view piece);
  void arrive_end(side from, end_kind how);

  event_queue& events_;
  dice chance_;
  flow flows_[2];  ///< by sender
  listener* listeners_[2] = {nullptr, nullptr};
  std::shared_ptr<void> kept_;
  int id_;
};

}  // namespace sim
