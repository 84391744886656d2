#include <understudy/translate/translator.hpp>

#include <nlohmann/json.hpp>

#include "catch.hpp"

namespace understudy::translate {
namespace {

TEST_CASE("operations by path", "[registry]") {
  struct row {
    const char* target;
    operation op;
  };
  using enum operation;
  for (const auto& [target, op] : {
           row{"/v1/chat/completions", chat_completions},
           row{"/v1/chat/completions?a=b", chat_completions},
           row{"/v1/completions", completions},
           row{"/v1/embeddings", embeddings},
           row{"/v1/responses", responses},
           row{"/v1/responses/input_tokens", responses_input_tokens},
           row{"/v1/images/generations", image_generations},
           row{"/v1/audio/speech", audio_speech},
           row{"/v1/audio/transcriptions", audio_transcriptions},
           row{"/v1/audio/translations", audio_translations},
           row{"/cohere/v2/rerank", rerank},
           row{"/tokenize", tokenize},
           row{"/anthropic/v1/messages", messages},
           row{"/anthropic/v1/messages/count_tokens", count_tokens},
           row{"/v1/chat/completions/", openai_other},
           row{"/v1/messages", openai_other},
           row{"/v1/files?limit=2", openai_other},
           row{"/v1/", openai_other},
           row{"/anthropic/v1/files", anthropic_other},
           row{"/anthropic/v2/x", anthropic_other},
           row{"/cohere/v2/chat", cohere_other},
           row{"/v1", unknown},
           row{"/v1?x=/v1/", unknown},
           row{"/v2/rerank", unknown},
           row{"/anthropic", unknown},
           row{"/cohere2/v2/chat", unknown},
           row{"/V1/chat/completions", unknown},
           row{"/", unknown},
           row{"", unknown},
       }) {
    CAPTURE(target);
    CHECK(operation_of(target) == op);
  }
  CHECK(operation_of("POST", "/v1/chat/completions") == chat_completions);
  CHECK(operation_of("GET", "/v1/chat/completions?limit=2") == openai_other);
  CHECK(operation_of("DELETE", "/anthropic/v1/messages") == anthropic_other);
  CHECK(operation_of("GET", "/tokenize") == unknown);
  for (const auto op : {openai_other, anthropic_other, cohere_other}) CHECK(is_passthrough(op));
  CHECK_FALSE(is_passthrough(messages));
  CHECK_FALSE(is_passthrough(unknown));
  CHECK(name(openai_other) == "openai_other");
  CHECK(name(chat_completions) == "chat_completions");
  CHECK(name(schema::aws_bedrock) == "AWSBedrock");
  CHECK(schema_named("GCPAnthropic") == schema::gcp_anthropic);
  CHECK(!schema_named("openai"));
  CHECK(is_anthropic(messages));
  CHECK(is_anthropic(anthropic_other));
  CHECK(!is_anthropic(rerank));
}

struct pair_row {
  operation op;
  schema target_schema;
  backend_view backend;
  const char* target;
  bool body_changes;  ///< when the model is overridden
};

TEST_CASE("pairs that keep the schema", "[same_schema]") {
  using enum operation;
  const std::string body = R"({ "model" : "asked", "temperature": 1.0 })";
  const std::string changed = R"({ "model" : "over/ride", "temperature": 1.0 })";
  const auto with = [](schema s, const char* prefix, const char* version) {
    return backend_view{s, prefix, version, "over/ride"};
  };
  const auto openai = [&](const char* prefix) { return with(schema::openai, prefix, ""); };
  const auto azure = with(schema::azure_openai, "", "2024-10 21");
  const auto anthropic = with(schema::anthropic, "", "");
  for (const auto& row : {
           pair_row{chat_completions, schema::openai, openai("v1"), "/v1/chat/completions", true},
           pair_row{chat_completions, schema::openai, openai(""), "/v1/chat/completions", true},
           pair_row{chat_completions, schema::openai, openai("/"), "/chat/completions", true},
           pair_row{chat_completions, schema::openai, openai("/api/v4//"),
                    "/api/v4/chat/completions", true},
           pair_row{completions, schema::openai, openai("v1"), "/v1/completions", true},
           pair_row{embeddings, schema::openai, openai("v1"), "/v1/embeddings", true},
           pair_row{responses, schema::openai, openai("v1"), "/v1/responses", true},
           pair_row{responses_input_tokens, schema::openai, openai("v1"),
                    "/v1/responses/input_tokens", true},
           pair_row{image_generations, schema::openai, openai("v1"), "/v1/images/generations",
                    true},
           pair_row{audio_speech, schema::openai, openai("v1"), "/v1/audio/speech", true},
           pair_row{audio_transcriptions, schema::openai, openai("v1"), "/v1/audio/transcriptions",
                    true},
           pair_row{audio_translations, schema::openai, openai("v1"), "/v1/audio/translations",
                    true},
           pair_row{tokenize, schema::openai, openai("v1"), "/tokenize", true},
           pair_row{chat_completions, schema::azure_openai, azure,
                    "/openai/deployments/over%2Fride/chat/completions?api-version=2024-10%2021",
                    false},
           pair_row{embeddings, schema::azure_openai, azure,
                    "/openai/deployments/over%2Fride/embeddings?api-version=2024-10%2021", true},
           pair_row{completions, schema::azure_openai, azure,
                    "/openai/deployments/over%2Fride/completions?api-version=2024-10%2021", true},
           pair_row{image_generations, schema::azure_openai, azure,
                    "/openai/deployments/over%2Fride/images/generations?api-version=2024-10%2021",
                    true},
           pair_row{image_edits, schema::azure_openai, azure,
                    "/openai/deployments/over%2Fride/images/edits?api-version=2024-10%2021", true},
           pair_row{audio_speech, schema::azure_openai, azure,
                    "/openai/deployments/over%2Fride/audio/speech?api-version=2024-10%2021", true},
           pair_row{chat_completions, schema::aws_openai, with(schema::aws_openai, "", ""),
                    "/openai/v1/chat/completions", true},
           pair_row{chat_completions, schema::aws_openai, with(schema::aws_openai, "v1", ""),
                    "/v1/chat/completions", true},
           pair_row{responses, schema::aws_openai, with(schema::aws_openai, "/openai/v1", ""),
                    "/openai/v1/responses", true},
           pair_row{responses, schema::azure_openai, azure,
                    "/openai/responses?api-version=2024-10%2021", true},
           pair_row{responses_input_tokens, schema::azure_openai, azure,
                    "/openai/responses/input_tokens?api-version=2024-10%2021", true},
           pair_row{messages, schema::anthropic, anthropic, "/v1/messages", true},
           pair_row{count_tokens, schema::anthropic, anthropic, "/v1/messages/count_tokens", true},
           pair_row{rerank, schema::cohere, with(schema::cohere, "", "v2"), "/v2/rerank", true},
           pair_row{rerank, schema::cohere, with(schema::cohere, "", ""), "/v2/rerank", true},
       }) {
    CAPTURE(name(row.op), row.target);
    request_view view;
    view.op = row.op;
    view.content_type = "application/json";
    view.body = body;
    view.model = "asked";
    const auto one = find(row.op, row.target_schema);
    REQUIRE(one);
    const auto got = one->request(view, row.backend);
    REQUIRE(got.has_value());
    CHECK(got->target == row.target);
    CHECK(got->set.empty());
    CHECK(got->body == (row.body_changes ? std::optional{changed} : std::nullopt));

    auto plain = row.backend;
    plain.model_override = "asked";
    CHECK(!find(row.op, row.target_schema)->request(view, plain)->body);
    plain.model_override = "";
    CHECK(!find(row.op, row.target_schema)->request(view, plain)->body);
  }
}

TEST_CASE("pairs that do not exist", "[registry]") {
  CHECK(!find(operation::chat_completions, schema::cohere));
  CHECK(!find(operation::rerank, schema::anthropic));
  CHECK(!find(operation::image_variations, schema::azure_openai));
  CHECK(!find(operation::completions, schema::aws_openai));
  for (const auto s : {schema::azure_openai, schema::aws_bedrock, schema::anthropic, schema::cohere,
                       schema::aws_openai}) {
    CHECK(!find(operation::openai_other, s));
    CHECK_FALSE(can_serve(operation::openai_other, s));
  }
  CHECK(!find(operation::anthropic_other, schema::openai));
  CHECK(!find(operation::cohere_other, schema::openai));
  CHECK(can_serve(operation::openai_other, schema::openai));
  CHECK(can_serve(operation::unknown, schema::aws_bedrock));
}

TEST_CASE("an unknown path goes through as it came", "[registry]") {
  const auto one = find(operation::unknown, schema::openai);
  request_view view;
  view.target = "/any/thing?x=y";
  const auto got = one->request(view, {});
  REQUIRE(got.has_value());
  CHECK(got->target == "/any/thing?x=y");
  CHECK(!got->body);
  codec::response_head head;
  head.status = 500;
  CHECK(one->head(head, {}).mode == body_mode::untouched);
}

struct other_row {
  operation op;
  schema target_schema;
  const char* prefix;
  const char* asked;
  const char* target;  ///< null: refused
};

TEST_CASE("a path of the backend's dialect moves below its prefix", "[passthrough]") {
  using enum operation;
  for (const auto& row : {
           other_row{openai_other, schema::openai, "v1", "/v1/files?a=b&c", "/v1/files?a=b&c"},
           other_row{openai_other, schema::openai, "/", "/v1/files/f%2F1", "/files/f%2F1"},
           other_row{openai_other, schema::openai, "/api/openai/v9/", "/v1/batches//x/",
                     "/api/openai/v9/batches//x/"},
           other_row{openai_other, schema::openai, "", "/v1/", "/v1/"},
           other_row{openai_other, schema::openai, "v1", "/v1/a..b/...", "/v1/a..b/..."},
           other_row{anthropic_other, schema::anthropic, "v1", "/anthropic/v1/files?limit=1",
                     "/v1/files?limit=1"},
           other_row{anthropic_other, schema::anthropic, "p/v1", "/anthropic/v1/files",
                     "/p/v1/files"},
           other_row{anthropic_other, schema::anthropic, "p/v1", "/anthropic/v2/files",
                     "/v2/files"},
           other_row{cohere_other, schema::cohere, "v1", "/cohere/v2/chat?x", "/v2/chat?x"},
           other_row{cohere_other, schema::cohere, "p", "/cohere/v1/models", "/v1/models"},
           other_row{openai_other, schema::openai, "p", "/v1/../admin", nullptr},
           other_row{openai_other, schema::openai, "p", "/v1/x/%2E./admin", nullptr},
           other_row{openai_other, schema::openai, "p", "/v1/.", nullptr},
           other_row{openai_other, schema::openai, "p", "/v1/a\\..\\b", nullptr},
           other_row{openai_other, schema::openai, "p", "/v1/a?b=/../c", "/p/a?b=/../c"},
       }) {
    CAPTURE(row.asked, row.prefix);
    request_view view;
    view.op = row.op;
    view.target = row.asked;
    view.body = "not JSON";
    const auto one = find(row.op, row.target_schema);
    REQUIRE(one);
    const auto got = one->request(view, {row.target_schema, row.prefix, "v7", "override"});
    CHECK(got.has_value() == (row.target != nullptr));
    if (row.target == nullptr) {
      if (!got) CHECK(got.error().status == 400);
      continue;
    }
    REQUIRE(got.has_value());
    CHECK(got->target == row.target);
    CHECK(!got->body);
    CHECK(got->set.empty());
  }
}

TEST_CASE("of what is passed on only a model that is named is overridden", "[passthrough]") {
  request_view view;
  view.op = operation::openai_other;
  view.target = "/v1/videos";
  view.content_type = "application/json";
  view.body = R"({"seconds": 1.0, "model":"asked"})";
  view.model = "asked";
  const backend_view backend{schema::openai, "v1", "", "other"};
  CHECK(find(view.op, schema::openai)->request(view, backend)->body ==
        R"({"seconds": 1.0, "model":"other"})");
  codec::response_head head;
  head.status = 503;
  head.fields.add("content-type", "text/plain");
  CHECK(find(view.op, schema::openai)->head(head, {}).mode == body_mode::untouched);
  std::string out;
  find(view.op, schema::openai)->abort("cut", out);
  CHECK(out.empty());
}

TEST_CASE("the model of a form is replaced, except for Azure", "[same_schema]") {
  for (const auto op : {operation::audio_transcriptions, operation::audio_translations,
                        operation::image_edits, operation::image_variations}) {
    request_view view;
    view.op = op;
    view.content_type = "Multipart/Form-Data; boundary=x";
    view.body = "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nasked\r\n--x--";
    view.model = "asked";
    backend_view backend;
    CHECK(!find(op, schema::openai)->request(view, backend)->body);
    backend.model_override = "over/ride";
    const auto got = find(op, schema::openai)->request(view, backend);
    REQUIRE(got.has_value());
    CHECK(got->body ==
          "--xu\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nover/ride\r\n--xu--\r\n");
    CHECK(got->set ==
          std::vector<codec::owned_field>{{"content-type", "multipart/form-data; boundary=xu"}});
    if (const auto azure = find(op, schema::azure_openai)) {
      const auto by_path = azure->request(view, backend);
      REQUIRE(by_path.has_value());
      CHECK(by_path->target.starts_with("/openai/deployments/over%2Fride/"));
      CHECK(!by_path->body);
      CHECK(by_path->set.empty());
    }
    view.body = "--x";
    const auto malformed = find(op, schema::openai)->request(view, backend);
    REQUIRE(malformed.has_error());
    CHECK(malformed.error().status == 400);
  }
}

TEST_CASE("a malformed body is not overridden", "[same_schema]") {
  request_view view;
  view.op = operation::image_edits;
  view.content_type = "application/json";
  view.body = "{";
  view.model = "asked";
  const backend_view backend{schema::openai, "v1", "", "other"};
  const auto malformed = find(view.op, schema::openai)->request(view, backend);
  REQUIRE(malformed.has_error());
  CHECK(malformed.error().status == 400);
}

struct head_row {
  int status;
  const char* type;
  const char* coding;
  body_mode mode;
};

TEST_CASE("answers of the same schema pass, errors that are no JSON are wrapped", "[same_schema]") {
  for (const auto& row : {
           head_row{200, "application/json", "", body_mode::untouched},
           head_row{200, "text/event-stream", "", body_mode::untouched},
           head_row{200, "audio/mpeg", "", body_mode::untouched},
           head_row{302, "text/html", "", body_mode::untouched},
           head_row{429, "application/json; charset=utf-8", "", body_mode::untouched},
           head_row{429, "application/problem+JSON", "", body_mode::untouched},
           head_row{503, "text/plain", "", body_mode::whole},
           head_row{503, "text/plain", "identity", body_mode::whole},
           head_row{503, "text/html", "gzip", body_mode::untouched},
           head_row{502, "", "", body_mode::whole},
       }) {
    CAPTURE(row.status, row.type);
    codec::response_head head;
    head.status = row.status;
    if (*row.type != 0) head.fields.add("Content-Type", row.type);
    if (*row.coding != 0) head.fields.add("Content-Encoding", row.coding);
    CHECK(find(operation::chat_completions, schema::openai)->head(head, {}).mode == row.mode);
  }
  codec::response_head head;
  head.status = 503;
  const auto wrap = [&](operation op, schema s) {
    const auto got = find(op, s)->whole(head, " no healthy \"upstream\"\n");
    CHECK(got->status == 503);
    return nlohmann::json::parse(got->body);
  };
  CHECK(
      wrap(operation::chat_completions, schema::openai) ==
      nlohmann::json::parse(R"({"error":{"message":"no healthy \"upstream\"","type":"server_error",
                        "param":null,"code":"503"}})"));
  CHECK(wrap(operation::messages, schema::anthropic) ==
        nlohmann::json::parse(R"({"type":"error","error":{"type":"overloaded_error",
                        "message":"no healthy \"upstream\""}})"));
  CHECK(wrap(operation::rerank, schema::cohere) ==
        nlohmann::json::parse(R"({"message":"no healthy \"upstream\""})"));
}

std::string aborted(operation op, schema s, const char* type) {
  const auto one = find(op, s);
  codec::response_head head;
  head.status = 200;
  head.fields.add("content-type", type);
  one->head(head, {});
  std::string out;
  one->abort("cut \"off\"", out);
  return out;
}

TEST_CASE("a broken stream ends in an event that SDKs raise", "[same_schema]") {
  const auto data_of = [](const std::string& event) {
    const auto at = event.find("data: ");
    REQUIRE(at != std::string::npos);
    REQUIRE(event.ends_with("\n\n"));
    return nlohmann::json::parse(event.substr(at + 6));
  };
  const auto chat =
      aborted(operation::chat_completions, schema::openai, "text/event-stream; charset=utf-8");
  CHECK(chat.starts_with("\n\ndata: "));
  CHECK(data_of(chat)["error"]["message"] == "cut \"off\"");
  const auto responses = aborted(operation::responses, schema::openai, "text/event-stream");
  CHECK(responses.starts_with("\n\nevent: error\n"));
  CHECK(data_of(responses)["type"] == "error");
  CHECK(data_of(responses)["error"]["message"] == "cut \"off\"");
  const auto messages = aborted(operation::messages, schema::anthropic, "text/event-stream");
  CHECK(messages.starts_with("\n\nevent: error\n"));
  CHECK(data_of(messages) == nlohmann::json::parse(R"({"type":"error","error":{"type":"api_error",
                                             "message":"cut \"off\""}})"));
  CHECK(aborted(operation::chat_completions, schema::openai, "application/json").empty());
}

TEST_CASE("local errors in the client's schema", "[error_body]") {
  struct row {
    int status;
    const char* openai;
    const char* anthropic;
  };
  for (const auto& [status, openai, anthropic] : {
           row{400, "invalid_request_error", "invalid_request_error"},
           row{401, "authentication_error", "authentication_error"},
           row{403, "permission_error", "permission_error"},
           row{404, "not_found_error", "not_found_error"},
           row{413, "invalid_request_error", "request_too_large"},
           row{422, "invalid_request_error", "invalid_request_error"},
           row{429, "rate_limit_error", "rate_limit_error"},
           row{500, "server_error", "api_error"},
           row{503, "server_error", "overloaded_error"},
           row{504, "timeout_error", "timeout_error"},
       }) {
    CAPTURE(status);
    const auto body = nlohmann::json::parse(
        error_body(operation::chat_completions, status, "", "", "say \"why\"\n\xFF"));
    CHECK(body["error"]["type"] == openai);
    CHECK(body["error"]["message"] == "say \"why\"\n\uFFFD");
    CHECK(body["error"]["param"].is_null());
    CHECK(body["error"]["code"].is_null());
    CHECK(nlohmann::json::parse(
              error_body(operation::messages, status, "", "", "x"))["error"]["type"] == anthropic);
  }
  const auto body = nlohmann::json::parse(error_body(operation::unknown, 404, "t\"", "c\"", "m"));
  CHECK(body["error"]["type"] == "t\"");
  CHECK(body["error"]["code"] == "c\"");
}

}  // namespace
}  // namespace understudy::translate
