#include <understudy/trace/otlp.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include <understudy/codec/text.hpp>

#include "catch.hpp"

using namespace understudy::trace;

namespace {

// What the Python package opentelemetry-proto makes of the two spans below.
constexpr auto expected_hex =
    "0aa4020a150a130a0c736572766963652e6e616d6512030a0173128a020a130a0a756e646572737475647912"
    "05312e322e3312b7010a100af7651916cd43dd8448eb211c80319c1208b7ad6b71692033311a03613d312208"
    "00f067aa0ba902b72a016e30013920630d45f2ca86184160663b4cf2ca86184a0c0a047465787412040a02c3"
    "a94a150a066e756d626572120b18fdffffffffffffffff014a120a057368617265120921000000000000e03f"
    "4a090a03796573120210014a080a026e6f120210005a160900594f46f2ca86181201651a080a016b12030a01"
    "767a071203626164180285010103000012390a10000000000000000000000000000000011208000000000000"
    "00022a016d3003390100000000000000410200000000000000850101010000";

span first_span() {
  span s;
  s.trace = {0x0af7651916cd43dd, 0x8448eb211c80319c};
  s.id = 0xb7ad6b7169203331;
  s.parent = 0x00f067aa0ba902b7;
  s.is_parent_remote = true;
  s.state = "a=1";
  s.name = "n";
  s.start = 1'767'323'045'678'900'000;
  s.end = 1'767'323'045'799'356'000;
  s.set("text", "\u00e9");
  s.set("number", std::int64_t{-3});
  s.set("share", 0.5);
  s.set("yes", true);
  s.set("no", false);
  s.events.push_back({"e", 1'767'323'045'700'000'000, {{"k", std::string_view{"v"}}}});
  s.is_error = true;
  s.message = "bad";
  return s;
}

span second_span() {
  span s;
  s.trace = {0, 1};
  s.id = 2;
  s.name = "m";
  s.kind = span_kind::client;
  s.start = 1;
  s.end = 2;
  return s;
}

settings golden_settings(otlp_protocol protocol) {
  settings s;
  s.protocol = protocol;
  s.resource = {{"service.name", "s"}};
  s.scope_version = "1.2.3";
  return s;
}

std::string request(otlp_protocol protocol) {
  otlp_encoder encoder{protocol};
  std::string one, other;
  encoder.append(one, first_span());
  encoder.append(other, second_span());
  return otlp_request(golden_settings(protocol), one + other);
}

}  // namespace

TEST_CASE("protobuf, byte for byte as the reference encodes it") {
  CHECK(understudy::codec::hex(request(otlp_protocol::http_protobuf)) == expected_hex);
}

TEST_CASE("JSON as OTLP has it") {
  const auto made = nlohmann::json::parse(request(otlp_protocol::http_json));
  const auto expected = nlohmann::json::parse(R"({"resourceSpans":[{
    "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s"}}]},
    "scopeSpans":[{"scope":{"name":"understudy","version":"1.2.3"},"spans":[
      {"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",
       "parentSpanId":"00f067aa0ba902b7","traceState":"a=1","name":"n","kind":1,
       "startTimeUnixNano":"1767323045678900000","endTimeUnixNano":"1767323045799356000",
       "attributes":[{"key":"text","value":{"stringValue":"\u00e9"}},
                     {"key":"number","value":{"intValue":"-3"}},
                     {"key":"share","value":{"doubleValue":0.5}},
                     {"key":"yes","value":{"boolValue":true}},
                     {"key":"no","value":{"boolValue":false}}],
       "events":[{"timeUnixNano":"1767323045700000000","name":"e",
                  "attributes":[{"key":"k","value":{"stringValue":"v"}}]}],
       "status":{"code":2,"message":"bad"},"flags":769},
      {"traceId":"00000000000000000000000000000001","spanId":"0000000000000002","name":"m",
       "kind":3,"startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[],"flags":257}]}]}]})");
  CHECK(made == expected);
}

TEST_CASE("text that is no UTF-8 does not spoil a batch, and a limit cuts between characters") {
  span s = second_span();
  s.set("bad", std::string_view{"a\xFFz"});
  s.set("long", "ab\u00e9cd");
  std::string batch;
  otlp_encoder{otlp_protocol::http_protobuf, 3}.append(batch, s);
  CHECK(batch.find("a?z") != batch.npos);
  CHECK(batch.find("\xFF") == batch.npos);
  CHECK(batch.find("ab") != batch.npos);
  CHECK(batch.find("ab\xC3") == batch.npos);
  batch.clear();
  otlp_encoder{otlp_protocol::http_json, 3}.append(batch, s);
  const auto read = nlohmann::json::parse(batch.substr(1));
  CHECK(read["attributes"][1]["value"]["stringValue"] == "ab");
}

TEST_CASE("a list of texts") {
  // What the Python package opentelemetry-proto makes of the attribute.
  const std::string expected = "4a170a016b12122a100a060a0473746f700a060a046c6f6e67";
  const std::vector<std::string> reasons = {"stop", "longer"};
  span s = second_span();
  s.set("k", reasons);
  std::string batch;
  otlp_encoder{otlp_protocol::http_protobuf, 4}.append(batch, s);
  CHECK(understudy::codec::hex(batch).find(expected) != std::string::npos);
  batch.clear();
  otlp_encoder{otlp_protocol::http_json}.append(batch, s);
  CHECK(nlohmann::json::parse(batch.substr(batch.find('{')))["attributes"][0]["value"] ==
        nlohmann::json::parse(
            R"({"arrayValue":{"values":[{"stringValue":"stop"},{"stringValue":"longer"}]}})"));
}

TEST_CASE("a collector may refuse a part") {
  CHECK(rejected_spans(otlp_protocol::http_json, R"({"partialSuccess":{"rejectedSpans":"7"}})") ==
        7);
  CHECK(rejected_spans(otlp_protocol::http_json, R"({"partialSuccess":{"rejectedSpans":7}})") == 7);
  CHECK(rejected_spans(otlp_protocol::http_json, "{}") == 0);
  CHECK(rejected_spans(otlp_protocol::http_json, "<html>") == 0);
  CHECK(rejected_spans(otlp_protocol::http_protobuf, {"\x0a\x05\x08\x07\x12\x01x", 7}) == 7);
  CHECK(rejected_spans(otlp_protocol::http_protobuf, "") == 0);
  CHECK(rejected_spans(otlp_protocol::http_protobuf, "\x0a\x7F") == 0);
  CHECK(rejected_spans(otlp_protocol::http_protobuf, "<html>") == 0);
}
