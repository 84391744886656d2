#include <understudy/net/exchange_state.hpp>
#include <understudy/net/memory_budget.hpp>

#include "catch.hpp"

using namespace understudy;

namespace {

/// The process's budget with a limit, for one test.
struct limited {
  explicit limited(std::size_t bytes) { net::request_memory().set_limit(bytes); }
  ~limited() { net::request_memory().set_limit(std::numeric_limits<std::size_t>::max()); }
};

}  // namespace

TEST_CASE("a budget gives what it has and takes it back") {
  net::memory_budget budget{100};
  CHECK(budget.take(60));
  CHECK_FALSE(budget.take(41));
  CHECK(budget.used() == 60);
  CHECK(budget.take(40));
  budget.give(60);
  CHECK(budget.take(60));
  budget.set_limit(50);
  budget.give(60);
  CHECK_FALSE(budget.take(11));
  CHECK(budget.take(10));
}

TEST_CASE("bodies share the memory for requests") {
  const limited to{4096};
  const std::string text(3000, 'x');
  net::body_storage one;
  REQUIRE(one.append(text));
  {
    net::body_storage other;
    CHECK_FALSE(other.append(text));
    CHECK(other.data().empty());
    CHECK(other.append("small"));
  }
  CHECK_FALSE(one.grow(2000, 0));
  CHECK(one.data() == text);
  CHECK(net::request_memory().used() == 3000);
}

TEST_CASE("a body that is over gives a large block back") {
  net::body_storage body;
  REQUIRE(body.append(std::string(100'000, 'x')));
  CHECK(net::request_memory().used() >= 100'000);
  body.clear();
  CHECK(net::request_memory().used() == 0);
  REQUIRE(body.append("small"));
  body.clear();
  CHECK(net::request_memory().used() == 5);  // kept for the next request
}
