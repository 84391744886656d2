#include <understudy/admin/health_check.hpp>
#include <understudy/admin/server.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <future>
#include <thread>

#include "catch.hpp"

using namespace understudy;
using namespace understudy::admin;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

/// A server on a free loopback port, on a thread of its own.
class running {
 public:
  explicit running(std::string token = {}, std::size_t max_connections = 64,
                   std::chrono::milliseconds timeout = 10s) {
    server_options options;
    options.address = {asio::ip::address_v4::loopback(), 0};
    options.token = std::move(token);
    options.max_connections = max_connections;
    options.request_timeout = timeout;
    options.heartbeat = 20ms;
    hooks h;
    h.is_ready = [this] { return is_ready.load(); };
    h.status_json = [] { return std::string(100'000, ' ') + "{}"; };
    h.drain = [this] { is_ready = false; };
    h.events = &ring;
    server_ = std::make_unique<server>(context_, std::move(options), std::move(h));
    if (!server_->start()) throw std::runtime_error("bind");
    address = server_->local_endpoint();
    thread_ = std::thread{[this] { context_.run(); }};
  }
  ~running() {
    asio::post(context_, [this] { server_->stop(); });
    thread_.join();  // hangs where stop() leaves anything behind
  }

  std::atomic<bool> is_ready{true};
  telemetry::event_ring ring;
  tcp::endpoint address;

 private:
  asio::io_context context_{1};
  std::unique_ptr<server> server_;
  std::thread thread_;
};

struct client {
  explicit client(const running& to) : socket{context} {
    socket.connect(to.address);
    const timeval limit{5, 0};
    ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  void send(std::string_view text) { asio::write(socket, asio::buffer(text)); }
  /// Until `end` has come, the peer closes, or 5 s have passed.
  std::string read_until(std::string_view end) {
    std::string text;
    char buffer[4096];
    while (text.find(end) == std::string::npos) {
      const auto n = ::recv(socket.native_handle(), buffer, sizeof buffer, 0);
      if (n <= 0) break;
      text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
  }
  std::string read_all() { return read_until("\x01 never comes"); }

  asio::io_context context;
  tcp::socket socket;
};

std::string get(const running& from, const std::string& path, const std::string& fields = {}) {
  client c{from};
  c.send("GET " + path + " HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n" + fields + "\r\n");
  return c.read_all();
}

}  // namespace

TEST_CASE("paths over a real socket") {
  const running r;
  CHECK(get(r, "/health").starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(get(r, "/nowhere").starts_with("HTTP/1.1 404 Not Found\r\n"));
  CHECK(get(r, "/status").size() > 100'000);
  const auto page = get(r, "/");
  CHECK(page.find("content-security-policy: default-src 'none'") != std::string::npos);
  CHECK(page.find("x-content-type-options: nosniff\r\n") != std::string::npos);
  CHECK(page.ends_with("</html>\n"));
  CHECK(get(r, "/drain").find("Allow: POST\r\n") != std::string::npos);
}

TEST_CASE("connections are kept, HEAD has no body, pipelining keeps its order") {
  const running r;
  client c{r};
  c.send(
      "HEAD /health HTTP/1.1\r\nhost: localhost\r\n\r\n"
      "GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n"
      "POST /drain HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}"
      "GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
  const auto all = c.read_all();
  const auto first = all.find("HTTP/1.1 200 OK");
  const auto second = all.find("HTTP/1.1 200 OK", first + 1);
  CHECK(all.substr(first, second - first).ends_with("\r\n\r\n"));
  CHECK(all.find("Content-Length: 3\r\n") < second);
  CHECK(all.find("HTTP/1.1 202 Accepted") > second);
  CHECK(all.ends_with("not ready\n"));
}

TEST_CASE("what cannot be read is refused") {
  const running r;
  struct row {
    std::string request;
    std::string_view answer;
  };
  const row rows[] = {
      {"nonsense\r\n\r\n", "HTTP/1.1 400 "},
      {"GET / HTTP/1.1\r\nx: " + std::string(20'000, 'y') + "\r\n\r\n", "HTTP/1.1 431 "},
      {"POST /drain HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\n",
       "HTTP/1.1 413 "},
  };
  for (const auto& row : rows) {
    client c{r};
    c.send(row.request);
    CHECK(c.read_until("\r\n\r\n").starts_with(row.answer));
  }
  CHECK(r.is_ready);
}

TEST_CASE("a slow request and an idle connection end") {
  const running r{"", 64, 50ms};
  client c{r};
  c.send("GET /health HT");
  CHECK(c.read_all().empty());
}

TEST_CASE("connections beyond the limit are closed, and places come free") {
  const running r{"", 2};
  {
    client one{r};
    client two{r};
    one.send("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
    CHECK(one.read_until("ok\n").ends_with("ok\n"));
    two.send("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
    CHECK(two.read_until("ok\n").ends_with("ok\n"));
    client three{r};
    CHECK(three.read_all().empty());
  }
  for (int i = 0; i < 200; ++i) {
    if (get(r, "/health").ends_with("ok\n")) break;
    std::this_thread::yield();
  }
  CHECK(get(r, "/health").ends_with("ok\n"));
}

TEST_CASE("events come as they happen, from any thread, and after a reconnect") {
  running r;
  telemetry::event e;
  e.kind = telemetry::event_kind::reload;
  e.message = "before";
  r.ring.publish(e);
  client c{r};
  c.send("GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const auto head = c.read_until("\"before\"}\n\n");
  CHECK(head.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"));
  CHECK(head.find("id: 1\nevent: reload\ndata: {") != std::string::npos);
  CHECK(c.read_until(": still here\n\n").find(": still here\n\n") != std::string::npos);
  for (int i = 0; i < 20; ++i) {
    e.message = "number " + std::to_string(i) + ".";
    r.ring.publish(e);
  }
  CHECK(c.read_until("number 19.\"}\n\n").find("number 0.") != std::string::npos);

  client again{r};
  again.send("GET /events HTTP/1.1\r\nhost: localhost\r\nlast-event-id: 20\r\n\r\n");
  const auto rest = again.read_until("number 19.\"}\n\n");
  CHECK(rest.find("number 18.") == std::string::npos);
  CHECK(rest.find("number 19.") != std::string::npos);
}

TEST_CASE("off loopback it wants a token") {
  asio::io_context context{1};
  server_options options;
  options.address = {asio::ip::address_v4::any(), 0};
  server open{context, options, {}};
  const auto refused = open.start();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().find("--admin-token") != std::string::npos);
  options.token = "t";
  server closed{context, options, {}};
  CHECK(closed.start().has_value());
}

TEST_CASE("a port in use is an error with words") {
  const running r;
  asio::io_context context{1};
  server_options options;
  options.address = r.address;
  server second{context, options, {}};
  const auto started = second.start();
  REQUIRE_FALSE(started.has_value());
  CHECK(started.error().starts_with("the admin listener cannot be bound: "));
}

TEST_CASE("the health check of the command line") {
  running r{"token"};
  CHECK_FALSE(fetch_health(r.address).is_good);
  CHECK(fetch_health(r.address).text == "401");
  CHECK(fetch_health(r.address, "/health", "token").is_good);
  CHECK(fetch_health({asio::ip::address_v4::any(), r.address.port()}, "/ready", "token").is_good);
  r.is_ready = false;
  CHECK(fetch_health(r.address, "/ready", "token").text == "503");
  tcp::endpoint nobody;
  {
    asio::io_context context;
    tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
    nobody = acceptor.local_endpoint();
    CHECK(fetch_health(nobody, "/health", "", 50ms).text == "timed out");
  }
  CHECK_FALSE(fetch_health(nobody).is_good);
}
