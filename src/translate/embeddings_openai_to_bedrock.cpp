#include <array>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/text.hpp>

#include "translate/embeddings.hpp"
#include "translate/translators.hpp"

/// InvokeModel with the bodies of Amazon's Titan and of Cohere's Embed ("Inference request
/// parameters" of the Bedrock user guide). A name that says neither is taken for Titan's.
namespace understudy::translate {
namespace {

enum class model_family : std::uint8_t { titan_first, titan, titan_image, cohere, cohere_v4 };

model_family family_of(std::string_view model) {
  const auto name = base::lower(model);
  const auto has = [&](std::string_view part) { return name.find(part) != std::string::npos; };
  if (has("cohere.embed")) return has("embed-v4") ? model_family::cohere_v4 : model_family::cohere;
  if (has("titan-embed-image")) return model_family::titan_image;
  const bool is_first = has("titan-embed-text-v1") || has("titan-embed-g1-text");
  return is_first ? model_family::titan_first : model_family::titan;
}

class embeddings_openai_to_bedrock final : public embeddings_operation {
 public:
  embeddings_openai_to_bedrock() : embeddings_operation{operation::embeddings} {}

 private:
  bool build_embeddings(const json& asked, const backend_view& backend,
                        upstream_request& out) override;
  std::string answer(const codec::response_head& head, std::string_view body) override;

  bool build_titan(const json& asked, json& body);
  bool build_cohere(const json& asked, json& body);
  bool lose_dimensions() {
    return lose("dimensions", "`dimensions` is not supported by the model " + model());
  }
  bool is_cohere() const { return family_ >= model_family::cohere; }

  model_family family_ = model_family::titan;
};

bool embeddings_openai_to_bedrock::build_embeddings(const json& asked,
                                                    const backend_view& /*backend*/,
                                                    upstream_request& out) {
  family_ = family_of(model());
  for (const auto& input : inputs()) {
    if (!input.task_type.empty()) drop("task_type");
    if (!input.title.empty()) drop("title");
  }
  json body;
  if (is_cohere() ? !build_cohere(asked, body) : !build_titan(asked, body)) return false;
  out.target = "/model/" + codec::path_escape(model()) + "/invoke";
  out.body = dump_json(body);
  return true;
}

bool embeddings_openai_to_bedrock::build_titan(const json& asked, json& body) {
  constexpr std::array<std::string_view, 5> carried{"model", "input", "encoding_format",
                                                    "dimensions", "normalize"};
  drop_uncarried(asked, carried);
  if (!check_single("Titan")) return false;
  body["inputText"] = inputs().front().text;
  const json* normalize = member(asked, "normalize");
  if (family_ == model_family::titan) {
    if (dimensions()) body["dimensions"] = *dimensions();
    if (normalize != nullptr) body["normalize"] = *normalize;
    return true;
  }
  if (normalize != nullptr) drop("normalize");
  if (!dimensions()) return true;
  if (family_ == model_family::titan_first) return lose_dimensions();
  body["embeddingConfig"] = {{"outputEmbeddingLength", *dimensions()}};
  return true;
}

bool embeddings_openai_to_bedrock::build_cohere(const json& asked, json& body) {
  constexpr std::array<std::string_view, 6> carried{"model",      "input",      "encoding_format",
                                                    "dimensions", "input_type", "truncate"};
  drop_uncarried(asked, carried);
  const auto input_type = text_member(asked, "input_type");
  body["texts"] = texts();
  body["input_type"] = input_type.empty() ? std::string_view{"search_document"} : input_type;
  body["embedding_types"] = {"float"};
  if (const auto truncate = text_member(asked, "truncate"); !truncate.empty())
    body["truncate"] = truncate;
  if (!dimensions()) return true;
  if (family_ != model_family::cohere_v4) return lose_dimensions();
  body["output_dimension"] = *dimensions();
  return true;
}

std::string embeddings_openai_to_bedrock::answer(const codec::response_head& head,
                                                 std::string_view body) {
  auto tokens = count_member(body, "inputTextTokenCount");
  if (!tokens) tokens = count_field(head, "x-amzn-bedrock-input-token-count");
  set_usage(tokens, tokens);
  const auto found = codec::find_member(body, is_cohere() ? "embeddings" : "embedding");
  if (!found) return broken("embedding");
  auto vectors = found;
  // One type asked for may come as a list or by its name.
  if (is_cohere() && found->kind == codec::json_kind::object)
    vectors = codec::find_member(found->text, "float");
  if (!vectors) return broken("embedding");
  if (is_cohere() ? !add_vectors(vectors->text) : !add_vector(vectors->text))
    return broken("embedding");
  return finish_answer();
}

}  // namespace

std::unique_ptr<translator> make_embeddings_openai_to_bedrock(operation /*op*/) {
  return std::make_unique<embeddings_openai_to_bedrock>();
}

}  // namespace understudy::translate
