#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <understudy/translate/translator.hpp>

/// OpenAI chat completion request → Bedrock Converse body (spec/gateway-config.md §4.2, §9).
///
/// Not expressible, and so refused with 422 (or left out and told, with `may_drop`): `n` above 1,
/// `logprobs`, audio in or out, files, image URLs (Converse takes bytes), tools that are no
/// functions, `functions`, `web_search_options`. Without an equivalent and only told in
/// `dropped`, because the answer stays an answer: every other member, such as `seed`,
/// `logit_bias`, penalties, `user`, `metadata`, `prediction`, an image's `detail`.
/// `response_format` of type json_object, which Converse does not have, becomes one more system
/// text; json_schema becomes `outputConfig.textFormat`.
namespace understudy::translate {

struct converse_body {
  std::string json;
  bool has_usage_chunk = false;  ///< the client asked for `stream_options.include_usage`
  std::vector<std::string> dropped;
};

/// `model` decides what only some model families take.
base::result<converse_body, refusal> converse_request(std::string_view openai_body,
                                                      std::string_view model,
                                                      bool may_drop = false);

}  // namespace understudy::translate
