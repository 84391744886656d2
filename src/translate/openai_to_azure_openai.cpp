#include <understudy/codec/multipart.hpp>
#include <understudy/codec/text.hpp>

#include "translate/same_schema.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

std::string_view resource_of_deployment(operation op) {
  using enum operation;
  switch (op) {
    case completions:
      return "completions";
    case embeddings:
      return "embeddings";
    case image_generations:
      return "images/generations";
    case image_edits:
      return "images/edits";
    case audio_speech:
      return "audio/speech";
    case audio_transcriptions:
      return "audio/transcriptions";
    case audio_translations:
      return "audio/translations";
    default:
      return "chat/completions";
  }
}

/// The deployment, named by the path, decides; the body of a chat, and a form, keep the client's
/// `model`. Paths: Azure OpenAI's data plane of inference, and spec/gateway-config.md §4.1.
class openai_to_azure_openai final : public same_schema {
 public:
  using same_schema::same_schema;

 private:
  bool has_model_in_body(const request_view& original) const override {
    return op() != operation::chat_completions && !codec::is_multipart_form(original.content_type);
  }

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
      default:
        return "deployments/" + codec::path_escape(model) + "/" +
               std::string{resource_of_deployment(op())};
    }
  }
};

}  // namespace

std::unique_ptr<translator> make_openai_to_azure_openai(operation op) {
  return std::make_unique<openai_to_azure_openai>(op);
}

}  // namespace understudy::translate
