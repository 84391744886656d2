#include <understudy/net/connection.hpp>

#include <array>
#include <deque>
#include <optional>
#include <tuple>

#include "catch.hpp"
#include "memory_stream.hpp"

using namespace understudy;
using net::error_code;
using net_test::memory_peer;
using net_test::memory_stream;
namespace asio = net::asio;
using test_link = net::connection<memory_stream>;

namespace {

struct watch_log final : test_link::watcher {
  void on_unawaited_read(test_link& c) override { seen.emplace_back(c.input().data()); }
  std::vector<std::string> seen;
};

/// A connection with room for some bytes and the far end of it.
struct fixture {
  fixture() {
    connection->input().reserve(1);
    connection->watch(&watcher);
  }
  ~fixture() {
    connection->close();
    run();
  }
  void run() {
    context.restart();
    context.poll();
  }
  /// A gathered write of "first" to a peer that takes `room` bytes of it.
  void gather_first(std::size_t room) {
    gather();
    peer.accept(room);
    write({"first"});
  }
  /// From now on writes wait for the end of the loop's turn.
  void gather() {
    exchanges.add();
    connection->gather_writes_in(batch);
  }
  using result = std::shared_ptr<std::optional<error_code>>;
  /// Starts a wait; the result appears once run() has brought it to its end.
  template <class Operation>
  result start(Operation&& operation) {
    auto seen = std::make_shared<std::optional<error_code>>();
    std::forward<Operation>(operation)(
        [seen](std::tuple<error_code> r) { *seen = std::get<0>(r); });
    run();
    return seen;
  }
  result fill() { return start(connection->async_fill()); }
  result flush() { return start(connection->async_flush()); }
  void write(std::vector<std::string_view> texts) {
    std::vector<asio::const_buffer> pieces;
    for (const auto text : texts) pieces.push_back(asio::buffer(text));
    connection->start_write(pieces);
  }

  asio::io_context context;
  telemetry::owned_counter exchanges;
  net::send_batch batch{context.get_executor(), exchanges, 1};
  memory_peer peer{context};
  std::shared_ptr<test_link> connection = std::make_shared<test_link>(peer);
  watch_log watcher;
};

}  // namespace

TEST_CASE("a wait for bytes ends when they come") {
  fixture f;
  const auto result = f.fill();
  CHECK_FALSE(*result);
  CHECK(f.connection->is_reading());
  f.peer.send("abc");
  f.run();
  REQUIRE(*result);
  CHECK(**result == error_code{});
  CHECK(f.connection->input().data() == "abc");
  CHECK_FALSE(f.connection->is_reading());
  CHECK(f.watcher.seen.empty());
}

TEST_CASE("one read is outstanding, however often it is started") {
  fixture f;
  f.connection->start_read();
  f.connection->start_read();
  const auto result = f.fill();
  CHECK(f.peer.reads == 1);
  f.peer.send("a");
  f.run();
  CHECK(*result);
}

TEST_CASE("a read for which nobody waits is told to the watcher") {
  fixture f;
  f.connection->start_read();
  SECTION("bytes") {
    f.peer.send("xy");
    f.run();
    CHECK(f.watcher.seen == std::vector<std::string>{"xy"});
    CHECK_FALSE(f.connection->read_error());
  }
  SECTION("the end") {
    f.peer.end();
    f.run();
    CHECK(f.watcher.seen == std::vector<std::string>{""});
    CHECK(f.connection->read_error() == asio::error::eof);
  }
  SECTION("nobody watches either") {
    f.connection->watch(nullptr);
    f.peer.send("xy");
    f.run();
    CHECK(f.connection->input().data() == "xy");
  }
}

TEST_CASE("bytes may be consumed while a read is outstanding") {
  fixture f;
  f.connection->start_read();
  f.peer.send("abc");
  f.run();
  f.connection->start_read();
  f.connection->consume(3);
  CHECK(f.connection->input().empty());
  f.peer.send("de");
  f.run();
  CHECK(f.connection->input().data() == "de");
  f.connection->consume(2);
  CHECK(f.connection->input().space_size() ==
        net::read_buffer::usual_bytes);  // rewound: nothing is outstanding
}

TEST_CASE("the end of the stream comes after the last bytes and stays") {
  fixture f;
  f.peer.send("ab");
  f.peer.end();
  CHECK(**f.fill() == error_code{});
  CHECK(f.connection->input().data() == "ab");
  CHECK(**f.fill() == asio::error::eof);
  CHECK(**f.fill() == asio::error::eof);
  CHECK(f.peer.reads == 2);
  CHECK(f.connection->input().data() == "ab");
}

TEST_CASE("an error of the read is kept like its end") {
  fixture f;
  f.peer.end(asio::error::connection_reset);
  CHECK(**f.fill() == asio::error::connection_reset);
  CHECK(f.connection->read_error() == asio::error::connection_reset);
}

TEST_CASE("a full buffer is no wait") {
  constexpr auto size = net::read_buffer::usual_bytes;
  fixture f;
  const std::string first(size, 'a');
  f.peer.send(first + "cd");
  CHECK(**f.fill() == error_code{});
  CHECK(f.connection->input().data() == first);
  CHECK(**f.fill() == asio::error::no_buffer_space);
  f.connection->consume(size);
  CHECK(**f.fill() == error_code{});
  CHECK(f.connection->input().data() == "cd");
}

TEST_CASE("a cancelled read leaves the connection usable") {
  fixture f;
  const auto result = f.fill();
  f.connection->cancel_read();
  f.run();
  REQUIRE(*result);
  CHECK(**result == asio::error::operation_aborted);
  CHECK_FALSE(f.connection->read_error());
  f.peer.send("a");
  CHECK(**f.fill() == error_code{});
}

TEST_CASE("closing ends a wait and starts no other read") {
  fixture f;
  const auto result = f.fill();
  f.connection->cancel();
  f.run();
  REQUIRE(*result);
  CHECK(**result == asio::error::operation_aborted);
  CHECK(f.connection->is_closed());
  CHECK(f.peer.is_closed);
  f.connection->start_read();
  CHECK_FALSE(f.connection->is_reading());
  CHECK(f.peer.reads == 1);
}

TEST_CASE("a write that fits is done at once") {
  fixture f;
  f.peer.accept(100);
  f.write({"head", "", "body"});
  CHECK(f.peer.received == "headbody");
  CHECK_FALSE(f.connection->is_writing());
  CHECK(**f.flush() == error_code{});
}

TEST_CASE("what does not fit is sent in the background, piece by piece") {
  const auto step = static_cast<std::size_t>(GENERATE(range(1, 15)));
  CAPTURE(step);
  fixture f;
  f.peer.accept(step);
  f.write({"one", "two", "three", "four"});
  const std::string all = "onetwothreefour";
  REQUIRE(f.connection->is_writing());
  CHECK(f.peer.received == all.substr(0, step));
  const auto result = f.flush();
  std::size_t sent = step;
  while (sent < all.size()) {
    CHECK_FALSE(*result);
    f.peer.accept(step);
    f.run();
    sent = std::min(all.size(), sent + step);
    REQUIRE(f.peer.received == all.substr(0, sent));
  }
  REQUIRE(*result);
  CHECK(**result == error_code{});
  CHECK_FALSE(f.connection->is_writing());
}

TEST_CASE("a write that fails says so, at once or later") {
  fixture f;
  SECTION("at once") {
    f.peer.refuse_writes(asio::error::broken_pipe);
    f.write({"a"});
    CHECK(f.connection->write_error() == asio::error::broken_pipe);
    CHECK_FALSE(f.connection->is_writing());
    CHECK(**f.flush() == asio::error::broken_pipe);
  }
  SECTION("in the background") {
    f.write({"a"});
    const auto result = f.flush();
    CHECK_FALSE(*result);
    f.peer.refuse_writes(asio::error::connection_reset);
    f.run();
    REQUIRE(*result);
    CHECK(**result == asio::error::connection_reset);
    CHECK_FALSE(f.connection->is_writing());
  }
  SECTION("by closing") {
    f.write({"a"});
    const auto result = f.flush();
    f.connection->close();
    f.run();
    REQUIRE(*result);
    CHECK(**result == asio::error::operation_aborted);
  }
}

TEST_CASE("gathered writes go out at the end of the turn, in their order") {
  fixture f;
  f.gather();
  f.peer.accept(100);
  f.write({"one", "two"});
  CHECK(f.peer.received.empty());
  CHECK_FALSE(f.connection->is_writing());
  SECTION("alone") {
    f.run();
    CHECK(f.peer.received == "onetwo");
    CHECK(f.connection->written() == 6);
  }
  SECTION("a second one takes the first with it") {
    f.write({"three"});
    CHECK(f.peer.received == "onetwo");
    f.run();
    CHECK(f.peer.received == "onetwothree");
  }
  SECTION("one that is too long to gather comes after it") {
    const std::string large(net::send_batch::max_bytes + 1, 'x');
    f.peer.accept(large.size());
    f.write({large});
    CHECK(f.peer.received == "onetwo" + large);
  }
  SECTION("before the end of the connection") {
    f.connection->close();
    CHECK(f.peer.received == "onetwo");
  }
  SECTION("before the end of our side") {
    CHECK(f.connection->end_writing());
    CHECK(f.peer.received == "onetwo");
  }
  SECTION("not when the connection is gone before") {
    f.connection.reset();
    f.run();
    CHECK(f.peer.received.empty());
    f.connection = std::make_shared<test_link>(f.peer);
  }
  SECTION("with few exchanges under way nothing more is gathered") {
    f.exchanges.subtract();
    f.write({"three"});
    CHECK(f.peer.received == "onetwothree");
  }
}

TEST_CASE("a turn gathers for many connections, and no more than fit") {
  constexpr std::size_t connections = 40;
  fixture f;
  f.exchanges.add();
  std::deque<memory_peer> peers;
  std::vector<std::shared_ptr<test_link>> links;
  std::size_t sent = 0;
  for (std::size_t i = 0; i < connections; ++i) {
    peers.emplace_back(f.context).accept(10'000);
    links.push_back(std::make_shared<test_link>(peers.back()));
    links.back()->gather_writes_in(f.batch);
    const std::string text(net::send_batch::max_bytes - i, static_cast<char>('a' + i % 26));
    const std::array<asio::const_buffer, 1> piece{asio::buffer(text)};
    links.back()->start_write(piece);
    sent += text.size();
  }
  CHECK(peers.front().received.size() == net::send_batch::max_bytes);  // 16 wait at most
  CHECK(peers.back().received.empty());
  f.run();
  std::size_t received = 0;
  for (std::size_t i = 0; i < connections; ++i) {
    CHECK(peers[i].received ==
          std::string(net::send_batch::max_bytes - i, static_cast<char>('a' + i % 26)));
    received += peers[i].received.size();
    links[i]->close();
  }
  CHECK(received == sent);
  f.run();
}

TEST_CASE("a flush waits for what is gathered, and for what it leaves over") {
  const auto room = static_cast<std::size_t>(GENERATE(range(0, 6)));
  CAPTURE(room);
  fixture f;
  f.gather_first(room);
  CHECK(f.connection->has_unsent());
  CHECK(f.peer.received.empty());
  const auto result = f.flush();
  CHECK(f.peer.received == std::string{"first"}.substr(0, room));
  CHECK(result->has_value() == (room == 5));
  CHECK(f.connection->has_unsent() == (room < 5));
  f.peer.accept(5 - room);
  f.run();
  REQUIRE(*result);
  CHECK(**result == error_code{});
  CHECK(f.peer.received == "first");
  CHECK(f.connection->written() == 5);
  CHECK_FALSE(f.connection->has_unsent());
}

TEST_CASE("what a batch leaves over goes before the next write") {
  const auto room = static_cast<std::size_t>(GENERATE(range(0, 5)));
  CAPTURE(room);
  fixture f;
  f.gather_first(room);
  f.run();
  const std::string all = "firstsecondthird";
  CHECK(f.peer.received == all.substr(0, room));
  CHECK(f.connection->is_writing());
  f.write({"second", "third"});
  const auto result = f.flush();
  for (std::size_t sent = room; sent < all.size(); ++sent) {
    CHECK_FALSE(*result);
    f.peer.accept(1);
    f.run();
  }
  REQUIRE(*result);
  CHECK(**result == error_code{});
  CHECK(f.peer.received == all);
  CHECK(f.connection->written() == all.size());
}

TEST_CASE("a large write is gathered where its memory stays, and not copied") {
  fixture f;
  f.gather();
  const std::string large(net::send_batch::max_bytes + 1, 'x');
  f.peer.accept(large.size() - 1);
  const std::array<asio::const_buffer, 2> pieces{asio::buffer("ab", 2), asio::buffer(large)};
  f.connection->start_write(pieces, test_link::lifetime::while_unsent);
  CHECK(f.peer.received.empty());
  CHECK(f.connection->has_unsent());
  f.run();
  CHECK(f.peer.received.size() == large.size() - 1);
  CHECK(f.connection->has_unsent());
  f.peer.accept(3);
  CHECK(**f.flush() == error_code{});
  CHECK(f.peer.received == "ab" + large);
}

TEST_CASE("a gathered write that fails stops those after it") {
  fixture f;
  f.gather();
  f.write({"a"});
  CHECK_FALSE(f.connection->write_error());
  f.peer.refuse_writes(asio::error::broken_pipe);
  CHECK(**f.flush() == asio::error::broken_pipe);
  CHECK(f.connection->write_error() == asio::error::broken_pipe);
  f.peer.refuse_writes({});
  f.peer.accept(10);
  f.write({"b"});
  f.run();
  CHECK(f.connection->write_error() == asio::error::broken_pipe);
  CHECK(f.peer.received.empty());
}
