#include <array>

#include <understudy/codec/text.hpp>

#include "translate/embeddings.hpp"
#include "translate/translators.hpp"

/// Vertex AI's text embeddings: `:predict`, or `:embedContent` for the later Gemini models, which
/// take one input ("Text embeddings API" and `publishers.models.embedContent` of its reference).
/// `task_type`, `title` and `auto_truncate` are members that AIGW adds to OpenAI's.
namespace understudy::translate {
namespace {

bool has_embed_content(std::string_view model) {
  return model.find("gemini") != std::string_view::npos && model != "gemini-embedding-001";
}

class embeddings_openai_to_vertex final : public embeddings_operation {
 public:
  embeddings_openai_to_vertex() : embeddings_operation{operation::embeddings} {}

 private:
  bool build_embeddings(const json& asked, const backend_view& backend,
                        upstream_request& out) override;
  std::string answer(const codec::response_head& head, std::string_view body) override;

  json predict(const json& asked) const;
  bool embed_content(const json& asked, json& body);
  bool add_predictions(std::string_view predictions);

  bool is_embed_content_ = false;
};

/// What stands at the top of the request is for every input, as AIGW has it.
std::string_view either(std::string_view of_all, std::string_view of_item) {
  return of_all.empty() ? of_item : of_all;
}

json embeddings_openai_to_vertex::predict(const json& asked) const {
  json body{{"instances", json::array()}, {"parameters", json::object()}};
  for (const auto& input : inputs()) {
    json instance{{"content", input.text}};
    const auto task = either(text_member(asked, "task_type"), input.task_type);
    if (!task.empty()) instance["task_type"] = task;
    auto title = text_member(asked, "title");
    // A title is one of documents only.
    if (title.empty() && task == "RETRIEVAL_DOCUMENT") title = input.title;
    if (!title.empty()) instance["title"] = title;
    body["instances"].push_back(std::move(instance));
  }
  auto& parameters = body["parameters"];
  if (dimensions()) parameters["outputDimensionality"] = *dimensions();
  if (const json* truncate = member(asked, "auto_truncate")) parameters["autoTruncate"] = *truncate;
  return body;
}

bool embeddings_openai_to_vertex::embed_content(const json& asked, json& body) {
  if (!check_single("Gemini embedding")) return false;
  const auto& input = inputs().front();
  json config = json::object();
  if (dimensions()) config["outputDimensionality"] = *dimensions();
  if (const json* truncate = member(asked, "auto_truncate")) config["autoTruncate"] = *truncate;
  const auto task = either(text_member(asked, "task_type"), input.task_type);
  if (!task.empty()) config["taskType"] = task;
  const auto title = either(text_member(asked, "title"), input.title);
  if (!title.empty()) config["title"] = title;
  json part{{"text", input.text}};
  body["content"]["parts"] = json::array({std::move(part)});
  if (!config.empty()) body["embedContentConfig"] = std::move(config);
  return true;
}

bool embeddings_openai_to_vertex::build_embeddings(const json& asked,
                                                   const backend_view& /*backend*/,
                                                   upstream_request& out) {
  constexpr std::array<std::string_view, 7> carried{
      "model", "input", "encoding_format", "dimensions", "task_type", "title", "auto_truncate"};
  drop_uncarried(asked, carried);
  is_embed_content_ = has_embed_content(model());
  json body;
  if (!is_embed_content_)
    body = predict(asked);
  else if (!embed_content(asked, body))
    return false;
  // Project and region stand before it; credentials know them.
  out.target = "publishers/google/models/" + codec::path_escape(model()) +
               (is_embed_content_ ? ":embedContent" : ":predict");
  out.body = dump_json(body);
  return true;
}

bool embeddings_openai_to_vertex::add_predictions(std::string_view predictions) {
  codec::json_reader reader{predictions};
  if (reader.kind() != codec::json_kind::array) return false;
  std::optional<std::uint64_t> tokens;
  while (reader.next()) {
    const auto found = codec::find_member(reader.value().text, "embeddings");
    const auto values = found ? codec::find_member(found->text, "values") : std::nullopt;
    if (!values) return false;
    bool is_truncated = false;
    if (const auto statistics = codec::find_member(found->text, "statistics")) {
      if (const auto count = count_member(statistics->text, "token_count"))
        tokens = tokens.value_or(0) + *count;
      const auto truncated = codec::find_member(statistics->text, "truncated");
      is_truncated = truncated && truncated->text == "true";
    }
    if (!add_vector(values->text, is_truncated)) return false;
  }
  set_usage(tokens, tokens);
  return !reader.failure();
}

std::string embeddings_openai_to_vertex::answer(const codec::response_head& /*head*/,
                                                std::string_view body) {
  if (!is_embed_content_) {
    const auto predictions = codec::find_member(body, "predictions");
    if (!predictions || !add_predictions(predictions->text)) return broken("embedding");
    return finish_answer();
  }
  const auto found = codec::find_member(body, "embedding");
  const auto values = found ? codec::find_member(found->text, "values") : std::nullopt;
  const auto truncated = codec::find_member(body, "truncated");
  if (!values || !add_vector(values->text, truncated && truncated->text == "true"))
    return broken("embedding");
  if (const auto usage = codec::find_member(body, "usageMetadata")) {
    const auto tokens = count_member(usage->text, "promptTokenCount");
    set_usage(tokens, tokens);
  }
  return finish_answer();
}

}  // namespace

std::unique_ptr<translator> make_embeddings_openai_to_vertex(operation /*op*/) {
  return std::make_unique<embeddings_openai_to_vertex>();
}

}  // namespace understudy::translate
