#include <array>

#include "translate/embeddings.hpp"
#include "translate/same_schema.hpp"
#include "translate/translators.hpp"

/// Cohere's own Embed API, version 2 (docs.cohere.com/reference/embed). OpenAI has no
/// `input_type`, which Cohere needs: a client's own member of that name is carried, and without
/// one texts are documents of a search.
namespace understudy::translate {
namespace {

class embeddings_openai_to_cohere final : public embeddings_operation {
 public:
  embeddings_openai_to_cohere() : embeddings_operation{operation::embeddings} {}

 private:
  bool build_embeddings(const json& asked, const backend_view& backend,
                        upstream_request& out) override {
    constexpr std::array<std::string_view, 7> carried{
        "model", "input", "encoding_format", "dimensions", "input_type", "truncate", "max_tokens"};
    drop_uncarried(asked, carried);
    for (const auto& input : inputs()) {
      if (!input.task_type.empty()) drop("task_type");
      if (!input.title.empty()) drop("title");
    }
    const auto input_type = text_member(asked, "input_type");
    json body{{"model", model()}};
    body["texts"] = texts();
    body["input_type"] = input_type.empty() ? std::string_view{"search_document"} : input_type;
    body["embedding_types"] = {"float"};
    if (dimensions()) body["output_dimension"] = *dimensions();
    for (const char* name : {"truncate", "max_tokens"})
      if (const json* value = member(asked, name)) body[name] = *value;
    out.target = join_path(backend.version.empty() ? "v2" : backend.version, "embed");
    out.body = dump_json(body);
    return true;
  }

  std::string answer(const codec::response_head& /*head*/, std::string_view body) override {
    if (const auto meta = codec::find_member(body, "meta"))
      if (const auto billed = codec::find_member(meta->text, "billed_units")) {
        const auto tokens = count_member(billed->text, "input_tokens");
        set_usage(tokens, tokens);
      }
    auto vectors = codec::find_member(body, "embeddings");
    if (vectors && vectors->kind == codec::json_kind::object)
      vectors = codec::find_member(vectors->text, "float");
    if (!vectors || !add_vectors(vectors->text)) return broken("embedding");
    return finish_answer();
  }
};

}  // namespace

std::unique_ptr<translator> make_embeddings_openai_to_cohere(operation /*op*/) {
  return std::make_unique<embeddings_openai_to_cohere>();
}

}  // namespace understudy::translate
