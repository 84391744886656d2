#include <understudy/codec/client_deadline.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

namespace understudy::codec {
namespace {

TEST_CASE("the shortest deadline of the client's fields counts", "[client_deadline]") {
  constexpr long long none = -1;
  struct row {
    std::vector<std::pair<const char*, const char*>> given;
    long long expected;  ///< milliseconds
  };
  for (const auto& [given, expected] : std::vector<row>{
           {{}, none},
           {{{"x-stainless-timeout", "600"}}, 600'000},
           {{{"X-Stainless-Timeout", " 0.5 "}}, 500},
           {{{"x-stainless-read-timeout", "12.5"}}, 12'500},
           {{{"x-stainless-timeout", "NOT_GIVEN"}}, none},
           {{{"x-stainless-timeout", "0"}}, none},
           {{{"x-stainless-timeout", "-5"}}, none},
           {{{"x-stainless-timeout", "86400"}}, 86'400'000},
           {{{"x-stainless-timeout", "86401"}}, none},
           {{{"x-server-timeout", "10"}}, 10'000},
           {{{"x-envoy-expected-rq-timeout-ms", "1500"}}, 1500},
           {{{"x-envoy-upstream-rq-timeout-ms", "1500"}}, none},  // steers Envoy: never honoured
           {{{"x-request-timeout-ms", "1500"}}, 1500},
           {{{"x-request-timeout-ms", "1.5s"}}, none},
           {{{"x-request-timeout", "3"}}, 3000},
           {{{"x-request-timeout", "1m30s"}}, 90'000},
           {{{"x-request-timeout", "500ms"}}, 500},
           {{{"grpc-timeout", "100m"}}, 100},
           {{{"grpc-timeout", "2S"}}, 2000},
           {{{"grpc-timeout", "2M"}}, 120'000},
           {{{"grpc-timeout", "2H"}}, 7'200'000},
           {{{"grpc-timeout", "1500u"}}, 2},
           {{{"grpc-timeout", "5n"}}, 1},
           {{{"grpc-timeout", "0n"}}, none},
           {{{"grpc-timeout", "123456789m"}}, none},
           {{{"grpc-timeout", "1.5S"}}, none},
           {{{"grpc-timeout", "2"}}, none},
           {{{"grpc-timeout", "2s"}}, none},
           {{{"grpc-timeout", "m"}}, none},
           {{{"x-stainless-timeout", "60"}, {"x-envoy-expected-rq-timeout-ms", "900"}}, 900},
           {{{"x-stainless-timeout", "x"}, {"x-stainless-timeout", "7"}}, 7000},
           {{{"x-timeout", "1"}, {"timeout", "1"}, {"a", "1"}, {"", "1"}}, none},
       }) {
    field_list list;
    std::string text;
    for (const auto& [name, value] : given) {
      list.add(name, value);
      text.append(name).append(": ").append(value) += '\n';
    }
    CAPTURE(text);
    const auto found = client_deadline(list);
    CHECK((found ? found->count() : none) == expected);
  }
}

}  // namespace
}  // namespace understudy::codec
