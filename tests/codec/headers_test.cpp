#include <understudy/codec/headers.hpp>

#include <string>

#include "catch.hpp"

namespace understudy::codec {
namespace {

connection_options options_of(std::initializer_list<std::string_view> values) {
  field_list fields;
  fields.add("host", "x");
  for (const auto v : values) fields.add("Connection", v);
  return connection_options{fields};
}

TEST_CASE("kinds of fields", "[headers]") {
  struct row {
    const char* name;
    field_kind kind;
  };
  using enum field_kind;
  for (const auto& [name, kind] : {
           row{"Connection", hop_by_hop},
           row{"KEEP-ALIVE", hop_by_hop},
           row{"Proxy-Connection", hop_by_hop},
           row{"proxy-authorization", hop_by_hop},
           row{"Proxy-Authenticate", hop_by_hop},
           row{"te", hop_by_hop},
           row{"Trailer", hop_by_hop},
           row{"Transfer-Encoding", hop_by_hop},
           row{"Upgrade", hop_by_hop},
           row{"HTTP2-Settings", hop_by_hop},
           row{"Content-Length", length},
           row{"Host", host},
           row{"Expect", expect},
           row{"X-AI-EG-Model", control},
           row{"x-envoy-max-retries", control},
           row{"x-understudy-explain", control},
           row{"x-aigw-api-key", control},
           row{"Authorization", credential},
           row{"X-Api-Key", credential},
           row{"api-key", credential},
           row{"content-type", end_to_end},
           row{"accept-encoding", end_to_end},
           row{"x-request-id", end_to_end},
           row{"x-envoy", end_to_end},
           row{"tea", end_to_end},
           row{"t", end_to_end},
           row{"", end_to_end},
           row{"authorization2", end_to_end},
           row{"traceparent", end_to_end},
       }) {
    CAPTURE(name);
    CHECK(kind_of(name) == kind);
  }
}

TEST_CASE("Connection options", "[headers]") {
  const auto options = options_of({"close, X-Hop ,,\tFoo", "bar"});
  CHECK(options.has_close());
  CHECK(options.contains("x-hop"));
  CHECK(options.contains("FOO"));
  CHECK(options.contains("bar"));
  CHECK(!options.contains("host"));
  CHECK(!options.is_overflowing());
  std::string many = "a0";
  for (int i = 1; i < 20; ++i) many += ",a" + std::to_string(i);
  CHECK(options_of({many}).is_overflowing());
}

TEST_CASE("what goes upstream and downstream", "[headers]") {
  const auto options = options_of({"keep-alive, x-secret"});
  CHECK(is_forwarded_upstream("content-type", options, true));
  CHECK(!is_forwarded_upstream("X-Secret", options, false));
  CHECK(!is_forwarded_upstream("content-length", options, false));
  CHECK(!is_forwarded_upstream("host", options, false));
  CHECK(!is_forwarded_upstream("expect", options, false));
  CHECK(!is_forwarded_upstream("x-ai-eg-model", options, false));
  CHECK(is_forwarded_upstream("authorization", options, false));
  CHECK(!is_forwarded_upstream("authorization", options, true));
  CHECK(!is_forwarded_upstream("x-api-key", options, true));
  CHECK(is_forwarded_downstream("content-length", options));
  CHECK(is_forwarded_downstream("x-envoy-upstream-service-time", options));
  CHECK(!is_forwarded_downstream("transfer-encoding", options));
  CHECK(!is_forwarded_downstream("x-secret", options));
  CHECK(is_hop_by_hop("x-secret", options));
}

TEST_CASE("persistence", "[headers]") {
  CHECK(is_persistent(11, options_of({})));
  CHECK(!is_persistent(11, options_of({"Close"})));
  CHECK(!is_persistent(10, options_of({})));
  CHECK(is_persistent(10, options_of({"Keep-Alive"})));
  CHECK(!is_persistent(10, options_of({"keep-alive, close"})));
}

TEST_CASE("request ids", "[headers]") {
  CHECK(is_valid_request_id("3f2504e0-4f89-41d3-9a0c-0305e82c3301"));
  CHECK(is_valid_request_id("a"));
  CHECK(is_valid_request_id(std::string(128, 'a')));
  for (const std::string& bad :
       {std::string{}, std::string(129, 'a'), std::string{"a b"}, std::string{"a\"b"},
        std::string{"a\nb"}, std::string{"\xC3\xA9"}, std::string{"a;b"}, std::string{"<x>"}}) {
    CAPTURE(bad);
    CHECK(!is_valid_request_id(bad));
  }
}

}  // namespace
}  // namespace understudy::codec
