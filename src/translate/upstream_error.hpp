#pragma once
#include <string>
#include <string_view>

#include <understudy/translate/translator.hpp>

/// A provider's error, whatever its shape, for a client of another schema.
namespace understudy::translate {

struct upstream_error {
  std::string type;     ///< in the provider's words (`RESOURCE_EXHAUSTED`); may be empty
  std::string message;  ///< never empty
};

/// Reads OpenAI's and Anthropic's `error` object, Google's (also in a list), the exceptions of AWS
/// with their `x-amzn-errortype`, Cohere's `message`, and plain text.
upstream_error read_upstream_error(const codec::response_head& head, std::string_view body);

/// The body of an error answer in the shape of the operation's client: OpenAI's, Anthropic's (with
/// a type of its vocabulary), or Cohere's for its rerank.
std::string error_answer(operation op, const codec::response_head& head, std::string_view body);

}  // namespace understudy::translate
