#include <algorithm>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <understudy/net/address.hpp>
#include <understudy/net/attempt_outcomes.hpp>
#include <understudy/net/cancel_scope.hpp>
#include <understudy/net/read_buffer.hpp>
#include <understudy/net/socket_net.hpp>

#include "catch.hpp"

using namespace understudy;
using net::cancel_reason;
using resilience::failure_class;
using resilience::stop_reason;
using telemetry::attempt_outcome;

namespace {

void put(net::read_buffer& buffer, std::string_view text) {
  REQUIRE(buffer.space_size() >= text.size());
  std::ranges::copy(text, buffer.space());
  buffer.commit(text.size());
}

struct cancellable {
  int calls = 0;
  void cancel() { ++calls; }
};

}  // namespace

TEST_CASE("blocks are reused, and may come back from another thread") {
  namespace pool = net::block_pool;
  std::vector<char*> taken;
  for (std::size_t i = 0; i < pool::max_warm_blocks + 40; ++i) {
    taken.push_back(pool::take());
    std::memset(taken.back(), 'x', pool::block_bytes);
  }
  std::ranges::sort(taken);
  for (std::size_t i = 1; i < taken.size(); ++i)
    REQUIRE(taken[i] >= taken[i - 1] + pool::block_bytes);
  const std::size_t half = taken.size() / 2;
  std::thread{[&] {
    for (std::size_t i = 0; i < half; ++i) pool::give_back(taken[i]);
  }}.join();
  for (std::size_t i = half; i < taken.size(); ++i) pool::give_back(taken[i]);
  for (std::size_t i = half; i < taken.size(); ++i) taken[i] = pool::take();
  for (std::size_t i = half; i < taken.size(); ++i) {
    std::memset(taken[i], 'y', pool::block_bytes);
    pool::give_back(taken[i]);
  }
}

TEST_CASE("a read buffer grows, moves up and gives its memory back") {
  constexpr auto usual = net::read_buffer::usual_bytes;
  net::read_buffer buffer;
  CHECK(buffer.empty());
  CHECK(buffer.capacity() == 0);
  CHECK(buffer.space_size() == 0);
  buffer.reserve(8);
  CHECK(buffer.capacity() == usual);
  put(buffer, std::string(usual - 2, 'f') + "gh");
  CHECK(buffer.space_size() == 0);
  buffer.consume(usual - 2);
  CHECK(buffer.data() == "gh");

  SECTION("room in front is used before memory is asked for") {
    buffer.reserve(6);
    CHECK(buffer.capacity() == usual);
    CHECK(buffer.data() == "gh");
    CHECK(buffer.space_size() == usual - 2);
  }
  SECTION("grows by doubling and keeps the bytes") {
    buffer.reserve(usual + 20);
    CHECK(buffer.capacity() == 2 * usual);
    CHECK(buffer.data() == "gh");
    put(buffer, "0123456789");
    CHECK(buffer.data() == "gh0123456789");
  }
  SECTION("an empty one starts anew") {
    buffer.consume(2);
    CHECK(buffer.empty());
    CHECK(buffer.space_size() == usual);
  }
  SECTION("but not while a read is outstanding") {
    const char* space = buffer.space();
    buffer.consume(2, false);
    CHECK(buffer.empty());
    CHECK(buffer.space() == space);
  }
  SECTION("released") {
    buffer.release();
    CHECK(buffer.empty());
    CHECK(buffer.capacity() == 0);
    buffer.reserve(4);
    put(buffer, "wxyz");
    CHECK(buffer.data() == "wxyz");
  }
}

TEST_CASE("a cancelled scope ends the wait once and remembers why") {
  net::cancel_scope scope;
  cancellable object;
  CHECK_FALSE(scope.is_cancelled());
  {
    net::cancel_scope::waiting waiting{scope, object};
    scope.cancel(cancel_reason::deadline);
    CHECK(object.calls == 1);
    scope.cancel(cancel_reason::shutdown);
    CHECK(object.calls == 1);
  }
  CHECK(scope.reason() == cancel_reason::shutdown);
  { net::cancel_scope::waiting waiting{scope, object}; }
  scope.cancel(cancel_reason::downstream_gone);  // nobody waits
  CHECK(object.calls == 1);
}

TEST_CASE("which reason of a scope stays") {
  struct row {
    cancel_reason first, second, wanted, after_forgiving;
  };
  using enum cancel_reason;
  const auto r = GENERATE(values<row>({
      {none, none, none, none},
      {none, deadline, deadline, none},
      {deadline, deadline, deadline, none},
      {deadline, downstream_gone, downstream_gone, downstream_gone},
      {deadline, shutdown, shutdown, shutdown},
      {downstream_gone, deadline, downstream_gone, downstream_gone},
      {shutdown, deadline, shutdown, shutdown},
  }));
  net::cancel_scope scope;
  if (r.first != none) scope.cancel(r.first);
  if (r.second != none) scope.cancel(r.second);
  CHECK(scope.reason() == r.wanted);
  scope.forgive_deadline();
  CHECK(scope.reason() == r.after_forgiving);
  CHECK(scope.is_cancelled() == (r.after_forgiving != none));
}

TEST_CASE("the flags of a failed request") {
  struct row {
    stop_reason why;
    failure_class last;
    const char* flags;
  };
  const auto r = GENERATE(values<row>({
      {stop_reason::none, failure_class::status, ""},
      {stop_reason::not_retriable, failure_class::status, ""},
      {stop_reason::not_retriable, failure_class::connect, "UF"},
      {stop_reason::not_retriable, failure_class::connect_timeout, "UF"},
      {stop_reason::not_retriable, failure_class::closed, "UC"},
      {stop_reason::not_retriable, failure_class::protocol, "UPE"},
      {stop_reason::not_retriable, failure_class::per_try, "UT"},
      {stop_reason::retries_exhausted, failure_class::status, "URX"},
      {stop_reason::retries_exhausted, failure_class::connect, "URX,UF"},
      {stop_reason::retries_exhausted, failure_class::local_shortage, "URX,UF"},
      {stop_reason::retries_exhausted, failure_class::closed, "URX,UC"},
      {stop_reason::retries_exhausted, failure_class::protocol, "URX,UPE"},
      {stop_reason::retries_exhausted, failure_class::per_try, "URX,UT"},
      {stop_reason::retry_overflow, failure_class::connect, "UO,UF"},
      {stop_reason::retry_overflow, failure_class::status, "UO"},
      {stop_reason::overflow, failure_class::overflow, "UO"},
      {stop_reason::no_healthy_host, failure_class::no_host, "UH"},
      {stop_reason::no_healthy_host, failure_class::connect, "UH"},
      {stop_reason::request_timeout, failure_class::global, "UT"},
      {stop_reason::request_timeout, failure_class::connect, "UT"},
  }));
  CAPTURE(static_cast<int>(r.why), static_cast<int>(r.last));
  CHECK(net::flags_of(r.why, r.last) == r.flags);
}

TEST_CASE("the words of a failed attempt") {
  struct row {
    failure_class what;
    attempt_outcome word;
    const char* cause;
  };
  const auto r = GENERATE(values<row>({
      {failure_class::status, attempt_outcome::status, "an error status"},
      {failure_class::connect, attempt_outcome::connect_failure, "connection failed"},
      {failure_class::connect_timeout, attempt_outcome::connect_timeout, "connect timeout"},
      {failure_class::closed, attempt_outcome::closed, "connection closed before a response"},
      {failure_class::protocol, attempt_outcome::protocol_error, "malformed response"},
      {failure_class::per_try, attempt_outcome::per_try_timeout,
       "no response within the per-try timeout"},
      {failure_class::global, attempt_outcome::request_timeout,
       "no response within the request timeout"},
      {failure_class::overflow, attempt_outcome::overflow, "too many requests in flight"},
      {failure_class::no_host, attempt_outcome::overflow, "no healthy endpoint"},
      {failure_class::local_shortage, attempt_outcome::local_shortage,
       "the proxy is short of descriptors or memory"},
  }));
  CAPTURE(r.cause);
  CHECK(net::outcome_word(r.what) == r.word);
  CHECK(net::cause_of(r.what) == r.cause);
  CHECK(net::failed(r.what, true).what == r.what);
  CHECK(net::failed(r.what, true).is_bytes_sent);
  CHECK_FALSE(net::failed(r.what).is_bytes_sent);
}

TEST_CASE("a request without an attempt has its class") {
  CHECK(net::no_attempt_class(stop_reason::overflow) == failure_class::overflow);
  CHECK(net::no_attempt_class(stop_reason::request_timeout) == failure_class::global);
  CHECK(net::no_attempt_class(stop_reason::no_healthy_host) == failure_class::no_host);
}

TEST_CASE("how a body ended is told to planner and log") {
  using ending = resilience::attempt_planner::ending;
  using net::relay_end;
  struct row {
    relay_end how;
    attempt_outcome word;
    const char* details;
    ending planner;
  };
  const auto r = GENERATE(values<row>({
      {relay_end::complete, attempt_outcome::ok, "", ending::complete},
      {relay_end::complete_not_reusable, attempt_outcome::ok, "", ending::complete},
      {relay_end::upstream_broke, attempt_outcome::stream_broken, "upstream_broke",
       ending::upstream_broke},
      {relay_end::stream_error, attempt_outcome::stream_broken, "upstream_stream_error",
       ending::upstream_broke},
      {relay_end::idle_timeout, attempt_outcome::stream_idle, "stream_idle_timeout",
       ending::idle_timeout},
      {relay_end::request_timeout, attempt_outcome::request_timeout, "request_timeout",
       ending::request_timeout},
      {relay_end::downstream_gone, attempt_outcome::cancelled, "downstream_gone",
       ending::downstream_gone},
  }));
  const auto& words = net::ending_words(r.how);
  CHECK(words.outcome == r.word);
  CHECK(words.details == r.details);
  CHECK(words.planner == r.planner);
}

TEST_CASE("addresses of endpoints") {
  struct row {
    const char* text;
    const char* address;  ///< null: refused
    int port;
  };
  const auto r = GENERATE(values<row>({
      {"10.0.0.1:443", "10.0.0.1", 443},
      {"[::1]:8080", "::1", 8080},
      {"0.0.0.0:65535", "0.0.0.0", 65535},
      {"10.0.0.1", nullptr, 0},
      {"10.0.0.1:", nullptr, 0},
      {"10.0.0.1:x", nullptr, 0},
      {"10.0.0.1:65536", nullptr, 0},
      {"10.0.0.1:-1", nullptr, 0},
      {"api.example:443", nullptr, 0},
      {"[::1", nullptr, 0},
      {"[::1]", nullptr, 0},
      {":80", nullptr, 0},
      {"", nullptr, 0},
  }));
  CAPTURE(r.text);
  const auto endpoint = net::parse_endpoint(r.text);
  REQUIRE(endpoint.has_value() == (r.address != nullptr));
  if (r.address == nullptr) return;
  const net::asio::ip::tcp::endpoint wanted{net::asio::ip::make_address(r.address),
                                            static_cast<std::uint16_t>(r.port)};
  CHECK(*endpoint == net::asio::generic::stream_protocol::endpoint{wanted});
}

TEST_CASE("a unix socket is an endpoint") {
  const auto endpoint = net::parse_endpoint("unix:/run/a:1");
  REQUIRE(endpoint);
  CHECK(endpoint->protocol().family() == AF_UNIX);
}

TEST_CASE("what is an address, and of this machine") {
  struct row {
    const char* text;
    bool is_address, is_loopback;
  };
  const auto r = GENERATE(values<row>({
      {"127.0.0.1", true, true},
      {"127.9.9.9", true, true},
      {"::1", true, true},
      {"10.0.0.1", true, false},
      {"::", true, false},
      {"[::1]", false, false},
      {"127.0.0.1:80", false, false},
      {"localhost", false, false},
      {"", false, false},
  }));
  CAPTURE(r.text);
  CHECK(net::is_ip_address(r.text) == r.is_address);
  CHECK(net::is_loopback_address(r.text) == r.is_loopback);
}
