#include "translate/count_tokens_path.hpp"
#include "translate/small_operation.hpp"
#include "translate/translators.hpp"

/// Anthropic's count_tokens at Bedrock (CountTokens with an InvokeModel body) and at Vertex AI
/// (spec/gateway-config.md §4.1).
namespace understudy::translate {
namespace {

/// Bedrock checks the body as if it were to be run: it wants a limit, above any thinking budget.
json least_max_tokens(const json& asked) {
  if (const json* thinking = member(asked, "thinking"))
    if (const json* budget = member(*thinking, "budget_tokens");
        budget != nullptr && budget->is_number_unsigned() && *budget < 1'000'000'000)
      return budget->get<std::uint64_t>() + 1;
  return 1;
}

class count_tokens_to_cloud final : public small_operation {
 public:
  explicit count_tokens_to_cloud(bool is_aws)
      : small_operation{operation::count_tokens}, is_aws_{is_aws} {}

 private:
  bool build(const json& asked, const request_view& original, const backend_view& backend,
             upstream_request& out) override {
    json body = asked;
    body.erase("stream");
    if (!is_aws_) {
      body["anthropic_version"] = vertex_anthropic_version(backend.version);
      body["model"] = without_alias(model());
      out.target = vertex_anthropic_count_path;
      out.body = dump_json(body);
      return true;
    }
    body.erase("model");
    // A backend of Bedrock's own schema has no version of Anthropic's.
    const bool has_version = backend.target_schema == schema::aws_anthropic;
    body["anthropic_version"] =
        bedrock_anthropic_version(has_version ? backend.version : std::string_view{});
    if (member(body, "max_tokens") == nullptr) body["max_tokens"] = least_max_tokens(asked);
    const auto* fields = original.fields;
    if (fields != nullptr && fields->find("anthropic-beta")) drop("anthropic-beta");
    out.target = bedrock_count_path(model());
    out.body = bedrock_count_body(dump_json(body));
    return true;
  }

  std::string answer(const codec::response_head& /*head*/, std::string_view body) override {
    const auto count = count_member(body, is_aws_ ? "inputTokens" : "input_tokens");
    if (!count) return broken("count");
    return R"({"input_tokens":)" + std::to_string(*count) + "}";
  }

  bool is_aws_;
};

}  // namespace

std::unique_ptr<translator> make_count_tokens_to_aws(operation /*op*/) {
  return std::make_unique<count_tokens_to_cloud>(true);
}

std::unique_ptr<translator> make_count_tokens_to_gcp(operation /*op*/) {
  return std::make_unique<count_tokens_to_cloud>(false);
}

}  // namespace understudy::translate
