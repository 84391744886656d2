#include <understudy/telemetry/access_log.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>

#include "catch.hpp"
#include "telemetry/samples.hpp"

using namespace understudy;
using namespace understudy::telemetry;
using tests::failed_over;

namespace {

std::string line_of(const exchange_record& record, log_format format) {
  std::string out;
  access_log{}.append(out, record, format);
  return out;
}

}  // namespace

TEST_CASE("a JSON line has every field and every attempt") {
  auto record = failed_over();
  record.attempts[1].is_reused = true;
  record.attempts[1].is_replayed = true;
  record.attempts[1].model = "m-b";
  record.attempts[1].address.assign("10.0.0.2:443");
  record.attempts[1].start = std::chrono::milliseconds{30};
  record.attempts[1].time_to_content = std::chrono::milliseconds{60};
  record.time_to_content = std::chrono::milliseconds{90};
  record.model_answered.assign("m-b-2026");
  record.response_id.assign("chatcmpl-1");
  record.costs = {{"cost", 7}, {"other", 0}};
  record.usage.input = 12;
  const auto line = line_of(record, log_format::json);
  CHECK(line.back() == '\n');
  CHECK(nlohmann::json::parse(line) == nlohmann::json::parse(R"({
    "time": "2026-01-02T03:04:05.678Z", "request_id": "3f1c", "method": "POST",
    "path": "/v1/chat/completions", "route": "default/r", "model": "m", "model_sent": "m-b",
    "model_answered": "m-b-2026", "response_id": "chatcmpl-1", "status": 200,
    "origin": null, "details": null, "flags": null, "stream": false, "bytes_received": 812,
    "bytes_sent": 1024, "duration_ms": 120.456, "first_byte_ms": 100.001, "first_content_ms": 90.0, "client": "192.0.2.7",
    "listener": "default", "tokens": {"input": 12}, "costs": {"cost": 7, "other": 0},
    "attempts": [
      {"backend": "a", "priority": 0, "outcome": "status", "status": 503, "start_ms": 0.0,
       "ms": 20.0},
      {"backend": "b", "priority": 1, "endpoint": "10.0.0.2:443", "model": "m-b", "outcome": "ok",
       "status": 200, "start_ms": 30.0, "ms": 80.0, "content_ms": 60.0,
       "reused": true, "replayed": true}]})"));
}

TEST_CASE("mapped header fields are in the JSON line, escaped and bounded") {
  const header_attributes map = {{"agent-session-id", "session.id"}, {"x-team", "te\"am"}};
  codec::field_list fields;
  auto record = failed_over();
  record.request_fields = &fields;
  const auto attributes = [&] {
    std::string line;
    access_log{map}.append(line, record, log_format::json);
    const auto read = nlohmann::json::parse(line);
    return read.contains("attributes") ? read["attributes"] : nlohmann::json{};
  };
  CHECK(attributes().is_null());
  fields.add("x-none", "1");
  fields.add("agent-session-id", "s-\"7\xFF");
  CHECK(attributes() == nlohmann::json{{"session.id", "s-\"7\xEF\xBF\xBD"}});
  const std::string huge(100'000, 'x');
  fields.add("X-Team", huge);
  CHECK(attributes()["te\"am"].get<std::string>().size() < 300);
  CHECK_FALSE(nlohmann::json::parse(line_of(record, log_format::json)).contains("attributes"));
}

TEST_CASE("an error names its origin, cause and flags") {
  exchange_record record;
  record.status = 503;
  record.origin = error_origin::proxy;
  record.details = "no_healthy_upstream";
  record.flags = "UH";
  const auto line = nlohmann::json::parse(line_of(record, log_format::json));
  CHECK(line["origin"] == "proxy");
  CHECK(line["details"] == "no_healthy_upstream");
  CHECK(line["flags"] == "UH");
  CHECK(line["route"].is_null());
  CHECK(line["attempts"].empty());
}

TEST_CASE("hostile text stays one bounded, valid line") {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  const std::string forged = "x\"}\n{\"status\":200,\"y\":\"";
  const std::string huge(1'000'000, '\x01');
  for (const std::string& text : {every_byte, forged, huge}) {
    auto record = failed_over();
    record.request_id = record.method = record.path = record.model = record.route = text;
    record.client_address = record.listener = record.details = text;
    record.flags = text;
    record.model_answered.assign(text);
    record.response_id.assign(text);
    record.attempts.assign(1'000, tests::attempt(text, 0, attempt_outcome::ok, 200, 1));
    const auto line = line_of(record, log_format::json);
    CHECK(std::ranges::count(line, '\n') == 1);
    CHECK(line.size() < 100'000);
    REQUIRE(nlohmann::json::accept(line));
    const auto parsed = nlohmann::json::parse(line);
    CHECK(parsed["status"] == 200);
    CHECK(parsed["attempts"].size() == access_log::max_attempts);
    CHECK(parsed["attempts_total"] == 1'000);

    const auto readable = line_of(record, log_format::text);
    CHECK(std::ranges::count(readable, '\n') == 1);
    CHECK(std::ranges::none_of(readable, [](char c) {
      return c != '\n' && static_cast<unsigned char>(c) < 0x20;  // no escape sequence gets through
    }));
  }
}

TEST_CASE("a text line reads at a glance") {
  auto record = failed_over();
  CHECK(line_of(record, log_format::text) ==
        "2026-01-02T03:04:05.678Z 200 POST /v1/chat/completions 120ms model=m  "
        "a 503 20ms > b 200 80ms\n");
  record.status = 0;
  record.model = {};
  record.flags = "DC";
  record.details = "client left";
  record.attempts = {tests::attempt("a", 0, attempt_outcome::connect_failure, 0, 1),
                     tests::attempt("b", 1, attempt_outcome::stream_broken, 200, 30)};
  CHECK(line_of(record, log_format::text) ==
        "2026-01-02T03:04:05.678Z - POST /v1/chat/completions 120ms  "
        "a connect_failure 1ms > b 200 stream_broken 30ms flags=DC  (client left)\n");
}
