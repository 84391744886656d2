#include <condition_variable>
#include <mutex>
#include <understudy/demo/providers.hpp>
#include <vector>

#include "catch.hpp"
#include "client.hpp"

using namespace understudy;
using demo::behaviour;
using demo_test::exchange;
using demo_test::post;

namespace {

const std::string chat = "/v1/chat/completions";
const std::string hello = R"({"model":"demo","messages":[{"role":"user","content":"hello"}]})";
const std::string hello_stream =
    R"({"model":"demo","stream":true,"stream_options":{"include_usage":true},)"
    R"("messages":[{"role":"user","content":"hello"}]})";
const std::string weather_openai =
    R"({"model":"demo","messages":[{"role":"user","content":[{"type":"text","text":"The Weather?"}]}],)"
    R"("tools":[{"type":"function","function":{"name":"forecast","parameters":{}}}]})";
const std::string hello_converse = R"({"messages":[{"role":"user","content":[{"text":"hello"}]}]})";

demo::options quiet() {
  demo::options chosen;
  chosen.schedule.clear();
  chosen.pace = std::chrono::milliseconds{0};
  return chosen;
}

bool contains(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the primary answers chats and says who it is") {
  demo::providers both{quiet(), {}};
  const auto at = both.start();
  REQUIRE(at.has_value());
  const auto unary = exchange(at->primary, post(chat, hello), "}}");
  contains(unary, "HTTP/1.1 200");
  contains(unary, "primary");
  contains(unary, R"("finish_reason":"stop")");
  const auto streamed = exchange(at->primary, post(chat, hello_stream), "\r\n0\r\n\r\n");
  contains(streamed, "text/event-stream");
  contains(streamed, R"("delta":{"content":"Hello ")");
  contains(streamed, R"("usage":{"completion_tokens")");
  contains(streamed, "data: [DONE]\n\n");
}

TEST_CASE("a question about the weather is answered with a call of the tool offered") {
  demo::providers both{quiet(), {}};
  const auto at = both.start();
  REQUIRE(at.has_value());
  const auto got = exchange(at->primary, post(chat, weather_openai), "}}");
  contains(got, R"("finish_reason":"tool_calls")");
  contains(got, R"("name":"forecast")");
  contains(got, R"("tool_calls":[{)");
}

TEST_CASE("the primary fails in every way it was told to, and comes back") {
  demo::providers both{quiet(), {}};
  const auto at = both.start();
  REQUIRE(at.has_value());
  const auto ask = [&] { return exchange(at->primary, post(chat, hello), "}}"); };
  // show() acts on the providers' thread; an exchange after it is served by that same thread.
  both.show(behaviour::server_error);
  contains(ask(), "HTTP/1.1 500");
  both.show(behaviour::rate_limited);
  contains(ask(), "HTTP/1.1 429");
  both.show(behaviour::refusing);
  while (!ask().empty()) {
  }
  CHECK(ask().empty());
  both.show(behaviour::healthy);
  std::string got;
  while (got.empty()) got = ask();
  contains(got, "HTTP/1.1 200");
}

TEST_CASE("a hanging primary keeps the connection and says nothing until it is stopped") {
  demo::providers both{quiet(), {}};
  const auto at = both.start();
  REQUIRE(at.has_value());
  both.show(behaviour::hanging);
  std::string got = "not yet";
  std::thread client{[&] { got = exchange(at->primary, post(chat, hello), "}}"); }};
  // The fallback is served by the same thread: once it has answered, the primary hangs.
  contains(exchange(at->fallback, post("/model/m/converse", hello_converse), "}"), "403");
  both.stop();
  client.join();
  CHECK(got.empty());
}

TEST_CASE("the fallback wants a signature and speaks Converse") {
  demo::providers both{quiet(), {}};
  const auto at = both.start();
  REQUIRE(at.has_value());
  const auto unsigned_answer =
      exchange(at->fallback, post("/model/demo/converse", hello_converse), "}");
  contains(unsigned_answer, "HTTP/1.1 403");
  contains(unsigned_answer, "MissingAuthenticationTokenException");
  const auto got = exchange(
      at->fallback, post("/model/demo/converse", hello_converse, demo_test::signature()), "}}");
  contains(got, "HTTP/1.1 200");
  contains(got, "fallback");
  contains(got, R"("stopReason":"end_turn")");
}

TEST_CASE("the fallback streams AWS event frames") {
  demo::providers both{quiet(), {}};
  const auto at = both.start();
  REQUIRE(at.has_value());
  const auto got = exchange(
      at->fallback, post("/model/demo/converse-stream", hello_converse, demo_test::signature()),
      "\r\n0\r\n\r\n");
  contains(got, "application/vnd.amazon.eventstream");
  const auto start = got.find("messageStart");
  const auto stop = got.find("messageStop");
  const auto metadata = got.find("metadata");
  CHECK(start < stop);
  CHECK(stop < metadata);
  CHECK(metadata != std::string::npos);
}

TEST_CASE("the schedule is played in a loop and told to the callback") {
  auto chosen = quiet();
  const std::chrono::milliseconds brief{1};
  chosen.schedule = {
      {behaviour::healthy, brief}, {behaviour::refusing, brief}, {behaviour::server_error, brief}};
  std::mutex mutex;
  std::condition_variable more;
  std::vector<behaviour> seen;
  demo::providers both{chosen, [&](const demo::phase& now) {
                         const std::lock_guard lock{mutex};
                         seen.push_back(now.what);
                         more.notify_one();
                       }};
  REQUIRE(both.start().has_value());
  std::unique_lock lock{mutex};
  REQUIRE(more.wait_for(lock, std::chrono::seconds{10}, [&] { return seen.size() >= 5; }));
  CHECK(std::vector<behaviour>(seen.begin(), seen.begin() + 5) ==
        std::vector<behaviour>{behaviour::healthy, behaviour::refusing, behaviour::server_error,
                               behaviour::healthy, behaviour::refusing});
}

TEST_CASE("a taken port is an error, not an exception") {
  demo::providers first{quiet(), {}};
  const auto at = first.start();
  REQUIRE(at.has_value());
  auto chosen = quiet();
  chosen.primary_port = at->primary;
  demo::providers second{chosen, {}};
  CHECK(second.start().has_error());
}
