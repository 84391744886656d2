#include "translate/same_schema.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

/// OpenAI's API as Amazon Bedrock serves it: below `/openai/v1` of the `bedrock-runtime` hosts, or
/// `/v1` of `bedrock-mantle` (a `prefix` says so). Source: Amazon Bedrock's user guide, on the Chat
/// Completions and the Responses API.
class openai_to_aws_openai final : public same_schema {
 public:
  using same_schema::same_schema;

 private:
  std::string target(std::string_view /*model*/, const request_view& /*original*/,
                     const backend_view& backend) const override {
    return join_path(backend.prefix.empty() ? "openai/v1" : backend.prefix,
                     op() == operation::responses ? "responses" : "chat/completions");
  }
};

}  // namespace

std::unique_ptr<translator> make_openai_to_aws_openai(operation op) {
  return std::make_unique<openai_to_aws_openai>(op);
}

}  // namespace understudy::translate
