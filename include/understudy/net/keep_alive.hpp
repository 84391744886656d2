#pragma once
#include <array>
#include <string>

#include <understudy/net/chunks.hpp>
#include <understudy/net/downstream.hpp>
#include <understudy/net/worker_env.hpp>
#include <understudy/proxy/downstream_head.hpp>

namespace understudy::net {

/// `firstToken.keepAlive`: a client with a short read timeout gets the head of its stream, and a
/// comment in it again and again, before there is an answer. What fails from then on can only be
/// told in the stream.
template <class Net>
class keep_alive {
 public:
  keep_alive(worker_env<Net>& env, downstream<typename Net::stream>& down, exchange_state& state)
      : down_{down}, state_{state}, timer_{env.timers, *this} {}
  ~keep_alive() { stop(); }

  void start() {
    const auto& every = state_.rule->failover.keep_alive;
    if (every && state_.rule->is_ai && state_.summary.stream) timer_.arm(now() + *every);
  }
  void stop() { timer_.disarm(); }

 private:
  static time_point now() { return base::clock::now(); }

  void speak() {
    auto& link = down_.link();
    if (link.is_closed() || link.write_error()) return;
    timer_.arm(now() + *state_.rule->failover.keep_alive);
    if (link.is_writing()) return;  // it does not even take what it has
    text_.clear();
    if (!state_.is_head_sent) append_head();
    append_chunk(text_, ": waiting for the model\n\n");
    state_.record.bytes_sent += text_.size();
    const std::array<asio::const_buffer, 1> pieces{asio::buffer(text_)};
    link.start_write(pieces);
  }

  void append_head() {
    codec::response_head head;
    head.status = 200;
    head.reason = "OK";
    proxy::response_length length;
    length.is_chunked = true;
    proxy::response_notes notes;
    notes.request_id = state_.request_id;
    notes.is_ai = true;
    notes.attempts = state_.decisions.attempts();
    const std::vector<codec::owned_field> set{{"content-type", "text/event-stream"},
                                              {"cache-control", "no-cache"}};
    proxy::append_downstream_head(text_, head, set, &state_.rule->response_headers, length, notes,
                                  state_.closes_downstream);
    state_.record.status = 200;
    state_.record.time_to_first_byte = now() - state_.complete_at;
    state_.is_committed = state_.is_head_sent = true;
  }

  struct timer : timer_queue::entry {
    timer(timer_queue& timers, keep_alive& k)
        : entry{timers, [](entry& e) { static_cast<timer&>(e).owner.speak(); }}, owner{k} {}
    keep_alive& owner;
  };

  downstream<typename Net::stream>& down_;
  exchange_state& state_;
  timer timer_;
  std::string text_;
};

}  // namespace understudy::net
