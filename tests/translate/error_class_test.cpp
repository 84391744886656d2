#include <understudy/translate/error_class.hpp>

#include <string>

#include "catch.hpp"

namespace understudy::translate {

inline std::ostream& operator<<(std::ostream& out, error_class c) { return out << name(c); }

namespace {

using enum error_class;
using enum schema;

struct row {
  schema upstream;
  int status;
  const char* body;
  error_class expected;
  const char* error_type = "";
};

void check(const row& r) {
  CAPTURE(name(r.upstream), r.status, r.body, r.error_type);
  CHECK(classify_error(r.upstream, r.status, r.body, r.error_type) == r.expected);
}

TEST_CASE("a request too long for the model, in every provider's words", "[error_class]") {
  for (
      const auto& r : {
          row{openai, 400,
              R"({"error":{"message":"This model's maximum context length is 8192 tokens.","type":)"
              R"("invalid_request_error","param":"messages","code":"context_length_exceeded"}})",
              context_window_exceeded},
          row{openai, 400,
              R"({"error":{"message":"x","type":"invalid_request_error","param":)"
              R"("messages[0].content","code":"string_above_max_length"}})",
              context_window_exceeded},
          row{openai, 400,
              R"({"error":{"message":"x","param":"input","code":"string_above_max_length"}})",
              context_window_exceeded},
          row{openai, 400,
              R"({"error":{"message":"too long","param":"user","code":"string_above_max_length"}})",
              other},
          row{openai, 400,
              R"({"error":{"message":"Your input exceeds the context window of this model."}})",
              context_window_exceeded},
          // vLLM: flat and nested, and its prompt that the engine refuses
          row{openai, 400,
              R"({"object":"error","message":"This model's maximum context length is 4096 tokens.)"
              R"( However, you requested 5000 tokens","type":"BadRequestError","code":400})",
              context_window_exceeded},
          row{openai, 400,
              R"({"error":{"message":"The decoder prompt (length 5012) is longer than the maximum)"
              R"( model length of 4096.","type":"BadRequestError","param":null,"code":400}})",
              context_window_exceeded},
          // SGLang, llama.cpp, TGI, xAI, Mistral, Cohere
          row{openai, 400,
              R"({"object":"error","message":"The input (5000 tokens) is longer than the model's)"
              R"( context length (4096 tokens)."})",
              context_window_exceeded},
          row{openai, 400,
              R"({"error":{"code":400,"message":"x","type":"exceed_context_size_error"}})",
              context_window_exceeded},
          row{openai, 500,
              R"({"error":{"code":500,"message":"the request exceeds the available context size"}})",
              context_window_exceeded},
          row{openai, 422,
              R"({"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <=)"
              R"( 4096","error_type":"validation"})",
              context_window_exceeded},
          row{openai, 400,
              R"({"code":"Client specified an invalid argument","error":"This model's maximum)"
              R"( prompt length is 131072 but the request contains 537812 tokens."})",
              context_window_exceeded},
          row{openai, 400,
              R"({"object":"error","message":"Prompt contains 40000 tokens, too large for model)"
              R"( with 32768 maximum context length","type":"invalid_request_error"})",
              context_window_exceeded},
          row{cohere, 400, R"({"message":"too many tokens: size limit exceeded by 4 tokens."})",
              context_window_exceeded},
          row{openai, 400, "prompt is too long", context_window_exceeded},
          row{azure_openai, 400,
              R"({"error":{"message":"m","type":"t","param":"messages","code":)"
              R"("context_length_exceeded"}})",
              context_window_exceeded},
          row{anthropic, 400,
              R"({"type":"error","error":{"type":"invalid_request_error","message":)"
              R"("prompt is too long: 211000 tokens > 200000 maximum"}})",
              context_window_exceeded},
          row{anthropic, 400,
              R"({"type":"error","error":{"type":"invalid_request_error","message":"input length)"
              R"( and `max_tokens` exceed context limit: 198000 + 20000 > 200000"}})",
              context_window_exceeded},
          row{anthropic, 413,
              R"({"type":"error","error":{"type":"request_too_large","message":"m"}})",
              context_window_exceeded},
          row{anthropic, 413, "", context_window_exceeded},
          row{aws_bedrock, 400, R"({"message":"Input is too long for requested model."})",
              context_window_exceeded, "ValidationException"},
          row{aws_bedrock, 400,
              R"({"message":"400 Bad Request: Too many input tokens. Max input tokens: 8192"})",
              context_window_exceeded, "ValidationException:http://internal.amazon.com/"},
          row{aws_bedrock, 400,
              R"({"message":"Input Tokens Exceeded: Number of input tokens exceeds maximum"})",
              context_window_exceeded, "ValidationException"},
          row{gcp_vertex_ai, 400,
              R"({"error":{"code":400,"message":"The input token count (1200000) exceeds the)"
              R"( maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}})",
              context_window_exceeded},
          // Greater than the limit of a minute: no wait makes it fit.
          row{openai, 429,
              R"({"error":{"message":"Request too large for gpt-4o on tokens per min (TPM): Limit)"
              R"( 30000, Requested 41000.","type":"tokens","code":"rate_limit_exceeded"}})",
              context_window_exceeded},
          row{openai, 413,
              R"({"error":{"message":"Request too large for model x","type":"tokens","code":)"
              R"("rate_limit_exceeded"}})",
              context_window_exceeded},
          // An answer limit is not the window.
          row{openai, 400,
              R"({"error":{"message":"max_tokens is too large: 100000. This model supports at most)"
              R"( 4096 completion tokens","code":"invalid_value","param":"max_tokens"}})",
              other},
          row{aws_bedrock, 400,
              R"({"message":"The maximum tokens you requested exceeds the model limit of 4096."})",
              other, "ValidationException"},
      })
    check(r);
}

TEST_CASE("a refusal of the content", "[error_class]") {
  for (
      const auto& r : {
          row{azure_openai, 400,
              R"({"error":{"message":"The response was filtered due to the prompt triggering Azure)"
              R"( OpenAI's content management policy.","type":null,"param":"prompt","code":)"
              R"("content_filter","status":400,"innererror":{"code":)"
              R"("ResponsibleAIPolicyViolation","content_filter_result":{}}}})",
              content_policy},
          row{azure_openai, 400,
              R"({"error":{"message":"m","innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
              content_policy},
          row{openai, 400,
              R"({"error":{"code":"content_policy_violation","message":"m","param":null}})",
              content_policy},
          row{openai, 400, R"({"error":{"code":"moderation_blocked","message":"m"}})",
              content_policy},
          row{openai, 400,
              R"({"error":{"message":"Invalid prompt: your prompt was flagged as potentially)"
              R"( violating our usage policy.","code":"invalid_prompt"}})",
              content_policy},
          row{openai, 400,
              R"({"error":{"message":"Invalid prompt: roles must alternate","code":)"
              R"("invalid_prompt"}})",
              other},
          row{openai, 400, R"({"error":{"message":"Content Exists Risk"}})", content_policy},
          row{openai, 403,
              R"({"code":"x","error":"Content violates usage guidelines. Failed check: S"})",
              content_policy},
          row{anthropic, 400,
              R"({"type":"error","error":{"type":"invalid_request_error","message":)"
              R"("Output blocked by content filtering policy"}})",
              content_policy},
          row{aws_bedrock, 400,
              R"({"message":"This request has been blocked by our content filters."})",
              content_policy, "ValidationException"},
          row{aws_bedrock, 200, R"({"output":{"message":{}},"stopReason":"guardrail_intervened"})",
              content_policy},
          row{aws_bedrock, 400, R"({"message":"The provided guardrail identifier is invalid"})",
              other, "ValidationException"},
          row{gcp_vertex_ai, 200, R"({"promptFeedback":{"blockReason":"SAFETY"}})", content_policy},
          row{gcp_vertex_ai, 400,
              R"({"error":{"code":400,"message":"This prompt contains sensitive words that violate)"
              R"( Google's Responsible AI practices.","status":"INVALID_ARGUMENT"}})",
              content_policy},
          // The words in an answer are the answer's.
          row{openai, 200, R"({"choices":[{"message":{"content":"content_filter"}}]})", other},
          row{openai, 200, R"({"message":"prompt is too long","code":"content_filter"})", other},
          row{openai, 200, "prompt is too long", other},
          row{openai, 200, R"({"promptFeedback":{"blockReason":"SAFETY"}})", other},
      })
    check(r);
}

TEST_CASE("limits, load, money, keys and names", "[error_class]") {
  for (const auto& r : {
           row{openai, 429, R"({"error":{"code":"rate_limit_exceeded","message":"m"}})",
               rate_limited},
           row{openai, 429, "", rate_limited},
           row{openai, 429, "<html>slow down</html>", rate_limited},
           row{openai, 429,
               R"({"error":{"message":"You exceeded your current quota","type":)"
               R"("insufficient_quota","code":"insufficient_quota"}})",
               quota_exhausted},
           row{openai, 402, R"({"error":{"message":"Insufficient Balance"}})", quota_exhausted},
           row{openai, 402, "", quota_exhausted},
           row{anthropic, 400,
               R"({"type":"error","error":{"type":"invalid_request_error","message":)"
               R"("Your credit balance is too low to access the Anthropic API."}})",
               quota_exhausted},
           row{anthropic, 429, R"({"type":"error","error":{"type":"rate_limit_error"}})",
               rate_limited},
           row{anthropic, 529, R"({"type":"error","error":{"type":"overloaded_error"}})",
               overloaded},
           row{anthropic, 500, R"({"type":"error","error":{"type":"overloaded_error"}})",
               overloaded},
           row{anthropic, 200, R"({"type":"error","error":{"type":"overloaded_error"}})",
               overloaded},
           row{openai, 503, R"({"error":{"message":"That model is currently overloaded"}})",
               overloaded},
           row{openai, 503, "upstream connect error", other},
           row{openai, 500, R"({"error":{"message":"boom","type":"server_error"}})", other},
           row{aws_bedrock, 429, R"({"message":"Too many requests"})", rate_limited,
               "ThrottlingException"},
           row{aws_bedrock, 400, R"({"__type":"com.amazon.x#ThrottlingException"})", rate_limited},
           row{aws_bedrock, 429, R"({"message":"Too many tokens per day, please wait"})",
               quota_exhausted, "ThrottlingException"},
           row{aws_bedrock, 400, R"({"message":"m"})", quota_exhausted,
               "ServiceQuotaExceededException"},
           row{aws_bedrock, 503, R"({"message":"m"})", overloaded, "ServiceUnavailableException"},
           row{aws_bedrock, 403, R"({"message":"The security token is expired"})", authentication,
               "ExpiredTokenException"},
           row{aws_bedrock, 404, R"({"message":"m"})", model_not_found,
               "ResourceNotFoundException"},
           row{aws_bedrock, 400, R"({"message":"The provided model identifier is invalid."})",
               model_not_found, "ValidationException"},
           row{gcp_vertex_ai, 429,
               R"([{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}])",
               rate_limited},
           row{gcp_vertex_ai, 503, R"({"error":{"code":503,"message":"m","status":"UNAVAILABLE"}})",
               overloaded},
           row{gcp_vertex_ai, 400,
               R"({"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT",)"
               R"("details":[{"@type":"t","reason":"API_KEY_INVALID"}]}})",
               authentication},
           row{gcp_vertex_ai, 404,
               R"({"error":{"code":404,"message":"models/x is not found for API version v1",)"
               R"("status":"NOT_FOUND"}})",
               model_not_found},
           row{openai, 401, R"({"error":{"code":"invalid_api_key"}})", authentication},
           row{openai, 401, "", authentication},
           row{openai, 403, "", authentication},
           row{openai, 404, R"({"error":{"code":"model_not_found","message":"m"}})",
               model_not_found},
           row{openai, 404,
               R"({"object":"error","message":"The model `x` does not exist.","type":)"
               R"("NotFoundError","param":null,"code":404})",
               model_not_found},
           row{azure_openai, 404, R"({"error":{"code":"DeploymentNotFound","message":"m"}})",
               model_not_found},
           row{anthropic, 404,
               R"({"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}})",
               model_not_found},
           row{azure_openai, 404, R"({"error":{"code":"404","message":"Resource not found"}})",
               other},
           row{openai, 404, "not found", other},
       })
    check(r);
}

TEST_CASE("garbage and long bodies are judged by their status", "[error_class]") {
  const std::string deep(600, '[');
  for (const std::string& body :
       {std::string{"{"}, std::string{"[]"}, std::string{"null"}, std::string{"\"\\u12\""},
        std::string{"\0\xff\xfe", 3}, deep, std::string{R"({"error":{"error":{"error":{}}}})"},
        std::string{R"({"error":[[[1]]],"message":{"message":[]},"code":{}})"},
        R"({"error":{"message":")" + std::string(max_classified_bytes, 'a') +
            R"( maximum context length"}})"}) {
    CAPTURE(body.substr(0, 40));
    CHECK(classify_error(openai, 400, body) == other);
    CHECK(classify_error(openai, 429, body) == rate_limited);
    CHECK(classify_error(openai, 200, body) == other);
  }
  const std::string fits =
      R"({"error":{"message":"maximum context length )" + std::string(20000, 'a') + "\"}}";
  CHECK(classify_error(openai, 400, fits) == context_window_exceeded);
}

}  // namespace
}  // namespace understudy::translate
