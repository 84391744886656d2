#include <understudy/trace/tracer.hpp>

#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace understudy;
using namespace understudy::trace;
using nlohmann::json;
using telemetry::attempt_outcome;
using telemetry::exchange_record;

namespace {

plan::backend backend_of(translate::schema schema) {
  plan::backend b;
  b.schema = schema;
  return b;
}

telemetry::attempt_record attempt(std::string_view backend, const plan::backend& to,
                                  attempt_outcome outcome, int status, int start, int elapsed) {
  telemetry::attempt_record a;
  a.backend = backend;
  a.to = &to;
  a.model = "sent-model";
  a.outcome = outcome;
  a.status = status;
  a.start = std::chrono::milliseconds{start};
  a.elapsed = std::chrono::milliseconds{elapsed};
  return a;
}

const plan::backend anthropic = backend_of(translate::schema::anthropic);
const plan::backend openai = backend_of(translate::schema::openai);

/// 503 of `a`, then an answer of `b`.
exchange_record failed_over() {
  exchange_record r;
  r.start = base::wall_time{std::chrono::seconds{1'767'323'045}};
  r.request_id = "3f1c";
  r.method = "POST";
  r.path = "/v1/chat/completions";
  r.route = "default/r";
  r.model = "asked-model";
  r.op = translate::operation::chat_completions;
  r.is_ai = true;
  r.is_stream = true;
  r.status = 200;
  r.elapsed = std::chrono::milliseconds{120};
  r.time_to_content = std::chrono::milliseconds{90};
  r.attempts = {attempt("a", openai, attempt_outcome::status, 503, 1, 20),
                attempt("b", anthropic, attempt_outcome::ok, 200, 25, 90)};
  r.attempts[1].address.assign("10.0.0.2:8443");
  r.answered = 1;
  r.model_answered.assign("answered-model");
  r.usage.input = 10;
  r.usage.output = 7;
  return r;
}

struct scene {
  explicit scene(settings s = {}) {
    s.to_console = true;
    by = std::make_shared<const settings>(std::move(s));
  }

  /// The spans of one exchange, by name.
  std::map<std::string, json> play(exchange_record record, std::string_view body = "{}",
                                   std::string_view answer = {}) {
    tracer t{by, queue, 1};
    t.begin(of, head);
    if (!of.is_recorded()) return {};
    if (of.wants_answer()) of.keep_answer({}, answer, {});
    record.request_fields = &head;
    t.finish(of, record, body);
    t.flush();
    std::map<std::string, json> out;
    auto lines = queue.take(SIZE_MAX).console;
    for (std::size_t at = 0; at < lines.size();) {
      const auto end = lines.find('\n', at);
      auto one = json::parse(lines.substr(at, end - at));
      out.emplace(one["name"].get<std::string>(), one);
      at = end + 1;
    }
    return out;
  }

  std::shared_ptr<const settings> by;
  span_queue queue{1000, 1000};
  codec::field_list head;
  request_trace of;
};

/// Attributes as plain values.
std::map<std::string, json> attributes(const json& of) {
  std::map<std::string, json> out;
  for (const auto& a : of["attributes"]) out.emplace(a["key"], *a["value"].begin());
  return out;
}

settings with(convention names) {
  settings s;
  s.names = names;
  return s;
}

settings with_content(convention names) {
  auto s = with(names);
  s.content.has_inputs = s.content.has_outputs = true;
  return s;
}

}  // namespace

TEST_CASE("a request is a span and each attempt a child of it") {
  scene s;
  const auto spans = s.play(failed_over());
  REQUIRE(spans.size() == 3);
  const auto& request = spans.at("ChatCompletion");
  const auto& first = spans.at("attempt a");
  const auto& second = spans.at("attempt b");
  CHECK_FALSE(request.contains("parentSpanId"));
  CHECK(request["kind"] == 1);
  CHECK_FALSE(request.contains("status"));
  for (const auto* a : {&first, &second}) {
    CHECK((*a)["traceId"] == request["traceId"]);
    CHECK((*a)["parentSpanId"] == request["spanId"]);
    CHECK((*a)["kind"] == 3);
  }
  CHECK(first["spanId"] != second["spanId"]);
  CHECK(first["startTimeUnixNano"] == "1767323045001000000");
  CHECK(first["endTimeUnixNano"] == "1767323045021000000");
  CHECK(first["status"]["code"] == 2);
  CHECK(attributes(first).at("error.type") == "503");
  CHECK_FALSE(second.contains("status"));
  CHECK(attributes(second).at("network.peer.address") == "10.0.0.2");
  CHECK(attributes(second).at("network.peer.port") == "8443");
  CHECK(request["events"][0]["name"] == "First Token Stream Event");
  CHECK(request["events"][0]["timeUnixNano"] == "1767323045090000000");
}

TEST_CASE("names of both conventions") {
  scene openinference{with(convention::openinference)};
  const auto body = R"({"model":"m","temperature":0.5,"max_tokens":64,"stream":true,"user":"bob",
    "messages":[{"role":"user","content":"my secret"}],"stop":["secret"]})";
  auto have = attributes(openinference.play(failed_over(), body).at("ChatCompletion"));
  CHECK(have["openinference.span.kind"] == "LLM");
  CHECK(have["llm.system"] == "openai");
  CHECK(have["llm.provider"] == "anthropic");
  CHECK(have["llm.model_name"] == "answered-model");
  CHECK(have["llm.token_count.prompt"] == "10");
  CHECK(have["llm.token_count.completion"] == "7");
  CHECK(have["llm.token_count.total"] == "17");
  CHECK(json::parse(have["llm.invocation_parameters"].get<std::string>()) ==
        json{{"temperature", 0.5}, {"max_tokens", 64}, {"stream", true}});
  CHECK(have["understudy.backend"] == "b");

  scene gen_ai{with(convention::gen_ai)};
  const auto spans = gen_ai.play(failed_over(), body);
  REQUIRE(spans.contains("chat asked-model"));
  have = attributes(spans.at("chat asked-model"));
  CHECK(have["gen_ai.operation.name"] == "chat");
  CHECK(have["gen_ai.provider.name"] == "anthropic");
  CHECK(have["gen_ai.request.model"] == "asked-model");
  CHECK(have["gen_ai.response.model"] == "answered-model");
  CHECK(have["gen_ai.request.temperature"] == 0.5);
  CHECK(have["gen_ai.request.max_tokens"] == "64");
  CHECK(have["gen_ai.usage.output_tokens"] == "7");
  CHECK(attributes(spans.at("attempt b"))["gen_ai.request.model"] == "sent-model");
  for (const auto& [name, one] : spans) CHECK(one.dump().find("secret") == std::string::npos);
}

TEST_CASE("why the model stopped, in GenAI's words only") {
  const auto record = failed_over();
  scene gen_ai{with(convention::gen_ai)};
  CHECK_FALSE(attributes(gen_ai.play(record).at("chat asked-model"))
                  .contains("gen_ai.response.finish_reasons"));
  gen_ai.of.finish_reasons = {"stop", "length"};
  const auto have = attributes(gen_ai.play(record).at("chat asked-model"));
  CHECK(have.at("gen_ai.response.finish_reasons") ==
        json::parse(R"({"values":[{"stringValue":"stop"},{"stringValue":"length"}]})"));
  CHECK(gen_ai.of.wants_finish_reasons());
  scene openinference{with(convention::openinference)};
  openinference.of.finish_reasons = {"stop", "length"};
  for (const auto& [name, one] : openinference.play(record))
    CHECK(one.dump().find("length") == std::string::npos);
  CHECK_FALSE(openinference.of.wants_finish_reasons());
  CHECK_FALSE(request_trace{}.wants_finish_reasons());
}

TEST_CASE("two header fields that are one attribute are in a span once") {
  scene s;
  s.head.add("x-s", "first");
  s.head.add("agent-session-id", "second");
  settings by;
  by.header_attributes = {{"x-s", "session.id"}, {"agent-session-id", "session.id"}};
  by.to_console = true;
  s.by = std::make_shared<const settings>(by);
  const auto text = s.play(failed_over()).at("ChatCompletion").dump();
  CHECK(text.find("first") != std::string::npos);
  CHECK(text.find("second") == std::string::npos);
}

TEST_CASE("failures say what kind they are, never what the provider said") {
  auto record = failed_over();
  record.status = 503;
  record.answered = exchange_record::no_attempt;
  record.origin = telemetry::error_origin::proxy;
  record.details = "retries_exhausted";
  record.flags = "URX";
  scene s;
  const auto request = s.play(record).at("ChatCompletion");
  CHECK(request["status"]["message"] == "Error code: 503 - retries_exhausted");
  auto have = attributes(request);
  CHECK(have["error.type"] == "503");
  CHECK(have["understudy.response_flags"] == "URX");
  json exception;
  for (const auto& e : request["events"])
    if (e["name"] == "exception") exception = e;
  CHECK(attributes(exception)["exception.type"] == "InternalServerError");

  record.status = 200;  // a stream that was cut
  record.details = "upstream_broke";
  CHECK(attributes(s.play(record).at("ChatCompletion"))["error.type"] == "upstream_broke");
  auto race = failed_over();
  race.attempts[0].outcome = attempt_outcome::superseded;
  CHECK_FALSE(s.play(race).at("attempt a").contains("status"));
}

TEST_CASE("the client's context is gone on with, and its decision obeyed") {
  constexpr auto parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  scene s;
  s.head.add("traceparent", parent);
  s.head.add("tracestate", "a=1");
  s.head.add("agent-session-id", "s-1");
  settings by;
  by.header_attributes = {{"agent-session-id", "session.id"}};
  by.to_console = true;
  s.by = std::make_shared<const settings>(by);
  const auto spans = s.play(failed_over());
  const auto& request = spans.at("ChatCompletion");
  CHECK(request["traceId"] == "0af7651916cd43dd8448eb211c80319c");
  CHECK(request["parentSpanId"] == "b7ad6b7169203331");
  CHECK(request["traceState"] == "a=1");
  CHECK(request["flags"] == 0x301);
  CHECK(attributes(request)["session.id"] == "s-1");

  // The attempt's own span goes upstream.
  carrier c;
  inject(s.of, 1, c);
  REQUIRE(c.fields().size() == 2);
  const auto sent = parse_traceparent(c.fields()[0].value);
  REQUIRE(sent);
  CHECK(spans.at("attempt b")["spanId"] == to_text(sent->span));
  CHECK(sent->is_sampled);
  CHECK(c.fields()[1].value == "a=1");

  scene unsampled;
  const auto not_sampled = std::string{parent}.replace(54, 1, "0");
  unsampled.head.add("traceparent", not_sampled);
  CHECK(unsampled.play(failed_over()).empty());
  carrier other;
  inject(unsampled.of, 0, other);
  CHECK_FALSE(parse_traceparent(other.fields()[0].value)->is_sampled);
}

TEST_CASE("without tracing nothing is injected") {
  const request_trace off;
  carrier c;
  inject(off, 0, c);
  CHECK(c.fields().empty());
  CHECK_FALSE(off.is_recorded());
}

TEST_CASE("content only where it is asked for, and hidden where that is asked for") {
  const auto body = R"({"messages":[{"role":"system","content":"be kind"},{"role":"user",
    "content":[{"type":"text","text":"hello"},{"type":"text","text":"there"}]}]})";
  const std::string answer =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi \"}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"you\"},"
      "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
  scene off;
  for (const auto& [name, one] : off.play(failed_over(), body, answer)) {
    CHECK(one.dump().find("hello") == std::string::npos);
    CHECK(one.dump().find("Hi") == std::string::npos);
  }
  scene on{with_content(convention::openinference)};
  auto have = attributes(on.play(failed_over(), body, answer).at("ChatCompletion"));
  CHECK(have["input.value"] == body);
  CHECK(have["llm.input_messages.0.message.role"] == "system");
  CHECK(have["llm.input_messages.1.message.content"] == "hello\nthere");
  CHECK(have["output.value"] == "Hi you");
  CHECK(have["llm.output_messages.0.message.content"] == "Hi you");

  auto hiding = with_content(convention::openinference);
  hiding.content.hides_inputs = hiding.content.hides_output_text = true;
  scene hidden{hiding};
  have = attributes(hidden.play(failed_over(), body, answer).at("ChatCompletion"));
  CHECK(have["input.value"] == "__REDACTED__");
  CHECK_FALSE(have.contains("llm.input_messages.0.message.role"));
  CHECK(have["output.value"] == "__REDACTED__");
  CHECK(have["llm.output_messages.0.message.content"] == "__REDACTED__");

  scene gen_ai{with_content(convention::gen_ai)};
  have = attributes(gen_ai.play(failed_over(), body, answer).at("chat asked-model"));
  CHECK(json::parse(have["gen_ai.input.messages"].get<std::string>())[0]["parts"][0]["content"] ==
        "hello\nthere");
  CHECK(json::parse(have["gen_ai.system_instructions"].get<std::string>())[0]["content"] ==
        "be kind");
  const auto said = json::parse(have["gen_ai.output.messages"].get<std::string>());
  CHECK(said[0]["finish_reason"] == "stop");
}

TEST_CASE("answers of every dialect of clients") {
  using translate::operation;
  struct row {
    operation op;
    const char* answer;
    const char* text;
  };
  const row rows[] = {
      {operation::chat_completions, R"({"choices":[{"message":{"content":"yes"}}]})", "yes"},
      {operation::completions, R"({"choices":[{"text":"yes"}]})", "yes"},
      {operation::messages, R"({"role":"assistant","content":[{"type":"text","text":"yes"}]})",
       "yes"},
      {operation::messages,
       "event: content_block_delta\ndata: "
       "{\"delta\":{\"type\":\"text_delta\",\"text\":\"yes\"}}\n\n",
       "yes"},
      {operation::responses,
       R"({"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"yes"}]}]})",
       "yes"},
      {operation::responses,
       "data: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"content\":"
       "[{\"text\":\"yes\"}]}]}}\n\n",
       "yes"},
      {operation::chat_completions, "\x1f\x8b compressed", nullptr},
      {operation::chat_completions, "{\"choices\":[{\"mess", nullptr},
      {operation::chat_completions, R"({"choices":[7,{"index":"x","delta":null}]})", nullptr},
  };
  for (const auto& r : rows) {
    INFO(r.answer);
    auto record = failed_over();
    record.op = r.op;
    scene s{with_content(convention::openinference)};
    const auto spans = s.play(record, "{}", r.answer);
    const auto name = r.op == operation::messages      ? "Message"
                      : r.op == operation::responses   ? "Responses"
                      : r.op == operation::completions ? "Completion"
                                                       : "ChatCompletion";
    auto have = attributes(spans.at(name));
    if (r.text != nullptr) CHECK(have["llm.output_messages.0.message.content"] == r.text);
    if (r.text == nullptr) CHECK_FALSE(have.contains("llm.output_messages.0.message.content"));
  }
}

TEST_CASE("a kept answer loses its head and its chunks, and has a bound") {
  request_trace of;
  of.keep_answer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n", "abc", "\r\n");
  of.keep_answer({}, "2\r\nde\r\n", {});
  of.keep_answer("1\r\n", "f", "\r\n0\r\n\r\n");
  CHECK(of.decoded_answer() == "abcdef");
  request_trace plain;
  plain.keep_answer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", "{}", {});
  CHECK(plain.decoded_answer() == "{}");
  plain.keep_answer({}, std::string(2 * request_trace::max_answer_bytes, 'x'), {});
  CHECK(plain.answer.size() == request_trace::max_answer_bytes);
}

TEST_CASE("the queue drops what does not fit and tells once when there is enough") {
  span_queue queue{10, 4};
  int told = 0;
  queue.on_enough([&] { ++told; });
  const auto batch = [](std::size_t spans) {
    span_batch b;
    b.otlp = std::string(spans, 'x');
    b.spans = spans;
    return b;
  };
  queue.push(batch(3));
  CHECK(told == 0);
  queue.push(batch(3));
  queue.push(batch(3));
  CHECK(told == 1);
  queue.push(batch(2));
  CHECK(queue.count().dropped_full == 2);
  CHECK(queue.size() == 9);
  auto taken = queue.take(6);
  CHECK(taken.spans == 6);
  CHECK(taken.otlp == "xxxxxx");
  CHECK(queue.take(1).spans == 3);  // never split
  CHECK(queue.take(1).spans == 0);
  span_batch large = batch(1);
  large.otlp.resize(span_queue::max_bytes + 1);
  queue.push(std::move(large));
  CHECK(queue.count().dropped_full == 3);
}
