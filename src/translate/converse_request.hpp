#pragma once
#include <string>
#include <string_view>

#include <understudy/translate/translator.hpp>

/// OpenAI chat completion request → Bedrock Converse body (spec/gateway-config.md §4.2, §9).
///
/// Not expressible, and so refused with 422: `n` above 1, `logprobs`, audio in or out, files,
/// image URLs (Converse takes bytes), tools that are no functions, `functions`,
/// `web_search_options`. Without an equivalent and ignored, because the answer stays an answer:
/// `seed`, `logit_bias`, `frequency_penalty`, `presence_penalty`, `user`, `metadata`, `store`,
/// `prediction`, `verbosity`, `safety_identifier`, `prompt_cache_key`, an image's `detail`.
/// `response_format` of type json_object, which Converse does not have, becomes one more system
/// text; json_schema becomes `outputConfig.textFormat`.
namespace understudy::translate {

struct converse_body {
  std::string json;
  bool has_usage_chunk = false;  ///< the client asked for `stream_options.include_usage`
};

/// `model` decides what only some model families take.
base::result<converse_body, refusal> converse_request(std::string_view openai_body,
                                                      std::string_view model);

}  // namespace understudy::translate
