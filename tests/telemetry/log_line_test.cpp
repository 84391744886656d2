#include <understudy/telemetry/access_log.hpp>
#include <understudy/telemetry/hub.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include "catch.hpp"
#include "telemetry/samples.hpp"

using namespace understudy;
using namespace understudy::telemetry;
using std::chrono::milliseconds;

namespace {

plan::log_format pattern(const std::string& text) {
  plan::log_format out;
  out.what = plan::log_format::kind::pattern;
  out.pattern = *plan::parse_log_pattern(text, out);
  return out;
}

plan::log_format fields(const std::vector<std::pair<std::string, std::string>>& written) {
  plan::log_format out;
  out.what = plan::log_format::kind::fields;
  for (const auto& [name, text] : written)
    out.fields.emplace_back(name, *plan::parse_log_pattern(text, out));
  return out;
}

std::string line_of(const exchange_record& record, const plan::log_format& format,
                    std::size_t first = exchange_record::no_field) {
  std::string out;
  access_log{}.append(out, record, format, first);
  return out;
}

struct sample {
  plan::rule rule;
  codec::field_list request;
  exchange_record record;

  sample() {
    rule.name = "default/r/rule/0";
    rule.backends.resize(1);
    rule.backends[0].id = "default/b/route/r/rule/0/ref/0";
    rule.backends[0].full_name = "default/b";
    rule.backends[0].schema = translate::schema::aws_bedrock;
    request.add("User-Agent", "curl/8\"\n");
    request.add("Authorization", "Bearer sk-secret");
    request.add("x-api-key", "sk-secret");
    request.add("Cookie", "sk-secret");
    record = tests::failed_over();
    record.is_ai = record.is_stream = true;
    record.matched = &rule;
    record.request_fields = &request;
    record.authority = "llm.test";
    record.attempts[1].to = &rule.backends[0];
    record.attempts[1].model = "m-sent";
    record.attempts[1].address.assign("10.0.0.2:443");
    record.attempts[1].time_to_content = milliseconds{30};
    record.answered = 1;
    record.model_answered.assign("m-answered");
    record.usage.input = 12;
    record.usage.output = 6;
    record.costs = {{"cost", 99}};
  }
};

std::string read(const std::filesystem::path& path) {
  std::ifstream in{path};
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("mapped header fields are metadata") {
  sample s;
  s.request.add("x-team", "red");
  const header_attributes map = {{"x-team", "team.name"}, {"x-none", "none"}, {"x-team", "cost"}};
  std::string out;
  access_log{map}.append(out, s.record,
                         pattern("%DYNAMIC_METADATA(io.envoy.ai_gateway:team.name)% "
                                 "%DYNAMIC_METADATA(io.envoy.ai_gateway:none)% "
                                 "%DYNAMIC_METADATA(io.envoy.ai_gateway:cost)%"),
                         exchange_record::no_field);
  CHECK(out == "red - 99\n");
  out.clear();
  access_log{map}.append(out, s.record,
                         fields({{"session", "%DYNAMIC_METADATA(io.envoy.ai_gateway:team.name)%"}}),
                         exchange_record::no_field);
  CHECK(out == "{\"session\":\"red\"}\n");
  CHECK(line_of(s.record, pattern("%DYNAMIC_METADATA(io.envoy.ai_gateway:team.name)%")) == "-\n");
}

TEST_CASE("a format string prints what its commands say") {
  const sample s;
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"[%START_TIME%]", "[2026-01-02T03:04:05.678Z]"},
      {"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%",
       "POST /v1/chat/completions HTTP/1.1"},
      {"%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%", "200 - via_upstream"},
      {"%BYTES_RECEIVED%/%BYTES_SENT% %DURATION%ms %RESPONSE_DURATION%", "812/1024 120ms 100"},
      {"%REQ(USER-AGENT)%", "curl/8\\\"\\n"},
      {"%REQ(User-Agent):4%", "curl"},
      {"%REQ(nothing?user-agent):400%", "curl/8\\\"\\n"},
      {"%REQ(nothing)% %RESP(server)%", "- -"},
      {"%REQ(X-REQUEST-ID)% %REQ(:AUTHORITY)% %REQ(:SCHEME)%", "3f1c llm.test http"},
      {"%REQ(AUTHORIZATION)% %REQ(x-api-key)% %REQ(Cookie)%", "[redacted] [redacted] [redacted]"},
      {"%UPSTREAM_HOST% %UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT%",
       "10.0.0.2:443 default/r/rule/0 2"},
      {"%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %ROUTE_NAME%", "192.0.2.7 default/r"},
      {"%DYNAMIC_METADATA(io.envoy.ai_gateway:cost)% "
       "%DYNAMIC_METADATA(io.envoy.ai_gateway:llm_input_token)% "
       "%DYNAMIC_METADATA(io.envoy.ai_gateway:backend_name)%",
       "99 12 default/b/route/r/rule/0/ref/0"},
      {"%DYNAMIC_METADATA(io.envoy.ai_gateway:model_name_override)% "
       "%DYNAMIC_METADATA(io.envoy.ai_gateway:response_model)% "
       "%DYNAMIC_METADATA(io.envoy.ai_gateway:ai_service_backend_name)% "
       "%DYNAMIC_METADATA(io.envoy.ai_gateway:token_latency_ttft)% "
       "%DYNAMIC_METADATA(io.envoy.ai_gateway:token_latency_itl)%",
       "m-sent m-answered default/b 30 10"},
      {"%DYNAMIC_METADATA(other:key)%", "-"},
      {"%UNDERSTUDY(MODEL_ASKED)% %UNDERSTUDY(MODEL_SENT)% %UNDERSTUDY(MODEL_ANSWERED)% "
       "%UNDERSTUDY(BACKEND)% %UNDERSTUDY(PROVIDER)% %UNDERSTUDY(ERROR_ORIGIN)%",
       "m m-sent m-answered b aws.bedrock -"},
      {"100%%", "100%"},
  };
  for (const auto& [format, expected] : rows) {
    INFO(format);
    CHECK(line_of(s.record, pattern(format)) == expected + "\n");
  }
}

TEST_CASE("JSON members keep the type of a single command, and null where there is nothing") {
  const sample s;
  const auto line =
      line_of(s.record, fields({{"code", "%RESPONSE_CODE%"},
                                {"cost", "%DYNAMIC_METADATA(io.envoy.ai_gateway:cost)%"},
                                {"missing", "%REQ(x-nothing)%"},
                                {"mixed", "%RESPONSE_CODE% %REQ(x-nothing)%"},
                                {"agent", "%REQ(user-agent)%"},
                                {"literal", "a \"b\""},
                                {"key", "%REQ(authorization)%"},
                                {"attempts", "%UNDERSTUDY(ATTEMPTS)%"},
                                {"time", "%START_TIME%"}}));
  const auto json = nlohmann::json::parse(line);
  CHECK(json["code"] == 200);
  CHECK(json["cost"] == 99);
  CHECK(json["missing"].is_null());
  CHECK(json["mixed"] == "200 -");
  CHECK(json["agent"] == "curl/8\"\n");
  CHECK(json["literal"] == "a \"b\"");
  CHECK(json["key"] == "[redacted]");
  REQUIRE(json["attempts"].size() == 2);
  CHECK(json["attempts"][1]["model"] == "m-sent");
  CHECK(json["time"] == "2026-01-02T03:04:05.678Z");
  CHECK(line.find("secret") == std::string::npos);
}

TEST_CASE("an error says so") {
  sample s;
  s.record.status = 0;
  s.record.flags = "URX,UF";
  s.record.origin = error_origin::client;
  s.record.details = "downstream_gone";
  CHECK(line_of(s.record, pattern("%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% "
                                  "%CONNECTION_TERMINATION_DETAILS% %UNDERSTUDY(ERROR_ORIGIN)%")) ==
        "0 URX,UF downstream_gone downstream_gone client\n");
  const exchange_record nothing;
  const auto line =
      line_of(nothing, pattern("%UPSTREAM_HOST% %UPSTREAM_CLUSTER% %UNDERSTUDY(MODEL_SENT)% "
                               "%DYNAMIC_METADATA(io.envoy.ai_gateway:backend_name)% %REQ(a)% "
                               "%RESPONSE_CODE_DETAILS% %UNDERSTUDY(FIRST_CONTENT)% %REQ(:path)%"));
  CHECK(line == "- - - - - - - -\n");
}

TEST_CASE("hostile fields stay in one line") {
  sample s;
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  s.request.clear();
  s.request.add("user-agent", every_byte);
  const auto text = line_of(s.record, pattern("%REQ(user-agent)%"));
  CHECK(std::ranges::count(text, '\n') == 1);
  CHECK(nlohmann::json::accept(line_of(s.record, fields({{"a", "x %REQ(user-agent)%"}}))));
}

TEST_CASE("fields of the answer are kept only where a format asks for them") {
  const auto folder =
      std::filesystem::temp_directory_path() / ("log-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto a = folder / "a.log";
  const auto b = folder / "b.log";
  {
    hub_options options;
    options.access_logs.emplace();
    options.access_logs->push_back({a.string(), pattern("%RESP(X-A)% %RESP(nothing?x-b)%")});
    options.access_logs->push_back({b.string(), pattern("%RESP(x-b):2% %RESP(set-cookie)%")});
    hub h{options};
    auto& worker = h.add_worker();
    sample first;
    worker.on_exchange(first.record);  // its fields were not kept
    codec::field_list answer;
    answer.add("x-a", "one");
    answer.add("x-b", "two");
    answer.add("set-cookie", "secret");
    sample s;
    worker.keep_response_fields(s.record, answer);
    worker.on_exchange(s.record);
    s.record.reset();
    CHECK(s.record.response_fields_of == 0);
    worker.flush();
    CHECK(read(a) == "- -\none two\n");
    CHECK(read(b) == "- -\ntw [redacted]\n");

    std::filesystem::rename(a, folder / "a.old");
    worker.on_exchange(s.record);
    worker.flush();
    CHECK(read(folder / "a.old") == "- -\none two\n- -\n");
    h.reopen_logs();
    worker.on_exchange(s.record);
    worker.flush();
    CHECK(read(a) == "- -\n");
    CHECK(read(folder / "a.old") == "- -\none two\n- -\n");
    CHECK(worker.counters().access_log_dropped.value() == 0);
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("a file that can't be opened costs lines, not traffic") {
  hub_options options;
  options.access_logs.emplace();
  options.access_logs->push_back({"/nonexistent/folder/log", pattern("x")});
  hub h{options};
  auto& worker = h.add_worker();
  worker.on_exchange(tests::failed_over());
  worker.on_exchange(tests::failed_over());
  worker.flush();
  CHECK(worker.counters().access_log_dropped.value() == 2);
}

TEST_CASE("a full disk costs lines, not traffic") {
  hub_options options;
  options.access_logs.emplace();
  options.access_logs->push_back({"/dev/full", pattern("x")});
  hub h{options};
  auto& worker = h.add_worker();
  for (int i = 0; i < 3; ++i) worker.on_exchange(tests::failed_over());
  worker.flush();
  CHECK(worker.counters().access_log_dropped.value() == 3);
}

TEST_CASE("a reload changes the outputs, and lines before it go where they belong") {
  const auto folder =
      std::filesystem::temp_directory_path() / ("reload-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  {
    hub_options options;
    hub h{options};
    plan::plan first;
    first.access_logs.emplace();
    first.access_logs->push_back({(folder / "a").string(), pattern("a")});
    h.configure(first);
    auto& worker = h.add_worker();
    worker.on_exchange(tests::failed_over());
    plan::plan second;
    second.access_logs.emplace();
    second.access_logs->push_back({(folder / "b").string(), pattern("b")});
    h.configure(second);
    worker.on_exchange(tests::failed_over());
    worker.on_exchange(tests::failed_over());
    worker.flush();
    CHECK(read(folder / "a") == "a\na\n");
    CHECK(read(folder / "b") == "b\n");
    plan::plan off;
    off.access_logs.emplace();
    h.configure(off);
    worker.on_exchange(tests::failed_over());
    worker.on_exchange(tests::failed_over());
    worker.flush();
    CHECK(read(folder / "b") == "b\nb\n");
  }
  std::filesystem::remove_all(folder);
}
