#include "sim/network.hpp"

namespace sim {
namespace {

thread_local int wires_alive = 0;
constexpr std::size_t most_pieces = 64;  // of one write

constexpr wire::side other(wire::side s) { return s == wire::proxy ? wire::peer : wire::proxy; }

}  // namespace

wire::wire(event_queue& events, std::uint64_t seed, const weather& up, const weather& down, int id)
    : events_{events}, chance_{seed * 1'000'003 + static_cast<std::uint64_t>(id)}, id_{id} {
  flows_[proxy].how = up;
  flows_[peer].how = down;
  ++wires_alive;
}

wire::~wire() { --wires_alive; }

int wire::alive() { return wires_alive; }

time_point wire::arrival(flow& f) {
  const auto due = base::clock::now() + chance_.between(f.how.min_delay, f.how.max_delay);
  f.last_arrival = std::max(f.last_arrival, due);
  return f.last_arrival;
}

std::size_t wire::room(side from) const {
  const flow& f = flows_[from];
  const std::size_t used = f.inbox.size() + f.on_the_way;
  return used < f.how.window ? f.how.window - used : 0;
}

bool wire::can_write(side from) const { return !flows_[from].is_ended && !flows_[from].is_broken; }

std::size_t wire::write(side from, std::string_view bytes) {
  if (!can_write(from)) return 0;
  flow& f = flows_[from];
  const std::size_t taken = std::min(room(from), bytes.size());
  bytes = bytes.substr(0, taken);
  f.on_the_way += taken;
  while (!bytes.empty()) {
    std::size_t n = bytes.size();
    if (f.how.max_piece != 0)
      n = std::min(n, taken / most_pieces + 1 + chance_.below(f.how.max_piece));
    events_.at(
        arrival(f),
        [self = shared_from_this(), from, piece = std::string{bytes.substr(0, n)}] {
          self->arrive(from, piece);
        },
        from == peer);
    bytes.remove_prefix(n);
  }
  return taken;
}

void wire::end(side from, end_kind how) {
  flow& f = flows_[from];
  if (f.is_ended) return;
  f.is_ended = true;
  events_.at(
      arrival(f), [self = shared_from_this(), from, how] { self->arrive_end(from, how); },
      from == peer);
}

void wire::close(side from) {
  flow& in = flows_[other(from)];
  if (in.is_receiver_gone) return;
  in.is_receiver_gone = true;
  listeners_[from] = nullptr;
  end(from, in.inbox.empty() ? end_kind::eof : end_kind::reset);
  in.inbox.clear();
}

void wire::consume(side to, std::size_t n) {
  const side from = other(to);
  flow& f = flows_[from];
  f.inbox.erase(0, n);
  if (f.is_room_told || n == 0) return;
  f.is_room_told = true;
  events_.after(
      f.how.min_delay,
      [self = shared_from_this(), from] {
        self->flows_[from].is_room_told = false;
        if (auto* l = self->listeners_[from]) l->on_room();
      },
      from == proxy);
}

void wire::arrive(side from, std::string_view piece) {
  flow& f = flows_[from];
  f.on_the_way -= piece.size();
  if (f.is_receiver_gone) {  // nobody reads: the sender is told
    if (flows_[from].is_broken) return;
    flow& back = flows_[other(from)];
    events_.at(
        arrival(back),
        [self = shared_from_this(), from] { self->arrive_end(other(from), end_kind::reset); },
        from == proxy);
    return;
  }
  f.inbox.append(piece);
  if (auto* l = listeners_[other(from)]) l->on_bytes();
}

void wire::arrive_end(side from, end_kind how) {
  flow& f = flows_[from];
  if (f.arrived_end == end_kind::none || how == end_kind::reset) {
    if (f.arrived_end == end_kind::none) f.end_at = base::clock::now();
    f.arrived_end = how;
  }
  if (how == end_kind::reset) flows_[other(from)].is_broken = true;
  if (auto* l = listeners_[other(from)]) l->on_end(how);
}

}  // namespace sim
