#include <understudy/base/random.hpp>
#include <understudy/codec/event_stream.hpp>
#include <understudy/codec/json_scan.hpp>

#include "catch.hpp"
#include "golden.hpp"

namespace understudy::translate {
namespace {

using translate_test::golden_case;
using translate_test::json;

const base::wall_time now{std::chrono::seconds{1767323045}};

/// A response head that owns its texts.
struct kept_head {
  std::vector<codec::owned_field> fields;
  codec::response_head view;

  explicit kept_head(const golden_case& c) {
    view.status = c.knobs.value("status", 200);
    fields.push_back({"x-amzn-RequestId", "req-1"});
    if (c.knobs.contains("headers"))
      for (const auto& [name, value] : c.knobs["headers"].items())
        fields.push_back({name, value.get<std::string>()});
    for (const auto& f : fields) view.fields.add(f.name, f.value);
  }
};

struct prepared {
  std::unique_ptr<translator> one;
  std::optional<base::result<upstream_request, refusal>> request;
};

prepared prepare(const golden_case& c) {
  prepared out;
  out.one = find(operation::chat_completions, schema::aws_bedrock);
  const auto summary = codec::scan_request(c.request);
  request_view view;
  view.op = operation::chat_completions;
  view.method = "POST";
  view.target = "/v1/chat/completions?x=y";
  view.content_type = "application/json";
  view.body = c.request;
  std::string model = "malformed";
  if (summary) {
    model = summary->model;
    view.stream = summary->stream;
  }
  view.model = model;
  const std::string override = c.knobs.value("override", "");
  out.request = out.one->request(view, {schema::aws_bedrock, "v1", "", override});
  return out;
}

void check_refusal(const refusal& got, const json& expected) {
  CHECK(got.status == expected.at("status").get<int>());
  INFO(got.message);
  CHECK(got.message.find(expected.at("words").get<std::string>()) != std::string::npos);
}

std::string upstream_bytes(const golden_case& c) {
  if (c.has("upstream.bin")) return c.text("upstream.bin");
  std::string out;
  for (const auto& event : json::parse(c.text("upstream.events.json"))) {
    if (event.is_object())
      codec::append_json_exception(out, event.at("exception").get<std::string>(),
                                   event.at("payload").dump());
    else
      codec::append_json_event(out, event.at(0).get<std::string>(), event.at(1).dump());
  }
  return out;
}

struct streamed {
  std::string out;
  bool is_whole = false;
  token_usage usage;
};

template <class F>
streamed stream(const golden_case& c, std::string_view bytes, F next_size) {
  const auto ready = prepare(c);
  REQUIRE(ready.request->has_value());
  streamed got;
  {
    const kept_head head{c};
    const auto plan = ready.one->head(head.view, now);
    REQUIRE(plan.mode == body_mode::stream);
    REQUIRE(plan.set == std::vector<codec::owned_field>{{"content-type", "text/event-stream"}});
  }
  bool is_fine = true;
  while (is_fine && !bytes.empty()) {
    const std::string piece{bytes.substr(0, next_size())};
    bytes.remove_prefix(piece.size());
    is_fine = ready.one->feed(piece, got.out);
  }
  got.is_whole = is_fine && ready.one->finish(got.out);
  if (!got.is_whole) ready.one->abort("what the proxy would say", got.out);
  got.usage = ready.one->usage();
  return got;
}

void check_stream(const golden_case& c) {
  const auto bytes = upstream_bytes(c);
  const auto whole = stream(c, bytes, [&] { return bytes.size(); });
  const auto payloads = translate_test::sse_payloads(whole.out);
  CHECK(payloads == translate_test::sse_payloads(c.text("downstream.sse")));
  const bool must_break = c.knobs.value("broken", false);
  CHECK(whole.is_whole == !must_break);
  CHECK((whole.out.find("[DONE]") != std::string::npos) == !must_break);
  if (bytes.empty()) return;
  CHECK(stream(c, bytes, [] { return std::size_t{1}; }).out == whole.out);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    base::seeded_random random{seed};
    CHECK(stream(c, bytes, [&] { return 1 + random.below(200); }).out == whole.out);
  }
}

void check_whole(const golden_case& c, translator& one) {
  const kept_head head{c};
  const auto plan = one.head(head.view, now);
  REQUIRE(plan.mode == body_mode::whole);
  const auto body = c.has("upstream.txt") ? c.text("upstream.txt") : c.text("upstream.json");
  const auto got = one.whole(head.view, body);
  if (c.knobs.contains("answer_refusal")) {
    REQUIRE(got.has_error());
    check_refusal(got.error(), c.knobs["answer_refusal"]);
    return;
  }
  REQUIRE(got.has_value());
  CHECK(got->status == head.view.status);
  CHECK(json::parse(got->body) == json::parse(c.text("downstream.json")));
  CHECK(got->fields == std::vector<codec::owned_field>{{"content-type", "application/json"}});
}

TEST_CASE("chat completions over Bedrock Converse", "[golden]") {
  const auto cases = translate_test::golden_cases("chat_completions/aws_bedrock");
  REQUIRE(cases.size() >= 60);
  for (const auto& c : cases) {
    const auto name = c.name();
    CAPTURE(name);
    const auto ready = prepare(c);
    if (c.knobs.contains("refusal")) {
      REQUIRE(ready.request->has_error());
      check_refusal(ready.request->error(), c.knobs["refusal"]);
      continue;
    }
    REQUIRE(ready.request->has_value());
    const auto& request = **ready.request;
    REQUIRE(request.body.has_value());
    CHECK(json::parse(*request.body) == json::parse(c.text("upstream_request.json")));
    if (c.knobs.contains("target")) CHECK(request.target == c.knobs["target"].get<std::string>());
    if (c.has("downstream.sse"))
      check_stream(c);
    else
      check_whole(c, *ready.one);
  }
}

TEST_CASE("usage is told whether or not the client asked", "[golden]") {
  for (const auto& c : translate_test::golden_cases("chat_completions/aws_bedrock")) {
    if (c.name() != "stream_usage_not_asked" && c.name() != "stream_usage_cached") continue;
    const auto bytes = upstream_bytes(c);
    const auto usage = stream(c, bytes, [&] { return bytes.size(); }).usage;
    const bool is_cached = c.name() == "stream_usage_cached";
    CHECK(usage.input == (is_cached ? 109U : 9U));
    CHECK(usage.output == 3U);
    CHECK(usage.cached_input == (is_cached ? std::optional<std::uint64_t>{100} : std::nullopt));
  }
}

TEST_CASE("schemas reach the model with their members in order", "[bedrock]") {
  for (const auto& c : translate_test::golden_cases("chat_completions/aws_bedrock")) {
    if (c.name() != "tools") continue;
    const auto ready = prepare(c);
    CHECK((*ready.request)->body->find(R"({"zone":{"type":"string"},"city":)") !=
          std::string::npos);
  }
}

TEST_CASE("a stream that the proxy breaks off ends in an error", "[bedrock]") {
  const auto one = find(operation::chat_completions, schema::aws_bedrock);
  const std::string body = R"({"model":"m","stream":true,"messages":[]})";
  request_view view;
  view.body = body;
  view.model = "m";
  view.stream = true;
  REQUIRE(one->request(view, {schema::aws_bedrock, "", "", ""}).has_value());
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", codec::event_stream_content_type);
  REQUIRE(one->head(head, now).mode == body_mode::stream);
  std::string bytes, out;
  codec::append_json_event(bytes, "messageStart", R"({"role":"assistant"})");
  REQUIRE(one->feed(bytes, out));
  out.clear();
  one->abort("all 2 \"backends\" failed", out);
  CHECK(translate_test::sse_payloads(out).at(0)["error"]["message"] == "all 2 \"backends\" failed");
  CHECK(out.find("[DONE]") == std::string::npos);
  CHECK(!one->feed(bytes, out));
  CHECK(!one->finish(out));
}

TEST_CASE("a model's name cannot leave its path segment", "[bedrock]") {
  const std::string body = R"({"messages":[]})";
  for (const char* model : {"", ".", ".."}) {
    request_view view;
    view.body = body;
    view.model = model;
    const auto one = find(operation::chat_completions, schema::aws_bedrock);
    CHECK(one->request(view, {schema::aws_bedrock, "", "", ""}).has_error());
  }
  request_view view;
  view.body = body;
  view.model = "../../x?y#z";
  const auto one = find(operation::chat_completions, schema::aws_bedrock);
  const auto got = one->request(view, {schema::aws_bedrock, "", "", ""});
  REQUIRE(got.has_value());
  CHECK(got->target == "/model/..%2F..%2Fx%3Fy%23z/converse");
}

}  // namespace
}  // namespace understudy::translate
