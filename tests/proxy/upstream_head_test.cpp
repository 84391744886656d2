#include <understudy/proxy/upstream_head.hpp>

#include "catch.hpp"

using namespace understudy;
using fields = std::vector<codec::owned_field>;
using translate::operation;
using translate::schema;

namespace {

/// One attempt; the members are changed by the tests before head() is called.
struct attempt {
  codec::request_head original;
  plan::rule rule;
  plan::backend backend;
  fields set, auth;
  proxy::upstream_head_parts parts;

  attempt() {
    original.method = "POST";
    original.target = "/v1/chat/completions";
    parts.op = operation::chat_completions;
    parts.target_path = "/v1/chat/completions";
    parts.request_id = "id-1";
    parts.client_address = "192.0.2.1";
    parts.host = "api.example";
  }
  std::string head() {
    parts.original = &original;
    parts.rule = &rule;
    parts.backend = &backend;
    parts.set = &set;
    parts.auth = &auth;
    std::string out = "before|";
    proxy::append_upstream_head(out, parts);
    REQUIRE(out.starts_with("before|"));
    return out.substr(7);
  }
};

const std::string start = "POST /v1/chat/completions HTTP/1.1\r\nhost: api.example\r\n";
const std::string own_id = "x-request-id: id-1\r\n";

}  // namespace

TEST_CASE("fields of the connection and of the gateway stay behind") {
  attempt a;
  auto& in = a.original.fields;
  in.add("Host", "client.example");
  in.add("Connection", "keep-alive, X-Private");
  in.add("X-Private", "1");
  for (const auto* name :
       {"Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy-Authorization",
        "Proxy-Connection", "Expect", "Content-Length", "x-ai-eg-model", "X-AI-EG-Other",
        "x-envoy-retry-on", "x-understudy-backend", "x-forwarded-for", "X-Request-Id"})
    in.add(name, "1");
  in.add("Accept", "a");
  in.add("X-Mine", "b");
  in.add("x-mine", "c");
  CHECK(a.head() == start + "Accept: a\r\nX-Mine: b\r\nx-mine: c\r\n" + own_id + "\r\n");
}

TEST_CASE("the client's credentials reach only a native backend without its own") {
  struct row {
    operation op;
    schema target;
    bool has_auth;
    bool is_kept;
  };
  const auto r = GENERATE(values<row>({
      {operation::chat_completions, schema::openai, false, true},
      {operation::chat_completions, schema::azure_openai, false, true},
      {operation::chat_completions, schema::openai, true, false},
      {operation::chat_completions, schema::aws_bedrock, false, false},
      {operation::chat_completions, schema::anthropic, false, false},
      {operation::messages, schema::anthropic, false, true},
      {operation::messages, schema::anthropic, true, false},
      {operation::messages, schema::openai, false, false},
      {operation::messages, schema::aws_anthropic, false, false},
      {operation::count_tokens, schema::anthropic, false, true},
      {operation::rerank, schema::cohere, false, true},
      {operation::rerank, schema::openai, false, false},
      {operation::openai_other, schema::openai, false, true},
      {operation::openai_other, schema::anthropic, false, false},
      {operation::anthropic_other, schema::anthropic, false, true},
      {operation::anthropic_other, schema::openai, false, false},
      {operation::cohere_other, schema::cohere, false, true},
      {operation::cohere_other, schema::openai, false, false},
  }));
  CAPTURE(static_cast<int>(r.op), static_cast<int>(r.target), r.has_auth);
  const bool is_native = proxy::is_native(r.op, r.target);
  attempt a;
  a.parts.op = r.op;
  a.backend.schema = r.target;
  if (r.has_auth) a.auth = {{"x-other-key", "own"}};
  for (const auto* name : {"Authorization", "x-api-key", "api-key"})
    a.original.fields.add(name, "c");
  a.original.fields.add("User-Agent", "sdk");
  a.original.fields.add("openai-organization", "org");
  std::string wanted = start;
  if (r.is_kept) wanted += "Authorization: c\r\nx-api-key: c\r\napi-key: c\r\n";
  wanted += "User-Agent: sdk\r\n";
  if (is_native) wanted += "openai-organization: org\r\n";
  wanted += own_id;
  if (r.has_auth) wanted += "x-other-key: own\r\n";
  CHECK(a.head() == wanted + "\r\n");
}

TEST_CASE("auth wins over backend, rule, translator and client, each once") {
  struct row {
    const char* what;
    bool client, translator, rule, backend, auth;
    const char* value;
  };
  const auto r = GENERATE(values<row>({
      {"client", true, false, false, false, false, "client"},
      {"translator", true, true, false, false, false, "translator"},
      {"rule", true, true, true, false, false, "rule"},
      {"backend", true, true, true, true, false, "backend"},
      {"auth", true, true, true, true, true, "auth"},
      {"backend alone", false, false, false, true, false, "backend"},
  }));
  CAPTURE(r.what);
  attempt a;
  if (r.client) a.original.fields.add("X-Key", "client");
  if (r.translator) a.set = {{"x-key", "translator"}};
  if (r.rule) a.rule.request_headers.set = {{"x-key", "rule"}};
  if (r.backend) a.backend.headers.set = {{"x-key", "backend"}};
  if (r.auth) a.auth = {{"x-key", "auth"}};
  const std::string name = std::string{r.what} == "client" ? "X-Key: " : "x-key: ";
  const auto line = name + r.value + "\r\n";
  CHECK(a.head() == start + (name[0] == 'X' ? line + own_id : own_id + line) + "\r\n");
}

TEST_CASE("what is removed is gone, but not the credential") {
  attempt a;
  a.original.fields.add("X-A", "1");
  a.original.fields.add("X-B", "1");
  a.original.fields.add("X-C", "1");
  a.set = {{"x-a", "translator"}, {"x-d", "translator"}};
  a.rule.request_headers.remove = {"x-a"};
  a.backend.headers.remove = {"x-b", "x-key", "x-request-id"};
  a.auth = {{"x-key", "auth"}};
  CHECK(a.head() == start + "X-C: 1\r\nx-d: translator\r\nx-key: auth\r\n\r\n");
}

TEST_CASE("a mutation cannot touch framing or the gateway's names") {
  attempt a;
  for (const auto* name : {"content-length", "transfer-encoding", "connection", "x-ai-eg-model",
                           ":path", "x-envoy-original-path"}) {
    a.rule.request_headers.set.push_back({name, "9"});
    a.backend.headers.set.push_back({name, "9"});
  }
  a.parts.has_body = true;
  a.parts.body_size = 12;
  CHECK(a.head() == start + own_id + "content-length: 12\r\n\r\n");
}

TEST_CASE("content-length is there with a body, also an empty one") {
  attempt a;
  CHECK(a.head() == start + own_id + "\r\n");
  a.parts.has_body = true;
  CHECK(a.head() == start + own_id + "content-length: 0\r\n\r\n");
}

TEST_CASE("the host may be set once, by a mutation or the signer") {
  attempt a;
  a.backend.headers.set = {{"host", "other.example"}};
  CHECK(a.head() ==
        "POST /v1/chat/completions HTTP/1.1\r\n" + own_id + "host: other.example\r\n\r\n");
  a.auth = {{"host", "signed.example"}};
  CHECK(a.head() ==
        "POST /v1/chat/completions HTTP/1.1\r\n" + own_id + "host: signed.example\r\n\r\n");
}

TEST_CASE("a plain route tells the backend where the request comes from") {
  attempt a;
  a.rule.is_ai = false;
  a.parts.op = operation::unknown;
  a.backend.schema = schema::anthropic;
  a.original.fields.add("Authorization", "client");
  a.original.fields.add("X-Forwarded-Proto", "https");
  CHECK(a.head() == start + "Authorization: client\r\n" + own_id +
                        "x-forwarded-for: 192.0.2.1\r\nx-forwarded-proto: http\r\n\r\n");
  a.original.fields.add("X-Forwarded-For", "198.51.100.7");
  a.parts.is_client_tls = true;
  CHECK(a.head() == start + "Authorization: client\r\n" + own_id +
                        "x-forwarded-for: 198.51.100.7,192.0.2.1\r\nx-forwarded-proto: "
                        "https\r\n\r\n");
}

TEST_CASE("the upstream host is the endpoint's name") {
  struct row {
    plan::target_kind kind;
    const char* host;
    const char* hostname;
    const char* client;
    const char* wanted;
  };
  const auto r = GENERATE(values<row>({
      {plan::target_kind::fqdn, "a.example", "", "c.example:80", "a.example"},
      {plan::target_kind::fqdn, "a.example", "b.example", "c.example", "b.example"},
      {plan::target_kind::ip, "192.0.2.1", "", "c.example:80", "c.example:80"},
      {plan::target_kind::ip, "192.0.2.1", "b.example", "c.example", "b.example"},
      {plan::target_kind::ip, "192.0.2.1", "", "", "192.0.2.1"},
      {plan::target_kind::unix_socket, "/run/s", "", "c.example", "c.example"},
  }));
  plan::target target;
  target.kind = r.kind;
  target.host = r.host;
  target.hostname = r.hostname;
  CHECK(proxy::upstream_host(target, r.client) == r.wanted);
}
