#include <understudy/translate/stream_resume.hpp>

#include <string>

#include <nlohmann/json.hpp>

#include "catch.hpp"

namespace understudy::translate {
namespace {

using enum operation;
using style = assistant_prefix;

base::result<continuation, std::string_view> go_on(operation op, const std::string& body,
                                                   const char* text, style s) {
  const auto features = scan_features(op, body);
  REQUIRE(features);
  return continue_request(op, *features, body, text, s);
}

TEST_CASE("a request for the rest of an answer", "[continue_request]") {
  struct row {
    operation op;
    const char* body;
    const char* text;
    style s;
    const char* expected;
    std::size_t trimmed;
  };
  for (
      const auto& r : {
          row{chat_completions, R"({"model":"m","messages":[{"role":"user","content":"a"}]})",
              "Hi \"you\"", style::plain,
              R"({"model":"m","messages":[{"role":"user","content":"a"},)"
              R"({"role":"assistant","content":"Hi \"you\""}]})",
              0},
          row{messages, R"({"max_tokens":5,"messages":[{"role":"user","content":"a"}]})", "Hi \n\t",
              style::plain,
              R"({"max_tokens":5,"messages":[{"role":"user","content":"a"},)"
              R"({"role":"assistant","content":"Hi"}]})",
              3},
          row{chat_completions, R"({"messages":[{"role":"user","content":"a"}]})", "Hi ",
              style::prefix_member,
              R"({"messages":[{"role":"user","content":"a"},)"
              R"({"role":"assistant","content":"Hi ","prefix":true}]})",
              0},
          row{chat_completions, R"({"messages":[{"role":"user","content":"a"}]})", "Hi ",
              style::final_message,
              R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"Hi "}],)"
              R"("continue_final_message":true,"add_generation_prompt":false})",
              0},
          row{completions, R"({"prompt":"a\u00e9\"b","n":1})", "c\"\n", style::unsupported,
              R"({"prompt":"a\u00e9\"bc\"\n","n":1})", 0},
          row{completions, R"({"prompt":"","n":1})", "c ", style::plain, R"({"prompt":"c ","n":1})",
              0},
      }) {
    CAPTURE(name(r.op), r.body, r.text);
    const auto found = go_on(r.op, r.body, r.text, r.s);
    REQUIRE(found.has_value());
    CHECK(nlohmann::json::parse(found->body) == nlohmann::json::parse(r.expected));
    CHECK(found->trimmed_bytes == r.trimmed);
  }
}

TEST_CASE("what can't be continued says why", "[continue_request]") {
  struct row {
    operation op;
    const char* body;
    const char* text;
    style s;
    const char* why;
  };
  const char* tools = "the request uses tools";
  for (const auto& r : {
           row{chat_completions, R"({"tools":[{"type":"function"}]})", "a", style::plain, tools},
           row{chat_completions, R"({"messages":[{"role":"tool"}]})", "a", style::plain, tools},
           row{chat_completions, R"({"web_search_options":{}})", "a", style::plain, tools},
           row{chat_completions, R"({"response_format":{"type":"json_object"}})", "a", style::plain,
               "the request asks for JSON"},
           row{chat_completions, R"({"response_format":{"type":"json_schema"}})", "a", style::plain,
               "the request asks for JSON"},
           row{chat_completions, R"({"reasoning_effort":"low"})", "a", style::plain,
               "the request asks for reasoning"},
           row{messages, R"({"thinking":{"type":"enabled"}})", "a", style::plain,
               "the request asks for reasoning"},
           row{chat_completions, R"({"n":2})", "a", style::plain,
               "the request asks for several answers"},
           row{completions, R"({"prompt":["a","b"]})", "a", style::plain,
               "the request asks for several answers"},
           row{completions, R"({"prompt":[1,2]})", "a", style::plain, "the prompt is not one text"},
           row{completions, R"({"prompt":"a","echo":true})", "a", style::plain,
               "the request asks for its prompt back"},
           row{chat_completions, R"({"messages":[{"role":"assistant"}]})", "a", style::plain,
               "the request already continues an answer"},
           row{chat_completions, "{}", "", style::plain, "there is no text to go on from"},
           row{chat_completions, "{}", " \n", style::plain, "there is no text to go on from"},
           row{chat_completions, "{}", "a", style::unsupported,
               "the backend takes no begin of an answer"},
           row{chat_completions, "{}", "a", style::plain, "the request has no list of messages"},
           row{chat_completions, R"({"messages":[],"messages":[]})", "a", style::plain,
               "the request has no list of messages"},
           row{chat_completions, R"({"messages":{}})", "a", style::plain,
               "the request has no list of messages"},
           row{responses, "{}", "a", style::plain, "streams of this operation can't be continued"},
           row{embeddings, "{}", "a", style::plain, "streams of this operation can't be continued"},
       }) {
    CAPTURE(name(r.op), r.body, r.text);
    const auto found = go_on(r.op, r.body, r.text, r.s);
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error() == r.why);
  }
}

TEST_CASE("which models take the begin of an answer", "[continue_request]") {
  struct row {
    schema upstream;
    const char* model;
    style expected;
  };
  using enum schema;
  for (const auto& r : {
           row{anthropic, "claude-3-5-sonnet-20241022", style::plain},
           row{anthropic, "claude-sonnet-4-20250514", style::plain},
           row{anthropic, "claude-sonnet-4-5-20250929", style::plain},
           row{anthropic, "claude-opus-4-1", style::plain},
           row{anthropic, "claude-haiku-4-5", style::plain},
           row{anthropic, "claude-opus-4-6", style::unsupported},
           row{anthropic, "claude-sonnet-4-6-20260217", style::unsupported},
           row{anthropic, "claude-opus-5", style::unsupported},
           row{anthropic, "claude-opus-latest", style::unsupported},
           row{anthropic, "claude", style::unsupported},
           row{anthropic, "", style::unsupported},
           row{gcp_anthropic, "claude-sonnet-4@20250514", style::plain},
           row{aws_anthropic, "us.anthropic.claude-opus-4-1-20250805-v1:0", style::plain},
           row{aws_bedrock, "us.anthropic.claude-sonnet-4-5-20250929-v1:0", style::plain},
           row{aws_bedrock, "us.anthropic.claude-opus-4-6-v1", style::unsupported},
           row{aws_bedrock, "anthropic.claude-v2", style::plain},
           row{aws_bedrock, "amazon.nova-lite-v1:0", style::unsupported},
           row{aws_bedrock, "arn:aws:bedrock:us-east-1:1:application-inference-profile/x",
               style::unsupported},
           row{openai, "gpt-4o", style::unsupported},
           row{openai, "o3-mini", style::unsupported},
           row{openai, "openai/gpt-4o", style::unsupported},
           row{openai, "meta-llama/Llama-3.1-8B-Instruct", style::final_message},
           row{openai, "Qwen/Qwen2.5-7B", style::final_message},
           row{openai, "anthropic/claude-3.5-sonnet", style::plain},
           row{openai, "anthropic/claude-opus-4.6", style::unsupported},
           row{openai, "anthropic/claude-opus-4.5", style::plain},
           row{openai, "mistral-large-latest", style::prefix_member},
           row{openai, "Codestral-latest", style::prefix_member},
           row{openai, "deepseek-chat", style::prefix_member},
           row{openai, "deepseek-reasoner", style::unsupported},
           row{openai, "llama", style::unsupported},
           row{azure_openai, "mistral-large", style::unsupported},
           row{gcp_vertex_ai, "gemini-2.5-pro", style::unsupported},
           row{cohere, "command", style::unsupported},
       }) {
    CAPTURE(name(r.upstream), r.model);
    CHECK(static_cast<int>(assistant_prefix_of(r.upstream, r.model)) ==
          static_cast<int>(r.expected));
    CHECK(accepts_assistant_prefix(r.upstream, r.model) == (r.expected != style::unsupported));
  }
}

/// What goes to Claude on Bedrock ends with the text, as the assistant's.
TEST_CASE("a continuation goes through the Converse translator", "[continue_request]") {
  const auto found =
      go_on(chat_completions, R"({"model":"m","messages":[{"role":"user","content":"a"}]})", "Hi ",
            style::plain);
  REQUIRE(found.has_value());
  request_view request;
  request.op = chat_completions;
  request.model = "m";
  request.body = found->body;
  backend_view backend;
  backend.target_schema = schema::aws_bedrock;
  const auto upstream = find(chat_completions, schema::aws_bedrock)->request(request, backend);
  REQUIRE(upstream.has_value());
  const auto body = nlohmann::json::parse(upstream->body.value());
  CHECK(body["messages"].back() ==
        nlohmann::json::parse(R"({"role":"assistant","content":[{"text":"Hi"}]})"));
}

}  // namespace
}  // namespace understudy::translate
