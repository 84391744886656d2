#pragma once
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include <understudy/net/downstream.hpp>
#include <understudy/net/listener_place.hpp>
#include <understudy/net/receive_request.hpp>
#include <understudy/net/route_request.hpp>
#include <understudy/net/serve_exchange.hpp>
#include <understudy/net/worker_env.hpp>

namespace understudy::net {

/// One client connection: its requests one after the other, until it closes. One worker. The
/// coroutine run() owns all; the worker keeps a pointer for drain.
template <class Net>
class session {
 public:
  using stream = typename Net::stream;

  session(worker_env<Net>& env, std::shared_ptr<connection<stream>> link,
          std::shared_ptr<const listener_place> place, std::string client_address, bool is_tls)
      : env_{env},
        down_{std::move(link), env.timers},
        place_{std::move(place)},
        client_address_{std::move(client_address)},
        is_tls_{is_tls} {
    if (env_.is_draining) down_.end_soon();
  }

  awaitable<void> run() {
    auto& counters = env_.sink.counters();
    const telemetry::active_guard open{counters.downstream_connections_active};
    counters.downstream_connections_total.add();
    bool goes_on = true;
    for (bool is_first = true; goes_on; is_first = false) {
      down_.begin_scope();
      const bool has_request = co_await await_request(is_first);
      if (!has_request || place_->is_closed) break;
      auto state = env_.take_state();
      goes_on = co_await serve_one(*state);
      env_.give_back(std::move(state));
    }
    down_.disarm();
  }

  /// Between requests: close now, or when env.idle_until is over. Within one: finish it, then
  /// close.
  void drain() {
    down_.end_soon();
    if (is_idle_ && is_over()) down_.shut_down();
  }
  void abort() { down_.shut_down(); }
  const listener_place& place() const { return *place_; }

 private:
  static time_point now() { return base::clock::now(); }
  connection<stream>& link() { return down_.link(); }
  bool is_over() const { return down_.is_ending() && now() >= env_.idle_until; }
  const plan::client_limits& limits() const { return env_.active->configuration->limits; }

  struct read_canceller {
    connection<stream>& link;
    void cancel() { link.cancel_read(); }
  };

  /// True when there is something to read. A connection that stays idle gives its buffer back.
  awaitable<bool> await_request(bool is_first) {
    auto& input = link().input();
    if (!input.empty()) co_return true;
    if (is_over()) co_return false;
    is_idle_ = true;
    const time_point limit = now() + (is_first ? limits().request_headers : limits().idle);
    const bool parks = !is_first && !is_tls_ && !link().is_closed();
    const time_point first_limit = parks ? std::min(limit, now() + parking_delay) : limit;
    bool has_bytes = co_await await_bytes(first_limit);
    if (!has_bytes && parks && down_.scope().reason() == cancel_reason::deadline && now() < limit &&
        !link().read_error())
      has_bytes = co_await park(limit);
    is_idle_ = false;
    if (!has_bytes && is_first && down_.scope().reason() == cancel_reason::deadline)
      env_.sink.counters().timeouts.add();
    co_return has_bytes;
  }

  awaitable<bool> await_bytes(time_point deadline) {
    if (!link().is_reading()) link().input().reserve(downstream_buffer_bytes);
    down_.arm(deadline);
    read_canceller canceller{link()};
    const cancel_scope::waiting wait{down_.scope(), canceller};
    auto filled = co_await link().async_fill();
    co_return !std::get<0>(filled);
  }

  awaitable<bool> park(time_point deadline) {
    link().input().release();
    down_.begin_scope();
    down_.arm(deadline);
    {
      read_canceller canceller{link()};
      const cancel_scope::waiting wait{down_.scope(), canceller};
      auto ready = co_await link().async_readable();
      if (std::get<0>(ready) || down_.scope().is_cancelled()) co_return false;
    }
    co_return co_await await_bytes(deadline);
  }

  /// One request and its answer. False: the connection must end.
  awaitable<bool> serve_one(exchange_state& state) {
    auto& record = state.record;
    record.client_address = client_address_;
    state.active = env_.active;
    state.is_client_tls = is_tls_;
    const auto& listener = state.active->configuration->listeners[place_->index];
    record.listener = listener.name;

    request_receiver<stream> receiver{down_, state, state.active->configuration->limits};
    const bool is_received = co_await receive(receiver);
    if (!is_received) co_return false;
    begin_record(state);
    down_.scope().forgive_deadline();
    down_.disarm();
    const telemetry::active_guard active{env_.sink.counters().exchanges_active};
    // From here on the client's leaving is noticed at once. What was read ahead of the next
    // request is put in front of any further read, so there is none until then.
    if (receiver.leftover().empty()) link().start_read();
    if (auto reply = route_request(state, listener)) {
      co_await reply_locally(state, std::move(*reply));
    } else {
      if (const auto idle = state.rule->timeouts.stream_idle) down_.limit_writes(*idle);
      exchange_server<Net> server{env_, down_, state};
      co_await server.serve();
    }
    if (link().has_unsent()) {  // the words of a break; an answer's end was waited for
      const bool is_sent = co_await down_.flush();
      if (!is_sent) state.closes_downstream = true;
    }
    end_record(state);
    if (state.closes_downstream || is_over()) {
      if (down_.scope().reason() < cancel_reason::downstream_gone) co_await linger(state);
      co_return false;
    }
    link().consume(receiver.size_in_buffer());
    restore(receiver.leftover());
    co_return true;
  }

  awaitable<bool> receive(request_receiver<stream>& receiver) {
    using result = typename request_receiver<stream>::result;
    const time_point deadline = now() + limits().request_headers;
    // An empty line before a request is ignored (RFC 9112 §2.2). It may come in two pieces.
    if (link().input().data() == "\r") co_await await_bytes(deadline);
    if (link().input().data().starts_with("\r\n")) link().consume(2);
    result got = receiver.try_head();
    while (got == result::gone) {
      const bool has_more = co_await await_bytes(deadline);
      if (!has_more) {
        if (down_.scope().reason() != cancel_reason::deadline) co_return false;
        receiver.refusal() = request_timed_out();
        got = result::refused;
        break;
      }
      got = receiver.try_head();
    }
    if (got == result::complete) got = co_await receiver.receive_body();
    if (got == result::gone) co_return false;
    if (got == result::complete) co_return true;
    co_await refuse(receiver);
    co_return false;
  }

  awaitable<void> refuse(request_receiver<stream>& receiver) {
    auto& state = receiver.state();
    env_.sink.counters().protocol_errors.add();
    begin_record(state);
    down_.begin_scope();
    state.closes_downstream = true;
    co_await reply_locally(state, std::move(receiver.refusal()));
    end_record(state);
    co_await linger(state);
  }

  void begin_record(exchange_state& state) {
    state.complete_at = now();
    auto& record = state.record;
    record.start = base::wall_now();
    const auto given = state.head.fields.find("x-request-id");
    if (given && codec::is_valid_request_id(*given)) {
      state.request_id.assign(*given);
    } else {
      state.request_id = base::make_uuid(env_.random);
    }
    record.request_id = state.request_id;
    record.method = state.head.method;
    record.path = state.path;
    record.authority = state.target.authority;
    record.request_fields = &state.head.fields;
    record.version = state.head.version;
    record.is_tls = is_tls_;
    record.op = state.op;
    record.bytes_received = state.body.size();
    if (env_.tracer != nullptr) env_.tracer->begin(state.trace, state.head.fields);
  }

  void end_record(exchange_state& state) {
    auto& record = state.record;
    const time_point ended = now();
    record.elapsed = ended - state.complete_at;
    record.model = state.summary.model;
    record.is_stream = state.summary.stream;
    if (state.route != nullptr) {
      record.route = state.route->name;
      record.is_ai = state.route->is_ai;
      record.matched = state.rule;
      state.note_costs();
    }
    env_.log_exchange(record, ended);
    if (state.trace.is_recorded()) env_.tracer->finish(state.trace, record, state.body);
    if (auto* stories = env_.sink.stories())
      stories->add(record, state.card(), state.decisions.story(), state.failures);
  }

  awaitable<void> reply_locally(exchange_state& state, proxy::local_reply reply) {
    if (reply.closes || down_.is_ending()) state.closes_downstream = true;
    auto& record = state.record;
    record.status = reply.status;
    record.details = reply.details;
    if (reply.status == 404 && state.rule == nullptr) record.flags = "NR";
    if (reply.status >= 400)
      record.origin =
          reply.is_client_fault ? telemetry::error_origin::client : telemetry::error_origin::proxy;
    proxy::response_notes notes;
    notes.request_id = state.request_id;
    if (reply.status >= 400) notes.error_origin = telemetry::name(record.origin);
    state.out.clear();
    proxy::append_local_reply(state.out, reply, notes, state.is_head_method,
                              state.closes_downstream);
    record.time_to_first_byte = now() - state.complete_at;
    record.bytes_sent += state.out.size();
    const bool is_taken = co_await down_.send(asio::buffer(state.out));
    if (!is_taken) state.closes_downstream = true;
  }

  /// Closing with unread bytes in the socket would make the kernel reset the connection and take
  /// our last answer with it: end our side, then read until the client has ended its own.
  awaitable<void> linger(exchange_state& state) {
    if (state.is_committed && state.record.details.size() != 0 && state.record.status < 400)
      co_return;  // a cut stream ends at once
    if (is_tls_) {
      if (link().is_reading()) co_return;
      down_.arm(now() + linger_limit);
      const cancel_scope::waiting wait{down_.scope(), link()};
      co_await link().stream().async_end_tls();
      down_.disarm();
    }
    if (!link().end_writing()) co_return;
    std::size_t discarded = 0;
    const time_point deadline = now() + linger_limit;
    while (discarded < linger_bytes && !link().read_error()) {
      auto& input = link().input();
      discarded += input.data().size();
      link().consume(input.data().size());
      const bool has_more = co_await await_bytes(deadline);
      if (!has_more) co_return;
    }
  }

  /// What was read behind a chunked body is the beginning of the next request.
  void restore(std::string& leftover) {
    if (leftover.empty()) return;
    auto& input = link().input();
    input.reserve(leftover.size());
    std::memcpy(input.space(), leftover.data(), leftover.size());
    input.commit(leftover.size());
    leftover.clear();
  }

  static constexpr std::size_t downstream_buffer_bytes = read_buffer::usual_bytes;
  static constexpr std::chrono::seconds parking_delay{1};
  static constexpr std::chrono::seconds linger_limit{1};
  static constexpr std::size_t linger_bytes = 16U * 1024 * 1024;

  worker_env<Net>& env_;
  downstream<stream> down_;
  std::shared_ptr<const listener_place> place_;
  std::string client_address_;
  bool is_tls_;
  bool is_idle_ = false;
};

}  // namespace understudy::net
