#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <understudy/translate/translator.hpp>

/// OpenAI chat completion request → Anthropic Messages body (spec/gateway-config.md §4.3, §9;
/// Anthropic's Messages API reference).
///
/// Not expressible, and so refused with 422 or, with `may_drop`, left out and told: `n` above 1,
/// `logprobs`, audio, `functions`, `web_search_options`, tools that are no functions, files by id
/// or of a type that is neither PDF, plain text nor image, `temperature` outside 0..1, a JSON
/// schema for a model without structured outputs; on Bedrock and Vertex, which take bytes only,
/// images and documents by URL. Always told: every other member that asks for something and has no
/// counterpart (`seed`, `logit_bias`, penalties, `metadata`, `store`, `prediction` …), stop
/// sequences of white space alone, sampling parameters that the model refuses, `reasoning_effort`
/// for models without it, thinking without a signature.
/// `response_format` of type json_object, which Anthropic does not have, becomes one more system
/// text.
namespace understudy::translate {

/// The member is required by Anthropic and optional at OpenAI: the least that every Claude can.
inline constexpr int default_max_tokens = 4096;

struct anthropic_target {
  schema dialect = schema::anthropic;
  std::string_view model;    ///< goes into the body of `Anthropic` alone; decides what is known
  std::string_view version;  ///< of the body, `anthropic_version`; not for `Anthropic`
  bool stream = false;
  bool may_drop = false;
};

struct anthropic_body {
  std::string json;
  std::vector<std::string> dropped;
  bool has_usage_chunk = false;  ///< the client asked for `stream_options.include_usage`
};

base::result<anthropic_body, refusal> anthropic_request(std::string_view openai_body,
                                                        const anthropic_target& target);

}  // namespace understudy::translate
