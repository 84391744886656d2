#include <understudy/proxy/downstream_head.hpp>

#include "catch.hpp"

using namespace understudy;
using resilience::failure_class;
using resilience::stop_reason;
using translate::operation;

TEST_CASE("the head of a response on its way down") {
  codec::response_head head;
  head.status = 200;
  head.reason = "Fine";
  for (const auto* name : {"Keep-Alive", "Transfer-Encoding", "Content-Length", "X-Private",
                           "x-understudy-backend", "X-Request-Id", "X-Should-Retry"})
    head.fields.add(name, "theirs");
  head.fields.add("Connection", "X-Private");
  head.fields.add("Content-Type", "text/plain");
  head.fields.add("X-Removed", "1");
  head.fields.add("X-Filter", "1");
  head.fields.add("X-Kept", "1");

  proxy::response_notes notes;
  notes.request_id = "id-1";
  notes.is_ai = true;
  notes.attempts = 3;
  notes.backend = "backup";
  notes.error_origin = "upstream";
  notes.forbids_sdk_retry = true;
  notes.server_timing = "attempt-1";
  plan::header_mutation filters;
  filters.set = {{"x-filter", "ours"}};
  filters.remove = {"x-removed"};
  const std::vector<codec::owned_field> set{
      {"content-type", "application/json"}, {"x-filter", "translator"}, {"x-kept", ""}};
  std::string out;
  SECTION("everything") {
    proxy::append_downstream_head(out, head, set, &filters, {true, {}}, notes, true);
    CHECK(out ==
          "HTTP/1.1 200 Fine\r\ncontent-type: application/json\r\nx-filter: ours\r\n"
          "x-request-id: id-1\r\nx-understudy-attempts: 3\r\nx-understudy-backend: backup\r\n"
          "x-understudy-error-origin: upstream\r\nx-should-retry: false\r\n"
          "server-timing: attempt-1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n");
  }
  SECTION("nothing of our own") {
    head.reason = "";
    head.status = 404;
    proxy::append_downstream_head(out, head, {}, nullptr, {false, 7}, {}, false);
    CHECK(out ==
          "HTTP/1.1 404 Not Found\r\nX-Request-Id: theirs\r\nX-Should-Retry: theirs\r\n"
          "Content-Type: text/plain\r\nX-Removed: 1\r\nX-Filter: 1\r\nX-Kept: 1\r\n"
          "content-length: 7\r\n\r\n");
  }
  SECTION("no body fields at all") {
    codec::response_head empty;
    empty.status = 204;
    proxy::append_downstream_head(out, empty, {}, nullptr, {}, {}, false);
    CHECK(out == "HTTP/1.1 204 No Content\r\n\r\n");
  }
}

TEST_CASE("a local reply on the wire") {
  proxy::local_reply reply;
  reply.status = 405;
  reply.body = "{}";
  reply.fields = {{"allow", "GET"}};
  const std::string head =
      "HTTP/1.1 405 Method Not Allowed\r\ncontent-type: application/json\r\nallow: GET\r\n";
  const auto wire = [&](bool is_head, bool closes) {
    std::string out;
    proxy::append_local_reply(out, reply, {}, is_head, closes);
    return out;
  };
  CHECK(wire(false, false) == head + "content-length: 2\r\n\r\n{}");
  CHECK(wire(true, true) == head + "connection: close\r\ncontent-length: 2\r\n\r\n");
  reply = {};
  reply.status = 204;
  CHECK(wire(false, false) == "HTTP/1.1 204 No Content\r\n\r\n");
  reply.status = 503;
  CHECK(wire(false, false) == "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
}

TEST_CASE("every status that is answered has a phrase") {
  const int status =
      GENERATE(values<int>({200, 204, 301, 302, 307, 400, 401, 403, 404, 405, 408, 411, 413, 414,
                            415, 417, 421, 422, 426, 429, 431, 500, 501, 502, 503, 504, 505, 507}));
  CAPTURE(status);
  CHECK(proxy::reason_phrase(status) != "Unknown");
  CHECK(proxy::reason_phrase(299) == "Unknown");
}

TEST_CASE("an error takes the shape of the client's dialect") {
  const auto openai = proxy::error_reply(operation::chat_completions, 429, "busy", "a \"b\"", "d");
  CHECK(openai.body ==
        R"({"error":{"message":"a \"b\"","type":"rate_limit_error","param":null,"code":"busy"}})");
  CHECK(openai.status == 429);
  CHECK(openai.details == "d");
  CHECK(openai.is_client_fault);
  CHECK(openai.content_type == "application/json");
  const auto anthropic = proxy::error_reply(operation::messages, 503, "busy", "a", "d");
  CHECK(anthropic.body == R"({"type":"error","error":{"type":"overloaded_error","message":"a"}})");
  CHECK_FALSE(anthropic.is_client_fault);
}

TEST_CASE("a request without a route is told why") {
  const auto message = [](operation op, std::string_view path, std::string_view model) {
    const auto reply = proxy::no_route_reply(op, path, model);
    CHECK(reply.status == 404);
    CHECK(reply.details == "no_route");
    CHECK(reply.is_client_fault);
    return reply.body;
  };
  const std::string open = R"({"error":{"message":")";
  const std::string close = R"(","type":"not_found_error","param":null,"code":")";
  CHECK(message(operation::unknown, "/x", "m") ==
        open + "no route for path /x" + close + "unknown_url\"}}");
  CHECK(message(operation::openai_other, "/v1/files", "") ==
        open + "no route for path /v1/files" + close + "unknown_url\"}}");
  CHECK(message(operation::openai_other, "/v1/videos", "sora") ==
        open + "no route matches: the model `sora` is not configured in this gateway" + close +
            "model_not_found\"}}");
  CHECK(message(operation::chat_completions, "/v1/chat/completions", "") ==
        open + "no route matches: the request names no model" + close + "model_not_found\"}}");
  CHECK(message(operation::chat_completions, "/v1/chat/completions", "gpt-x") ==
        open + "no route matches: the model `gpt-x` is not configured in this gateway" + close +
            "model_not_found\"}}");
  const std::string longest(200, 'm');
  CHECK(message(operation::chat_completions, "/", longest + "n").find(longest + "` is") !=
        std::string::npos);
}

TEST_CASE("a failed request tells every attempt") {
  using attempts = std::vector<proxy::failed_attempt>;
  struct row {
    attempts tried;
    std::size_t backends;
    failure_class last;
    stop_reason why;
    int status;
    const char* code;
    const char* details;
    const char* message;
  };
  const std::vector<row> rows{
      {{{"a", "connection refused"}},
       1,
       failure_class::connect,
       stop_reason::retries_exhausted,
       503,
       "upstream_unavailable",
       "upstream_connection_failure",
       "the only backend of route r failed: a: connection refused"},
      {{{"a", "connection refused"},
        {"a", "connection refused"},
        {"a", "connection refused"},
        {"b", "status 500"}},
       2,
       failure_class::closed,
       stop_reason::retries_exhausted,
       503,
       "upstream_unavailable",
       "upstream_connection_termination",
       "all 2 backends of route r failed: a: connection refused (3 attempts); b: status 500"},
      {{{"a", "x"}, {"a", "y"}, {"a", "x"}},
       2,
       failure_class::protocol,
       stop_reason::not_retriable,
       502,
       "upstream_protocol_error",
       "upstream_protocol_error",
       "1 of 2 backends of route r failed: a: x; a: y; a: x"},
      {{{"a", "x"}, {"b", "x"}},
       3,
       failure_class::per_try,
       stop_reason::retries_exhausted,
       504,
       "upstream_timeout",
       "upstream_timeout",
       "2 of 3 backends of route r failed: a: x; b: x"},
      {{{"a", "x"}},
       2,
       failure_class::connect,
       stop_reason::request_timeout,
       504,
       "request_timeout",
       "request_timeout",
       "1 of 2 backends of route r failed: a: x; the request timeout was reached"},
      {{{"a", "x"}},
       1,
       failure_class::connect_timeout,
       stop_reason::retry_overflow,
       503,
       "upstream_unavailable",
       "upstream_connection_failure",
       "the only backend of route r failed: a: x"},
      {{{"a", "x"}},
       2,
       failure_class::local_shortage,
       stop_reason::retries_exhausted,
       503,
       "overloaded",
       "local_shortage",
       "1 of 2 backends of route r failed: a: x"},
      {{},
       2,
       failure_class::no_host,
       stop_reason::no_healthy_host,
       503,
       "no_healthy_upstream",
       "no_healthy_upstream",
       "no backend of route r could be tried: none is healthy"},
      {{},
       2,
       failure_class::overflow,
       stop_reason::overflow,
       503,
       "overloaded",
       "overflow",
       "no backend of route r could be tried: too many requests are in flight"},
  };
  for (const auto& r : rows) {
    const auto reply =
        proxy::failure_reply(operation::chat_completions, "r", r.backends, r.tried, r.last, r.why);
    CAPTURE(r.message);
    CHECK(reply.status == r.status);
    CHECK(reply.details == r.details);
    CHECK_FALSE(reply.is_client_fault);
    CHECK(reply.body == std::string{R"({"error":{"message":")"} + r.message + R"(","type":")" +
                            (r.status == 504 ? "timeout_error" : "server_error") +
                            R"(","param":null,"code":")" + r.code + "\"}}");
  }
  const attempts one{{"a", "x"}};
  CHECK(proxy::failure_reply(operation::messages, "r", 1, one, failure_class::connect,
                             stop_reason::retries_exhausted)
            .body == R"({"type":"error","error":{"type":"overloaded_error","message":"the only )"
                     R"(backend of route r failed: a: x"}})");
}

TEST_CASE("models are listed by host") {
  plan::plan p;
  p.models = {{"exact", "me", 1'700'000'000, {"api.example"}},
              {"wild", "me", 1, {"*.example"}},
              {"both", "me", 1, {"*.example", "api.example"}},
              {"narrow", "me", 1, {"*.eu.example"}},
              {"any", "me", 1, {}}};
  struct row {
    const char* host;
    std::vector<std::string> ids;
  };
  const std::vector<row> rows{{"api.example:80", {"exact", "both", "any"}},
                              {"other.example", {"wild", "both", "any"}},
                              {"a.eu.example", {"narrow", "any"}},
                              {"a.us.example", {"any"}},
                              {"example", {"any"}},
                              {"", {"any"}}};
  for (const auto& r : rows) {
    CAPTURE(r.host);
    const auto body = proxy::models_reply(p, r.host, "/v1/models")->body;
    std::vector<std::string> ids;
    for (std::size_t at = 0; (at = body.find(R"("id":")", at)) != std::string::npos;) {
      at += 6;
      ids.push_back(body.substr(at, body.find('"', at) - at));
    }
    CHECK(ids == r.ids);
  }
}

TEST_CASE("the lists of models in both dialects") {
  plan::plan p;
  CHECK(proxy::models_reply(p, "h", "/v1/models")->body == R"({"data":[],"object":"list"})");
  CHECK(proxy::models_reply(p, "h", "/anthropic/v1/models")->body ==
        R"({"data":[],"has_more":false})");
  p.models = {{"a\"", "me", 1'700'000'000, {}}, {"b", "you", 0, {}}};
  CHECK(proxy::models_reply(p, "h", "/v1/models")->status == 200);
  CHECK(proxy::models_reply(p, "h", "/v1/models")->body ==
        R"({"data":[{"id":"a\"","created":1700000000,"object":"model","owned_by":"me"},)"
        R"({"id":"b","created":0,"object":"model","owned_by":"you"}],"object":"list"})");
  CHECK(proxy::models_reply(p, "h", "/anthropic/v1/models")->body ==
        R"({"data":[{"id":"a\"","type":"model","display_name":"a\"",)"
        R"("created_at":"2023-11-14T22:13:20Z"},)"
        R"({"id":"b","type":"model","display_name":"b","created_at":"1970-01-01T00:00:00Z"}],)"
        R"("has_more":false,"first_id":"a\"","last_id":"b"})");
}

TEST_CASE("one model in both dialects") {
  plan::plan p;
  p.models = {{"org/a b", "me", 1'700'000'000, {}}, {"elsewhere", "me", 1, {"api.example"}}};
  const std::string openai =
      R"({"id":"org/a b","created":1700000000,"object":"model","owned_by":"me"})";
  const std::string anthropic = R"({"id":"org/a b","type":"model","display_name":"org/a b",)"
                                R"("created_at":"2023-11-14T22:13:20Z"})";
  struct row {
    const char* path;
    int status;  ///< 0: not answered here
    std::string body;
  };
  const std::vector<row> rows{
      {"/v1/models/org%2Fa%20b", 200, openai},
      {"/v1/models/org/a%20b", 200, openai},
      {"/anthropic/v1/models/org%2fa%20b", 200, anthropic},
      {"/v1/models/b", 404,
       R"({"error":{"message":"the model `b` is not configured in this gateway",)"
       R"("type":"not_found_error","param":null,"code":"model_not_found"}})"},
      {"/anthropic/v1/models/100%2", 404,
       R"({"type":"error","error":{"type":"not_found_error",)"
       R"("message":"the model `100%2` is not configured in this gateway"}})"},
      {"/v1/models/elsewhere", 404,
       R"({"error":{"message":"the model `elsewhere` is not configured in this gateway",)"
       R"("type":"not_found_error","param":null,"code":"model_not_found"}})"},
      {"/v1/models/", 200, R"({"data":[)" + openai + R"(],"object":"list"})"},
      {"/v1/modelsandmore", 0, ""},
      {"/anthropic/v1/messages", 0, ""},
      {"/v1", 0, ""},
  };
  for (const auto& r : rows) {
    CAPTURE(r.path);
    const auto reply = proxy::models_reply(p, "h", r.path);
    CHECK(reply.has_value() == (r.status != 0));
    if (!reply) continue;
    CHECK(reply->status == r.status);
    CHECK(reply->body == r.body);
  }
}
