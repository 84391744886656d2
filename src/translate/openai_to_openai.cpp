#include "translate/same_schema.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

std::string_view suffix_of(operation op) {
  using enum operation;
  switch (op) {
    case completions:
      return "completions";
    case embeddings:
      return "embeddings";
    case responses:
      return "responses";
    case responses_input_tokens:
      return "responses/input_tokens";
    case image_generations:
      return "images/generations";
    case image_edits:
      return "images/edits";
    case image_variations:
      return "images/variations";
    case audio_speech:
      return "audio/speech";
    case audio_transcriptions:
      return "audio/transcriptions";
    case audio_translations:
      return "audio/translations";
    case moderations:
      return "moderations";
    case generic_rerank:
      return "rerank";
    default:
      return "chat/completions";
  }
}

class openai_to_openai final : public same_schema {
 public:
  using same_schema::same_schema;

 private:
  std::string target(std::string_view /*model*/, const request_view& /*original*/,
                     const backend_view& backend) const override {
    // vLLM's own path stands outside of the prefix.
    if (op() == operation::tokenize) return "/tokenize";
    return join_path(backend.prefix, suffix_of(op()));
  }
};

}  // namespace

std::unique_ptr<translator> make_openai_to_openai(operation op) {
  return std::make_unique<openai_to_openai>(op);
}

}  // namespace understudy::translate
