#include <understudy/proxy/request_limits.hpp>
#include <understudy/proxy/request_summary.hpp>

#include <initializer_list>

#include "catch.hpp"

using namespace understudy;
using translate::operation;
using translate::schema;

namespace {

constexpr std::string_view form_type = "multipart/form-data; boundary=b";

std::string part(std::string_view name, std::string_view text, std::string_view more = {}) {
  std::string out = "--b\r\nContent-Disposition: form-data; name=\"";
  out.append(name).append("\"").append(more).append("\r\n\r\n").append(text).append("\r\n");
  return out;
}

std::string form(std::initializer_list<std::string> parts) {
  std::string out;
  for (const auto& p : parts) out += p;
  return out + "--b--\r\n";
}

const std::string model = part("model", "m/1");
const std::string file = part("file", "RIFF", "; filename=\"a.wav\"");
const std::string image = part("image", "PNG", "; filename=\"a.png\"");

std::string told(const base::result<codec::request_summary, proxy::body_error>& got) {
  if (!got) return "error: " + got.error().message;
  return (got->has_model ? "model " + got->model : "no model") + (got->stream ? ", stream" : "");
}

}  // namespace

TEST_CASE("what routing takes out of a body") {
  using enum operation;
  struct row {
    operation op;
    std::string_view type;
    std::string body;
    std::string wanted;
  };
  const std::string no_json = "error: the body is not the JSON object that /p takes: ";
  const std::string no_form =
      "error: the body is not the form (multipart/form-data) that /p takes: ";
  const std::vector<row> rows{
      {chat_completions, "application/json", R"({"model":"m","stream":true})", "model m, stream"},
      {chat_completions, "", R"({"model":"m"})", "model m"},
      {chat_completions, "application/json", "{", no_json + "unexpected end of text at offset 1"},
      {chat_completions, form_type, form({model, file}),
       "error: /p takes a JSON object, not a form (multipart/form-data)"},
      {audio_speech, "application/json", R"({"model":"m","stream_format":"sse"})",
       "model m, stream"},
      {audio_speech, "application/json", R"({"model":"m","stream":true})", "model m"},
      {audio_transcriptions, form_type, form({model, file}), "model m/1"},
      {audio_transcriptions, form_type, form({file, part("stream", "True"), model}),
       "model m/1, stream"},
      {audio_transcriptions, form_type, form({file, part("stream", "1"), model}), "model m/1"},
      {audio_transcriptions, "application/json", R"({"model":"m"})",
       "error: /p takes a form: the content type must be multipart/form-data"},
      {audio_transcriptions, "", form({model, file}),
       "error: /p takes a form: the content type must be multipart/form-data"},
      {audio_transcriptions, "multipart/form-data", form({model, file}),
       no_form + "the content type has no boundary"},
      {audio_transcriptions, form_type, form({file}), "error: the form has no `model`"},
      {audio_transcriptions, form_type, form({part("model", ""), file}),
       "error: the form has no `model`"},
      {audio_transcriptions, form_type, form({model}), "error: the form has no `file`"},
      {audio_transcriptions, form_type, form({model, image}), "error: the form has no `file`"},
      {audio_translations, form_type, form({model, model, file}),
       no_form + "the form has more than one `model`"},
      {audio_translations, form_type, form({part("model", "\xFF"), file}),
       no_form + "`model` is not valid UTF-8"},
      {audio_translations, form_type, form({part("model", "m", "; filename=x"), file}),
       no_form + "the form's `model` is not plain text"},
      {audio_translations, form_type, model + file, no_form + "the form is cut off"},
      {image_edits, form_type, form({model, image}), "model m/1"},
      {image_edits, form_type, form({model, part("image[]", "PNG"), part("image[]", "PNG")}),
       "model m/1"},
      {image_edits, form_type, form({image}), "no model"},
      {image_edits, form_type, form({model}), "error: the form has no `image`"},
      {image_edits, "application/json", R"({"model":"m","images":[],"stream":true})",
       "model m, stream"},
      {image_edits, "application/json", "--b",
       no_json + "expected an object or an array at offset 0"},
      {image_variations, form_type, form({model, image}), "model m/1"},
      {image_variations, "application/json", "{}",
       "error: /p takes a form: the content type must be multipart/form-data"},
      {openai_other, "application/json", R"({"model":"m","stream":true})", "model m, stream"},
      {openai_other, "application/json", R"({"model":"m","stream":"yes"})", "model m"},
      {openai_other, "application/json", R"({"model":7})", "no model"},
      {openai_other, "application/json", R"({"model":"m")", "no model"},
      {openai_other, "", "", "no model"},
      {openai_other, "application/octet-stream", "\x01\x02", "no model"},
      {openai_other, form_type, form({model}), "model m/1"},
      {openai_other, form_type, form({model, model}), "no model"},
      {openai_other, form_type, "--b", "no model"},
      {unknown, form_type, "--b", "no model"},
  };
  for (const auto& r : rows) {
    CAPTURE(translate::name(r.op), r.type, r.body);
    CHECK(told(proxy::summarize(r.op, "/p", r.type, r.body)) == r.wanted);
  }
}

namespace {

plan::rule rule_of(std::initializer_list<schema> schemas) {
  plan::rule rule;
  for (const auto s : schemas) {
    rule.backends.emplace_back().name = std::string{"to-"} + std::string{translate::name(s)};
    rule.backends.back().schema = s;
  }
  return rule;
}

std::uint64_t excluded(operation op, std::string_view method, std::string_view body,
                       const plan::rule& rule) {
  codec::request_head head;
  head.method = method;
  std::optional<translate::request_features> features;
  return proxy::limits_of(head, false, op, body, rule, features).excluded_localities;
}

}  // namespace

TEST_CASE("a backend without the operation's pair gets no attempt") {
  using enum operation;
  auto rule = rule_of({schema::openai, schema::aws_bedrock, schema::anthropic});
  for (const bool is_guarded : {true, false}) {
    rule.failover.is_guarded = is_guarded;
    CHECK(excluded(audio_transcriptions, "POST", form({model, file}), rule) == 6);
    CHECK(excluded(openai_other, "GET", "", rule) == 6);
    CHECK(excluded(anthropic_other, "GET", "", rule) == 3);
  }
  CHECK(excluded(openai_other, "GET", "", rule_of({schema::openai, schema::openai})) == 0);
}

TEST_CASE("an operation that no backend knows is refused by name") {
  const auto rule = rule_of({schema::aws_bedrock, schema::cohere});
  const auto reply = proxy::unserved_reply(operation::openai_other, "/v1/files", "ns/r", rule);
  REQUIRE(reply);
  CHECK(reply->status == 422);
  CHECK(reply->is_client_fault);
  CHECK(reply->body ==
        R"({"error":{"message":"no backend of route ns/r can serve openai_other (/v1/files): )"
        R"~(to-AWSBedrock (AWSBedrock), to-Cohere (Cohere)","type":"invalid_request_error",)~"
        R"("param":null,"code":"unsupported_operation"}})");
  CHECK_FALSE(proxy::unserved_reply(operation::rerank, "/cohere/v2/rerank", "ns/r", rule));
}

TEST_CASE("what is passed on has no second copy unless it may") {
  const auto rule = rule_of({schema::openai});
  const auto may_hedge = [&](operation op, std::string_view method) {
    codec::request_head head;
    head.method = method;
    std::optional<translate::request_features> features;
    return proxy::limits_of(head, false, op, "", rule, features).may_hedge;
  };
  using enum operation;
  CHECK_FALSE(may_hedge(openai_other, "POST"));
  CHECK(may_hedge(openai_other, "GET"));
  CHECK(may_hedge(chat_completions, "POST"));
}
