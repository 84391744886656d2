#include <understudy/translate/request_features.hpp>

#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace understudy::translate {
namespace {

using enum operation;

/// The names of all that is set, so that a row says both what is and what is not.
std::string names_of(const request_features& f) {
  std::string out;
  for (const auto& [is_set, name] : std::vector<std::pair<bool, const char*>>{
           {f.stream, "stream"},
           {f.tools, "tools"},
           {f.non_function_tools, "non_function_tools"},
           {f.legacy_functions, "legacy_functions"},
           {f.web_search, "web_search"},
           {f.images, "images"},
           {f.remote_images, "remote_images"},
           {f.audio, "audio"},
           {f.audio_output, "audio_output"},
           {f.files, "files"},
           {f.other_parts, "other_parts"},
           {f.json_mode, "json_mode"},
           {f.json_schema, "json_schema"},
           {f.reasoning, "reasoning"},
           {f.logprobs, "logprobs"},
           {f.echo, "echo"},
           {f.server_state, "server_state"},
           {f.ends_with_assistant, "ends_with_assistant"},
       })
    if (is_set) out.append(out.empty() ? "" : " ").append(name);
  if (f.n != 1) out += " n=" + std::to_string(f.n);
  if (f.inputs != 1) out += " inputs=" + std::to_string(f.inputs);
  if (f.max_tokens) out += " max=" + std::to_string(*f.max_tokens);
  return out;
}

struct use {
  const char* body;
  const char* expected;
};

void check(operation op, std::initializer_list<use> rows) {
  for (const auto& [body, expected] : rows) {
    CAPTURE(name(op), body);
    const auto found = scan_features(op, body);
    REQUIRE(found);
    CHECK(names_of(*found) == expected);
    CHECK(asks_for_reasoning(*found) == found->reasoning);
  }
}

TEST_CASE("what a chat completion uses", "[request_features]") {
  check(
      chat_completions,
      {
          use{"{}", ""},
          use{R"({"model":"m","messages":[{"role":"user","content":"images tools"}]})", ""},
          use{R"({"stream":true,"max_tokens":5})", "stream max=5"},
          use{R"({"stream":true,"stream":false})", ""},
          use{R"({"max_completion_tokens":7})", " max=7"},
          use{R"({"max_tokens":-1,"n":null})", ""},
          use{R"({"max_tokens":1.5,"n":"2"})", ""},
          use{R"({"n":3})", " n=3"},
          use{R"({"n":99999999999999})", " n=4294967295"},
          use{R"({"tools":[{"type":"function","function":{"name":"f"}}]})", "tools"},
          use{R"({"tools":[]})", ""},
          use{R"({"tools":null,"functions":[]})", ""},
          use{R"({"tools":[{"type":"web_search"}]})", "tools non_function_tools"},
          use{R"({"functions":[{"name":"f"}]})", "tools legacy_functions"},
          use{R"({"web_search_options":{}})", "web_search"},
          use{R"({"messages":[{"role":"assistant","tool_calls":[{"id":"1"}]}]})",
              "tools ends_with_assistant"},
          use{R"({"messages":[{"role":"tool","content":"x"}]})", "tools"},
          use{R"({"messages":[{"role":"assistant","tool_calls":[]},{"role":"user"}]})", ""},
          use{R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},)"
              R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}]})",
              "images"},
          use{R"({"messages":[{"content":[{"image_url":{"url":"https://a/b"},"type":"image_url"}]}]})",
              "images remote_images"},
          use{R"({"messages":[{"content":[{"type":"input_audio","input_audio":{"data":"A"}}]}]})",
              "audio"},
          use{R"({"messages":[{"content":[{"type":"file","file":{"file_data":"A"}}]}]})", "files"},
          use{R"({"messages":[{"content":[{"type":"hologram"}]}]})", "other_parts"},
          use{R"({"messages":[{"content":[{"type":"thinking","thinking":"t"}]}]})", ""},
          use{R"({"modalities":["text","audio"]})", "audio_output"},
          use{R"({"audio":{"voice":"v"}})", "audio_output"},
          use{R"({"response_format":{"type":"text"}})", ""},
          use{R"({"response_format":{"type":"json_object"}})", "json_mode"},
          use{R"({"response_format":{"json_schema":{"type":"x"},"type":"json_schema"}})",
              "json_schema"},
          use{R"({"guided_json":{"a":1}})", "json_schema"},
          use{R"({"reasoning_effort":"low"})", "reasoning"},
          use{R"({"reasoning_effort":"none"})", ""},
          use{R"({"reasoning_effort":null})", ""},
          use{R"({"thinking":{"type":"enabled","budget_tokens":5}})", "reasoning"},
          use{R"({"thinking":{"type":"disabled"}})", ""},
          use{R"({"reasoning":{"max_tokens":100}})", "reasoning"},
          use{R"({"reasoning":{"effort":"none"}})", ""},
          use{R"({"reasoning":{"enabled":false}})", ""},
          use{R"({"enable_thinking":true})", "reasoning"},
          use{R"({"chat_template_kwargs":{"enable_thinking":true}})", "reasoning"},
          use{R"({"chat_template_kwargs":{"enable_thinking":false}})", ""},
          use{R"({"logprobs":true})", "logprobs"},
          use{R"({"logprobs":false,"top_logprobs":0})", ""},
          use{R"({"top_logprobs":2})", "logprobs"},
          use{R"({"messages":"x","tools":{},"response_format":[],"thinking":1,"text":0})", ""},
          use{R"({"messages":[1,"a",[],null,{"content":[2,"b",[]]}]})", ""},
      });
}

TEST_CASE("what completions, responses, messages and embeddings use", "[request_features]") {
  check(completions, {
                         use{R"({"prompt":"p","n":2,"best_of":3,"echo":true})", "echo n=3"},
                         use{R"({"prompt":["a","b"]})", " inputs=2"},
                         use{R"({"prompt":[1,2,3]})", ""},
                         use{R"({"prompt":[[1,2],[3]]})", " inputs=2"},
                         use{R"({"logprobs":0})", "logprobs"},
                         use{R"({"logprobs":null})", ""},
                     });
  check(responses,
        {
            use{R"({"input":"hello","stream":true,"max_output_tokens":9})", "stream max=9"},
            use{R"({"input":[{"role":"user","content":[{"type":"input_text","text":"a"},)"
                R"({"type":"input_image","image_url":"data:image/png;base64,AA"}]}]})",
                "images"},
            use{R"({"input":[{"content":[{"type":"input_image","file_id":"f"}]}]})",
                "images remote_images"},
            use{R"({"input":[{"content":[{"type":"input_file","file_id":"f"}]}]})", "files"},
            use{R"({"input":[{"type":"function_call_output","output":"x"}]})", "tools"},
            use{R"({"input":[{"role":"assistant"},{"type":"custom_tool_call_output"}]})",
                "tools non_function_tools"},
            use{R"({"input":[{"type":"computer_call_output","output":{"type":"x"}}]})",
                "tools non_function_tools"},
            use{R"({"include":["message.output_text.logprobs"]})", "logprobs"},
            use{R"({"tools":[{"type":"function","name":"f"},{"type":"file_search"}]})",
                "tools non_function_tools"},
            use{R"({"text":{"format":{"type":"json_schema"}}})", "json_schema"},
            use{R"({"text":{"format":{"type":"json_object"}}})", "json_mode"},
            use{R"({"reasoning":{"effort":"high","summary":"auto"}})", "reasoning"},
            use{R"({"reasoning":{"effort":null}})", ""},
            use{R"({"previous_response_id":"r"})", "server_state"},
            use{R"({"prompt":{"id":"p"}})", "server_state"},
            use{R"({"previous_response_id":null,"background":false})", ""},
            use{R"({"input":[{"type":"item_reference","id":"i"}]})", "server_state"},
        });
  check(messages,
        {
            use{R"({"max_tokens":5,"messages":[{"role":"assistant","content":"{"}]})",
                "ends_with_assistant max=5"},
            use{R"({"tools":[{"name":"f","input_schema":{"type":"object"}}]})", "tools"},
            use{R"({"tools":[{"type":"custom","name":"f"}]})", "tools"},
            use{R"({"tools":[{"type":"web_search_20250305","name":"web_search"}]})",
                "tools non_function_tools"},
            use{R"({"mcp_servers":[{"url":"u"}]})", "non_function_tools"},
            use{R"({"messages":[{"content":[{"type":"image","source":{"type":"base64"}}]}]})",
                "images"},
            use{R"({"messages":[{"content":[{"type":"image","source":{"type":"url"}}]}]})",
                "images remote_images"},
            use{R"({"messages":[{"content":[{"type":"document","source":{}}]}]})", "files"},
            use{R"({"messages":[{"content":[{"type":"tool_result","content":[)"
                R"({"type":"image","source":{"type":"base64"}}]}]}]})",
                "tools images"},
            use{R"({"thinking":{"type":"adaptive"}})", "reasoning"},
            use{R"({"output_config":{"format":{"type":"json_schema"}}})", "json_schema"},
        });
  check(embeddings, {
                        use{R"({"input":"a"})", ""},
                        use{R"({"input":["a","b","c"]})", " inputs=3"},
                        use{R"({"input":[1,2,3]})", ""},
                        use{R"({"input":[]})", ""},
                    });
}

TEST_CASE("input is estimated without what is no text", "[request_features]") {
  const std::string text(4000, 'a');
  const std::string data(400'000, 'A');
  const auto of = [](const std::string& content) {
    const auto found =
        scan_features(chat_completions, R"({"messages":[{"content":)" + content + "}]}");
    REQUIRE(found);
    return found->approximate_input_tokens;
  };
  const auto plain = of("\"" + text + "\"");
  CHECK(plain >= 1000);
  CHECK(plain < 1020);
  const auto mixed =
      of(R"([{"type":"text","text":")" + text +
         R"("},{"type":"image_url","image_url":{"url":"data:image/png;base64,)" + data +
         R"("}},{"type":"input_audio","input_audio":{"data":")" + data + "\"}}]");
  CHECK(mixed >= 1000);
  CHECK(mixed < 1040);
}

TEST_CASE("what is no JSON object has no features", "[request_features]") {
  for (const char* body : {"", "[]", "null", "{", R"({"a":1,})", R"({"messages":[{"content":[)",
                           "{}x", "--boundary\r\n", R"({"stream":tru})"}) {
    CAPTURE(body);
    CHECK_FALSE(scan_features(chat_completions, body));
  }
}

std::string dropped(const char* body, operation op, schema upstream) {
  const auto found = scan_features(op, body);
  REQUIRE(found);
  return would_drop(*found, op, upstream).value_or("");
}

TEST_CASE("what Converse can't carry is named", "[request_features]") {
  for (
      const auto& [body, expected] : {
          use{"{}", ""},
          use{R"({"tools":[{"type":"function"}],"response_format":{"type":"json_schema"}})", ""},
          use{R"({"response_format":{"type":"json_object"},"reasoning_effort":"low"})", ""},
          use{R"({"seed":1,"logit_bias":{},"user":"u","metadata":{}})", ""},
          use{R"({"n":2})", "several choices (`n`)"},
          use{R"({"logprobs":true})", "log probabilities"},
          use{R"({"modalities":["audio"]})", "audio output"},
          use{R"({"messages":[{"content":[{"type":"input_audio"}]}]})", "audio input"},
          use{R"({"messages":[{"content":[{"type":"file"}]}]})", "files"},
          use{R"({"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:,"}}]}]})",
              ""},
          use{R"({"messages":[{"content":[{"type":"image_url","image_url":{"url":"http://x"}}]}]})",
              "image URLs"},
          use{R"({"functions":[{"name":"f"}]})", "`functions`"},
          use{R"({"web_search_options":{}})", "`web_search_options`"},
          use{R"({"tools":[{"type":"custom"}]})", "tools that are no functions"},
          use{R"({"messages":[{"content":[{"type":"x"}]}]})", "content parts of an unknown type"},
      }) {
    CAPTURE(body);
    CHECK(dropped(body, chat_completions, schema::aws_bedrock) == expected);
    CHECK(dropped(body, chat_completions, schema::openai).empty());
    CHECK(dropped(body, chat_completions, schema::azure_openai).empty());
  }
  CHECK(dropped("{}", embeddings, schema::anthropic) == "embeddings");
  CHECK(dropped("{}", rerank, schema::anthropic) == "rerank");
  CHECK(dropped("{}", unknown, schema::openai).empty());
}

TEST_CASE("what responses lose by way of a chat is named", "[request_features]") {
  auto served = operation_set::none();
  served.insert(chat_completions);
  const auto lost = [&](const char* body, schema upstream, operation_set by = {}) {
    const auto found = scan_features(responses, body);
    REQUIRE(found);
    return would_drop(*found, responses, upstream, by).value_or("");
  };
  const auto part = [](const char* text) {
    return std::string{R"({"input":[{"role":"user","content":[)"} + text + "]}]}";
  };
  for (const auto& [body, expected] : {
           std::pair{std::string{R"({"previous_response_id":"r"})"},
                     "what a provider keeps of earlier responses"},
           std::pair{std::string{R"({"tools":[{"type":"web_search"}]})"},
                     "tools that are no functions"},
           std::pair{part(R"({"type":"input_file","file_id":"f"})"), "files named by id or URL"},
           std::pair{part(R"({"type":"input_image","file_id":"f"})"), "files named by id or URL"},
           std::pair{std::string{R"({"input":[{"type":"function_call_output","output":)"
                                 R"([{"type":"input_image","image_url":"data:,"}]}]})"},
                     "images and files as a tool's result"},
           std::pair{std::string{R"({"input":"x","store":true,"user":"u"})"}, ""},
       }) {
    CAPTURE(body);
    CHECK(lost(body.c_str(), schema::openai, served) == expected);
    CHECK(lost(body.c_str(), schema::aws_bedrock) == expected);
    CHECK(lost(body.c_str(), schema::openai).empty());
  }
  const auto url = part(R"({"type":"input_image","image_url":"https://x"})");
  CHECK(lost(url.c_str(), schema::openai, served).empty());
  CHECK(lost(url.c_str(), schema::aws_bedrock) == "image URLs");
  CHECK(lost("{}", schema::cohere) == "responses");
}

/// The guard and the translator must agree: what is named here, the translator refuses, and what
/// it refuses for being inexpressible is named.
TEST_CASE("the guard names what the Converse translator refuses", "[request_features]") {
  for (
      const char* extra : {
          R"("n":2)",
          R"("logprobs":true)",
          R"("top_logprobs":2)",
          R"("audio":{"voice":"v"})",
          R"("modalities":["text","audio"])",
          R"("functions":[{"name":"f"}])",
          R"("web_search_options":{"a":1})",
          R"("tools":[{"type":"custom","custom":{"name":"f"}}])",
          R"("tools":[{"type":"function","function":{"name":"f"}}])",
          R"("response_format":{"type":"json_object"})",
          R"("response_format":{"type":"json_schema","json_schema":{"schema":{}}})",
          R"("reasoning_effort":"high")",
          R"("thinking":{"type":"enabled"})",
          R"("modalities":["text"])",
          R"("messages":[{"role":"user","content":[{"type":"input_audio"}]}])",
          R"("messages":[{"role":"user","content":[{"type":"file"}]}])",
          R"("messages":[{"role":"user","content":[{"type":"hologram"}]}])",
          R"("messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://x"}}]}])",
          R"("messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}])",
      }) {
    const std::string body =
        R"({"model":"m","messages":[{"role":"user","content":"a"}],)" + std::string{extra} + "}";
    CAPTURE(body);
    request_view request;
    request.op = chat_completions;
    request.model = "m";
    request.body = body;
    const auto translator = find(chat_completions, schema::aws_bedrock);
    backend_view backend;
    backend.target_schema = schema::aws_bedrock;
    const bool is_refused = !translator->request(request, backend);
    CHECK(is_refused == !dropped(body.c_str(), chat_completions, schema::aws_bedrock).empty());
  }
}

}  // namespace
}  // namespace understudy::translate
