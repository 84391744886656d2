#include <understudy/proxy/connection_gate.hpp>

#include "catch.hpp"

using namespace understudy;

TEST_CASE("connections are counted over the rule and for each endpoint", "[gate]") {
  resilience::breaker_params limits;
  limits.max_connections = 3;
  limits.max_connections_per_endpoint = 2;
  proxy::connection_gate gate{limits};
  const auto a = gate.of(1), b = gate.of(2);
  CHECK(gate.of(1) == a);
  CHECK(gate.may_connect(*a));
  gate.opened(*a);
  gate.opened(*a);
  CHECK_FALSE(gate.may_connect(*a));
  CHECK(gate.may_connect(*b));
  gate.opened(*b);
  CHECK_FALSE(gate.may_connect(*b));  // three in all
  CHECK(gate.open() == 3);
  gate.closed(*a);
  CHECK(gate.may_connect(*a));
  CHECK(gate.may_connect(*b));
}

TEST_CASE("an endpoint's count goes with the last worker that knows it", "[gate]") {
  proxy::connection_gate gate{resilience::breaker_params{}};
  auto first = gate.of(1);
  gate.opened(*first);
  gate.closed(*first);
  first.reset();
  CHECK(gate.of(1)->open == 0);
  CHECK(gate.open() == 0);
}

TEST_CASE("only so many requests are without a connection", "[gate]") {
  resilience::breaker_params limits;
  limits.max_pending_requests = 1;
  proxy::connection_gate gate{limits};
  CHECK(gate.try_pending());
  CHECK_FALSE(gate.try_pending());
  gate.end_pending();
  CHECK(gate.try_pending());
  limits.max_pending_requests = 0;
  proxy::connection_gate none{limits};
  CHECK_FALSE(none.try_pending());
  CHECK(none.requests_per_connection() == 0);
}
