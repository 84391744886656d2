#include <understudy/net/acceptors.hpp>

#include <algorithm>

#include <boost/asio/co_spawn.hpp>

#include <understudy/net/shortage.hpp>
#include <understudy/net/sleeper.hpp>
#include <understudy/telemetry/log.hpp>

namespace understudy::net {
namespace {

constexpr std::chrono::milliseconds accept_pause{100};

}  // namespace

struct acceptors::door {
  door(asio::io_context& context, const bound_listener& bound, shared_place where)
      : from{context, bound.protocol, bound.fd}, place{std::move(where)} {}
  acceptor from;
  shared_place place;
  bool is_running = false;
};

acceptors::acceptors(asio::io_context& context, timer_queue& timers, host h)
    : context_{context}, timers_{timers}, host_{std::move(h)} {}

acceptors::~acceptors() = default;

void acceptors::add(const bound_listener& bound) {
  auto known = std::ranges::find(places_, bound.id, [](const auto& p) { return p->id; });
  if (known == places_.end()) {
    known = places_.insert(places_.end(), std::make_shared<listener_place>());
    (*known)->id = bound.id;
  }
  doors_.push_back(std::make_shared<door>(context_, bound, *known));
}

std::vector<acceptors::shared_place> acceptors::assign(
    const std::vector<worker_listener>& listeners) {
  std::vector<shared_place> ending;
  for (const auto& place : places_) {
    const auto at = std::ranges::find(listeners, place->id, &worker_listener::id);
    place->is_closed = at == listeners.end();
    const bool was_tls = place->tls != nullptr;
    place->tls = place->is_closed ? nullptr : at->tls;
    place->index = static_cast<std::size_t>(at - listeners.begin());
    if (place->is_closed || was_tls != (place->tls != nullptr)) ending.push_back(place);
  }
  std::erase_if(doors_, [](const auto& d) {
    error_code ignored;
    if (d->place->is_closed) d->from.close(ignored);
    return d->place->is_closed;
  });
  std::erase_if(places_, [](const auto& p) { return p->is_closed; });
  if (is_started_)
    for (const auto& d : doors_) run(d);
  return ending;
}

void acceptors::start() {
  is_started_ = true;
  for (const auto& d : doors_) run(d);
}

void acceptors::close() {
  for (const auto& d : doors_) {
    error_code ignored;
    d->from.close(ignored);
  }
  doors_.clear();
}

void acceptors::run(const std::shared_ptr<door>& from) {
  if (std::exchange(from->is_running, true)) return;
  ++loops_;
  asio::co_spawn(context_, accept_loop(from), [this](const std::exception_ptr& escaped) {
    --loops_;
    if (escaped) telemetry::log::error("net", "accepting ended by an exception");
    host_.ended();
  });
}

awaitable<void> acceptors::accept_loop(std::shared_ptr<door> from) {
  while (from->from.is_open()) {
    asio::basic_stream_socket<asio::ip::tcp, executor> accepted{context_};
    asio::ip::tcp::endpoint peer;
    error_code ec;
    if (!host_.is_full()) {
      auto result = co_await from->from.async_accept(accepted, peer, use_await);
      ec = std::get<0>(result);
      if (!ec) {
        // Also where the socket has been closed meanwhile: this client has been let in.
        if (std::exchange(is_failing_, false))
          telemetry::log::info("net", "connections are accepted again");
        host_.begin(socket{std::move(accepted)}, peer, from->place);
        continue;
      }
      if (ec == asio::error::operation_aborted) co_return;
      if (!is_shortage(ec))
        telemetry::log::warning("net", "accept failed: " + ec.message());
      else if (!std::exchange(is_failing_, true))
        telemetry::log::warning("net", "connections have to wait: " + ec.message() +
                                           "; raise the limit (LimitNOFILE, ulimit -n)");
    }
    sleeper pause{timers_};
    co_await pause.async_wait_until(base::clock::now() + accept_pause);
  }
}

}  // namespace understudy::net
