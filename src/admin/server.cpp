#include <understudy/admin/server.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>

#include <list>
#include <set>

#include <understudy/telemetry/log.hpp>

#include "admin/session.hpp"

namespace understudy::admin {

/// Kept alive by its coroutines; stop() is what ends them.
struct server::impl : std::enable_shared_from_this<impl> {
  impl(asio::io_context& c, server_options o, hooks h)
      : context{c},
        shared{std::move(o), std::move(h)},
        acceptor{c.get_executor()},
        pause{c.get_executor()} {}

  static awaitable<void> accept(std::shared_ptr<impl> self);
  void begin(tcp_socket socket);

  asio::io_context& context;
  session_shared shared;
  asio::basic_socket_acceptor<tcp, executor> acceptor;
  timer pause;
  std::set<std::shared_ptr<session>> sessions;
  bool is_stopped = false;
};

void log_audit(const audit_entry& entry) {
  namespace log = telemetry::log;
  constexpr int first_refusal = 400;
  const bool is_done = entry.status < first_refusal;
  const auto status = std::to_string(entry.status);
  log::write(is_done ? log::level::info : log::level::warning, "audit",
             "operator action " + entry.action + (is_done ? ": done" : ": refused"),
             {{"client", entry.client},
              {"action", entry.action},
              {"target", entry.target},
              {"status", status}});
}

server::server(asio::io_context& context, server_options options, hooks h)
    : impl_{std::make_shared<impl>(context, std::move(options), std::move(h))} {}

server::~server() { stop(); }

base::result<void, std::string> server::start() {
  const auto& options = impl_->shared.options;
  const auto& address = options.address;
  if (!address.address().is_loopback() && options.token.empty())
    return std::string{"the admin listener is reachable from elsewhere; give it --admin-token"};
  error_code ec;
  auto& acceptor = impl_->acceptor;
  if (options.listening >= 0) {
    acceptor.assign(address.protocol(), options.listening, ec);
  } else {
    acceptor.open(address.protocol(), ec);
    if (!ec) acceptor.set_option(asio::socket_base::reuse_address{true}, ec);
    if (!ec) acceptor.bind(address, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  }
  if (ec) return "the admin listener cannot be bound: " + ec.message();
  asio::co_spawn(impl_->context.get_executor(), impl::accept(impl_), log_escaped);
  return {};
}

tcp::endpoint server::local_endpoint() const {
  error_code ec;
  return impl_->acceptor.local_endpoint(ec);
}

int server::listening_descriptor() const { return impl_->acceptor.native_handle(); }

void server::hand_over() {
  impl_->shared.is_ending = true;
  error_code ec;
  impl_->acceptor.close(ec);
}

void server::stop() {
  impl_->is_stopped = true;
  error_code ec;
  impl_->acceptor.close(ec);
  impl_->pause.cancel();
  for (const auto& s : impl_->sessions) s->stop();
}

awaitable<void> server::impl::accept(std::shared_ptr<impl> self) {
  while (!self->is_stopped) {
    auto accepted = co_await self->acceptor.async_accept(use_await);
    if (self->is_stopped) co_return;
    if (std::get<0>(accepted) && !self->acceptor.is_open()) co_return;
    if (std::get<0>(accepted)) {
      // Out of descriptors, most likely: without a pause this would be a busy loop.
      self->pause.expires_after(std::chrono::milliseconds{100});
      co_await self->pause.async_wait(use_await);
      continue;
    }
    if (self->sessions.size() < self->shared.options.max_connections)
      self->begin(std::move(std::get<1>(accepted)));
  }
}

void server::impl::begin(tcp_socket socket) {
  auto made = std::make_shared<session>(context, shared, std::move(socket));
  sessions.insert(made);
  asio::co_spawn(context.get_executor(), session::run(made),
                 [self = shared_from_this(), made](const std::exception_ptr& thrown) {
                   self->sessions.erase(made);
                   log_escaped(thrown);
                 });
}

}  // namespace understudy::admin
