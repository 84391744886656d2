#pragma once
#include <string>
#include <vector>

#include <understudy/codec/http.hpp>

/// The client's `anthropic-beta` field on hosts of Claude other than Anthropic's own.
namespace understudy::translate {

enum class bedrock_api { invoke, converse };

/// Those that Bedrock takes, each once, under the name it has there. Others would have the whole
/// request refused.
struct claude_betas {
  std::vector<std::string> names;
  bool has_others = false;  ///< left out
};
claude_betas bedrock_betas(const codec::field_list* fields, bedrock_api api);

}  // namespace understudy::translate
