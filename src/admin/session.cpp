#include "admin/session.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <understudy/telemetry/log.hpp>

namespace understudy::admin {
namespace {

namespace http = boost::beast::http;

constexpr std::uint64_t max_body_bytes = 4'096;  // nothing here reads one
constexpr std::uint32_t max_header_bytes = 16U * 1024;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

request request_of(const http::request<http::string_body>& from, const std::string& client) {
  request r;
  r.client = client;
  r.method = view(from.method_string());
  r.target = view(from.target());
  r.host = view(from[http::field::host]);
  r.authorization = view(from[http::field::authorization]);
  r.accept = view(from[http::field::accept]);
  r.origin = view(from[http::field::origin]);
  r.fetch_site = view(from["sec-fetch-site"]);
  r.last_event_id = view(from["last-event-id"]);
  return r;
}

std::string address_of(const tcp_socket& socket) {
  error_code ec;
  const auto peer = socket.remote_endpoint(ec);
  if (ec) return {};
  const auto address = peer.address();
  const bool is_mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  return is_mapped ? asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string()
                   : address.to_string();
}

reply bad_request(error_code ec) {
  reply out;
  out.status = 400;
  if (ec == http::error::header_limit) out.status = 431;
  if (ec == http::error::body_limit) out.status = 413;
  out.body = "{\"error\":{\"message\":\"the request cannot be read\"}}\n";
  return out;
}

bool is_syntax(error_code ec) {
  return ec.category() == http::make_error_code(http::error::bad_method).category() &&
         ec != http::error::end_of_stream && ec != http::error::partial_message;
}

std::string event_line(const telemetry::event& e) {
  return "id: " + std::to_string(e.id) + "\nevent: " + std::string{telemetry::name(e.kind)} +
         "\ndata: " + telemetry::to_json(e) + "\n\n";
}

}  // namespace

void log_escaped(const std::exception_ptr& thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    telemetry::log::error("admin", e.what());
  } catch (...) {
    telemetry::log::error("admin", "unknown exception");
  }
}

session::session(asio::io_context& context, const session_shared& shared, tcp_socket socket)
    : context_{context},
      shared_{shared},
      client_{address_of(socket)},
      stream_{std::move(socket)},
      buffer_{max_header_bytes + max_body_bytes},
      wake_{std::make_shared<timer>(context.get_executor())} {}

void session::stop() {
  is_stopped_ = true;
  wake_->cancel();
  stream_.close();
}

awaitable<void> session::run(std::shared_ptr<session> self) {
  for (;;) {
    const bool goes_on = co_await self->serve_one();
    if (!goes_on) break;
  }
  error_code ec;
  self->stream_.socket().shutdown(tcp::socket::shutdown_send, ec);
}

awaitable<bool> session::serve_one() {
  http::request_parser<http::string_body> parser;
  parser.header_limit(max_header_bytes);
  parser.body_limit(max_body_bytes);
  stream_.expires_after(shared_.options.request_timeout);
  auto read = co_await http::async_read(stream_, buffer_, parser, use_await);
  if (is_stopped_) co_return false;
  if (const error_code ec = std::get<0>(read)) {
    if (is_syntax(ec)) co_await send(bad_request(ec), 11, false, false);
    co_return false;
  }
  const auto& in = parser.get();
  const auto what = answer(request_of(in, client_), shared_.options.token, shared_.asked);
  if (what.is_event_stream) {
    co_await send_events(what);
    co_return false;
  }
  co_return co_await send(what, in.version(), in.method() == http::verb::head,
                          in.keep_alive() && !shared_.is_ending);
}

awaitable<bool> session::send(const reply& what, unsigned version, bool is_head, bool is_kept) {
  http::response<http::string_body> out;
  out.version(version);
  out.result(static_cast<unsigned>(what.status));
  out.set(http::field::content_type, what.content_type);
  out.set(http::field::cache_control, "no-store");
  out.set("x-content-type-options", "nosniff");
  if (!what.allow.empty()) out.set(http::field::allow, what.allow);
  if (what.status == 401) out.set(http::field::www_authenticate, "Bearer");
  if (!what.content_security_policy.empty()) {
    out.set("content-security-policy", what.content_security_policy);
    out.set("referrer-policy", "no-referrer");
  }
  out.keep_alive(is_kept);
  out.content_length(what.body.size());
  if (!is_head) out.body() = what.body;
  stream_.expires_after(shared_.options.request_timeout);
  auto written = co_await http::async_write(stream_, out, use_await);
  co_return !std::get<0>(written) && is_kept && !is_stopped_;
}

awaitable<bool> session::send_text(std::string text) {
  stream_.expires_after(shared_.options.request_timeout);
  auto written = co_await asio::async_write(stream_, asio::buffer(text), use_await);
  co_return !std::get<0>(written) && !is_stopped_;
}

awaitable<void> session::send_events(const reply& what) {
  // The listener is called on any thread: it only wakes this coroutine, which reads the ring.
  const auto subscription = shared_.asked.events->subscribe(
      [wake = std::weak_ptr{wake_}, on = context_.get_executor()](const telemetry::event&) {
        asio::post(on, [wake] {
          if (const auto alive = wake.lock()) alive->cancel();
        });
      });
  bool is_open = co_await send_text(
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n"
      "x-content-type-options: nosniff\r\nconnection: close\r\n\r\nretry: 2000\n\n");
  auto last = what.events_after;
  while (is_open) {
    std::string text;
    for (const auto& e : shared_.asked.events->since(last)) {
      text += event_line(e);
      last = e.id;
    }
    if (text.empty()) {
      wake_->expires_after(shared_.options.heartbeat);
      auto woken = co_await wake_->async_wait(use_await);
      if (is_stopped_) co_return;
      if (std::get<0>(woken)) continue;  // an event
      text = ": still here\n\n";
    }
    is_open = co_await send_text(std::move(text));
  }
}

}  // namespace understudy::admin
