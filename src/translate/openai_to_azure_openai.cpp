#include <understudy/codec/text.hpp>

#include "translate/same_schema.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

/// The deployment, named by the path, decides; the body of a chat keeps the client's `model`.
class openai_to_azure_openai final : public same_schema {
 public:
  using same_schema::same_schema;

 private:
  bool has_model_in_body() const override { return op() != operation::chat_completions; }

  std::string target(std::string_view model, const request_view& /*original*/,
                     const backend_view& backend) const override {
    std::string out = "/openai/" + resource(model);
    if (!backend.version.empty())
      out.append("?api-version=").append(codec::uri_escape(backend.version, false));
    return out;
  }

  std::string resource(std::string_view model) const {
    switch (op()) {
      case operation::responses:
        return "responses";
      case operation::responses_input_tokens:
        return "responses/input_tokens";
      case operation::embeddings:
        return "deployments/" + codec::path_escape(model) + "/embeddings";
      default:
        return "deployments/" + codec::path_escape(model) + "/chat/completions";
    }
  }
};

}  // namespace

std::unique_ptr<translator> make_openai_to_azure_openai(operation op) {
  return std::make_unique<openai_to_azure_openai>(op);
}

}  // namespace understudy::translate
