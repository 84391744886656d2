#include <algorithm>
#include <array>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/text.hpp>

#include "translate/same_schema.hpp"
#include "translate/small_operation.hpp"
#include "translate/translators.hpp"

/// Reranking between Cohere's v2, what vLLM, Jina and others have at `/rerank` of their OpenAI
/// prefix, and InvokeModel with Cohere's or Amazon's models ("Use a reranker model in Amazon
/// Bedrock"). The three differ in the documents that come back and in how usage is told.
namespace understudy::translate {
namespace {

class rerank_translator final : public small_operation {
 public:
  rerank_translator(operation op, schema target) : small_operation{op}, target_{target} {}

 private:
  bool build(const json& asked, const request_view& original, const backend_view& backend,
             upstream_request& out) override;
  std::string answer(const codec::response_head& head, std::string_view body) override;

  bool is_generic() const { return op() == operation::generic_rerank; }
  bool read_documents(const json& asked);
  bool add_top_n(const json& asked, json& body);
  void add_usage(const codec::response_head& head, const json& given, json& out);
  std::optional<json> results_of(const json& given) const;

  schema target_;
  std::vector<std::string> documents_;
  bool has_documents_ = false;  ///< wanted in the answer
};

bool rerank_translator::read_documents(const json& asked) {
  const json* documents = member(asked, "documents");
  if (documents == nullptr || !documents->is_array())
    return refuse("`documents` is not a list", 400);
  if (documents->empty()) return refuse("`documents` is empty", 400);
  for (const auto& document : *documents) {
    const json* text = document.is_string() ? &document : member(document, "text");
    if (text == nullptr || !text->is_string())
      return refuse("documents other than texts are not supported by this backend");
    documents_.emplace_back(view_of(*text));
  }
  return true;
}

bool rerank_translator::add_top_n(const json& asked, json& body) {
  const json* top_n = member(asked, "top_n");
  if (top_n != nullptr && (!top_n->is_number_integer() || *top_n < 1))
    return refuse("`top_n` is not a positive integer", 400);
  if (target_ != schema::aws_bedrock) {
    if (top_n != nullptr) body["top_n"] = *top_n;
    return true;
  }
  // Amazon's model wants it, and no more than there are.
  const json all = documents_.size();
  body["top_n"] = top_n == nullptr || *top_n > all ? all : *top_n;
  return true;
}

bool rerank_translator::build(const json& asked, const request_view& /*original*/,
                              const backend_view& backend, upstream_request& out) {
  std::vector<std::string_view> carried{"model", "query", "documents", "top_n"};
  if (is_generic()) carried.emplace_back("return_documents");
  if (target_ == schema::cohere) carried.emplace_back("max_tokens_per_doc");
  drop_uncarried(asked, carried);
  const json* query = member(asked, "query");
  if (query == nullptr) return refuse("`query` is missing", 400);
  if (!query->is_string()) return refuse("`query` is no text");
  if (!read_documents(asked)) return false;
  const json* wanted = member(asked, "return_documents");
  has_documents_ = is_generic() && (wanted == nullptr || *wanted != false);

  json body = json::object();
  if (target_ != schema::aws_bedrock) body["model"] = model();
  body["query"] = *query;
  body["documents"] = documents_;
  if (!add_top_n(asked, body)) return false;
  if (const json* limit = member(asked, "max_tokens_per_doc"); target_ == schema::cohere && limit)
    body["max_tokens_per_doc"] = *limit;
  if (target_ == schema::aws_bedrock) {
    if (base::lower(model()).find("amazon.rerank") == std::string::npos) body["api_version"] = 2;
    out.target = "/model/" + codec::path_escape(model()) + "/invoke";
  } else if (target_ == schema::cohere) {
    out.target = join_path(backend.version.empty() ? "v2" : backend.version, "rerank");
  } else {
    out.target = join_path(backend.prefix, "rerank");
  }
  out.body = dump_json(body);
  return true;
}

std::optional<json> rerank_translator::results_of(const json& given) const {
  const json* results = member(given, "results");
  if (results == nullptr || !results->is_array()) return std::nullopt;
  json out = json::array();
  for (const auto& result : *results) {
    const json* index = member(result, "index");
    const json* score = member(result, "relevance_score");
    if (index == nullptr || score == nullptr || !score->is_number() ||
        !index->is_number_unsigned() || *index >= documents_.size())
      return std::nullopt;
    json one{{"index", *index}};
    if (has_documents_) one["document"] = {{"text", documents_[index->get<std::size_t>()]}};
    one["relevance_score"] = *score;
    out.push_back(std::move(one));
  }
  return out;
}

void rerank_translator::add_usage(const codec::response_head& head, const json& given, json& out) {
  const json* meta = member(given, "meta");
  std::optional<std::uint64_t> tokens;
  if (target_ == schema::openai) {
    if (const json* usage = member(given, "usage"))
      tokens = count_member(dump_json(*usage), "total_tokens");
  } else if (meta != nullptr && member(*meta, "tokens") != nullptr) {
    tokens = count_member(dump_json(*member(*meta, "tokens")), "input_tokens");
  } else {
    tokens = count_field(head, "x-amzn-bedrock-input-token-count");
  }
  set_usage(tokens, tokens);
  if (is_generic()) {
    if (tokens) out["usage"] = {{"prompt_tokens", *tokens}, {"total_tokens", *tokens}};
    if (meta != nullptr) out["meta"] = *meta;
    return;
  }
  out["meta"]["api_version"] = {{"version", "2"}};
  if (tokens) out["meta"]["tokens"] = {{"input_tokens", *tokens}};
}

std::string rerank_translator::answer(const codec::response_head& head, std::string_view body) {
  const auto given = parse_json(body);
  auto results = given ? results_of(*given) : std::nullopt;
  if (!results) return broken("results for the documents");
  json out = json::object();
  auto id = text_member(*given, "id");
  if (id.empty()) id = head.fields.find("x-amzn-requestid").value_or("");
  if (!id.empty()) out["id"] = id;
  if (is_generic()) out["model"] = model();
  out["results"] = std::move(*results);
  add_usage(head, *given, out);
  return dump_json(out);
}

}  // namespace

std::unique_ptr<translator> make_rerank_to_bedrock(operation op) {
  return std::make_unique<rerank_translator>(op, schema::aws_bedrock);
}

std::unique_ptr<translator> make_rerank_to_cohere(operation op) {
  return std::make_unique<rerank_translator>(op, schema::cohere);
}

std::unique_ptr<translator> make_rerank_to_openai(operation op) {
  return std::make_unique<rerank_translator>(op, schema::openai);
}

}  // namespace understudy::translate
