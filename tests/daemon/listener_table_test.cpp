#include "daemon/listener_table.hpp"

#include <algorithm>

#include <unistd.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <catch.hpp>

using namespace understudy;
using namespace understudy::daemon;
using tcp = boost::asio::ip::tcp;

namespace {

struct wanted_listener {
  std::string name;
  std::uint16_t port = 0;
};

plan::plan plan_of(const std::vector<wanted_listener>& listeners) {
  plan::plan made;
  for (const auto& l : listeners) {
    auto& one = made.listeners.emplace_back();
    one.name = l.name;
    one.address = "127.0.0.1";
    one.port = l.port;
  }
  return made;
}

std::uint16_t free_port() {
  boost::asio::io_context context;
  tcp::acceptor taken{context, {boost::asio::ip::make_address("127.0.0.1"), 0}};
  return taken.local_endpoint().port();
}

/// Applies the plan; the sockets that the workers would have got are counted and closed.
std::size_t apply(listener_table& table, const plan::plan& plan) {
  auto made = table.prepare(plan);
  REQUIRE(made.has_value());
  std::size_t count = 0;
  for (const auto& worker : table.commit(std::move(*made)))
    for (const auto& bound : worker) {
      ++count;
      ::close(bound.fd);
    }
  return count;
}

bool is_open(std::uint16_t port) {
  boost::asio::io_context context;
  tcp::socket probe{context};
  boost::system::error_code ec;
  probe.connect({boost::asio::ip::make_address("127.0.0.1"), port}, ec);
  return !ec;
}

given_socket given(const std::string& name, std::uint16_t port) {
  auto bound = net::bind_listener({"127.0.0.1", port}, 1);
  REQUIRE(bound.has_value());
  return {name, net::to_text(bound->endpoint), std::move(bound->sockets.front()), bound->endpoint};
}

}  // namespace

TEST_CASE("a listener that stays is not bound again") {
  listener_table table{{}, 2};
  const auto a = free_port(), b = free_port();
  CHECK(apply(table, plan_of({{"one", a}, {"two", b}})) == 4);
  const auto again = table.prepare(plan_of({{"uno", a}}));
  REQUIRE(again.has_value());
  CHECK(again->opened.empty());
  CHECK(again->closed == std::vector<std::string>{"127.0.0.1:" + std::to_string(b)});
  CHECK(apply(table, plan_of({{"uno", a}})) == 0);
  CHECK(is_open(a));
  CHECK_FALSE(is_open(b));
}

TEST_CASE("what is prepared and not wanted after all leaves nothing behind") {
  listener_table table{{}, 1};
  const auto a = free_port(), b = free_port();
  apply(table, plan_of({{"one", a}}));
  {
    const auto refused_later = table.prepare(plan_of({{"one", a}, {"two", b}}));
    REQUIRE(refused_later.has_value());
    CHECK(is_open(b));
  }
  CHECK_FALSE(is_open(b));
  CHECK(is_open(a));
}

TEST_CASE("listeners that can't be had are refused in one line") {
  listener_table table{{}, 1};
  boost::asio::io_context context;
  const tcp::acceptor other{context, {boost::asio::ip::make_address("127.0.0.1"), 0}};
  const auto taken = other.local_endpoint().port();
  const auto a = free_port();
  const auto refused = table.prepare(plan_of({{"one", a}, {"two", taken}}));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().find("cannot listen on 127.0.0.1:" + std::to_string(taken)) == 0);
  CHECK_FALSE(is_open(a));

  const auto twice = table.prepare(plan_of({{"one", a}, {"two", a}}));
  REQUIRE_FALSE(twice.has_value());
  CHECK(twice.error() == "listeners `one` and `two` are both to listen on 127.0.0.1:" +
                             std::to_string(a) + "; give one of them another port");

  listener_table overridden{{{"gone", "127.0.0.1", a}}, 1};
  const auto nameless = overridden.prepare(plan_of({{"one", 0}}));
  REQUIRE_FALSE(nameless.has_value());
  CHECK(nameless.error().find("--listen gone=") == 0);
}

TEST_CASE("given sockets are taken by name, then by address") {
  listener_table table{{}, 3};
  std::vector<given_socket> sockets;
  sockets.push_back(given("by-name", 0));
  sockets.push_back(given("whatever", 0));
  sockets.push_back(given("stray", 0));
  const auto named = sockets[0].endpoint.port(), addressed = sockets[1].endpoint.port();
  table.give(std::move(sockets));
  CHECK(apply(table, plan_of({{"other", addressed}, {"by-name", free_port()}})) == 6);
  CHECK(table.addresses() == std::vector<std::string>{"127.0.0.1:" + std::to_string(addressed),
                                                      "127.0.0.1:" + std::to_string(named)});
  const auto unused = table.close_unused();
  REQUIRE(unused.size() == 1);
  CHECK(unused.front().find("`stray`") != std::string::npos);
}

TEST_CASE("an activated socket can be taken again after its listener was gone") {
  listener_table table{{}, 1};
  std::vector<given_socket> sockets;
  sockets.push_back(given("web", 0));
  const auto port = sockets[0].endpoint.port();
  table.give(std::move(sockets));
  const auto with = plan_of({{"one", port}}), without = plan_of({{"one", free_port()}});
  for (int i = 0; i < 3; ++i) {
    CHECK(apply(table, with) == 1);
    CHECK(apply(table, without) == 1);
  }
  CHECK(is_open(port));
}

TEST_CASE("all sockets are passed on, each under what its listener was told") {
  listener_table table{{{"one", "127.0.0.1", 0}}, 2};
  std::vector<given_socket> sockets;
  sockets.push_back(given("web", 0));
  const auto web = sockets[0].address;
  table.give(std::move(sockets));
  apply(table, plan_of({{"one", 80}, {"web", 81}}));
  std::vector<std::string> labels;
  for (const auto& passed : table.to_pass_on()) {
    CHECK(net::listening_endpoint(passed.fd).has_value());
    labels.push_back(passed.label);
  }
  CHECK(labels == std::vector<std::string>{"@127.0.0.1:0", "@127.0.0.1:0", "web@" + web});
}

TEST_CASE("sockets that were handed over make the same listeners") {
  listener_table before{{{"one", "127.0.0.1", 0}}, 2};
  apply(before, plan_of({{"one", 80}}));
  std::vector<given_socket> sockets;
  for (const auto& passed : before.to_pass_on()) {
    net::owned_socket copy{::dup(passed.fd)};
    const auto endpoint = net::listening_endpoint(copy.get());
    REQUIRE(endpoint.has_value());
    sockets.push_back({"", passed.label.substr(1), std::move(copy), *endpoint});
  }
  listener_table after{{{"one", "127.0.0.1", 0}}, 3};  // and one worker more
  after.give(std::move(sockets));
  CHECK(apply(after, plan_of({{"one", 80}})) == 3);
  CHECK(after.addresses() == before.addresses());
  CHECK(after.close_unused().empty());
  CHECK(after.to_pass_on().size() == 2);
}
