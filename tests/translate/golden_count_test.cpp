#include <algorithm>
#include <array>

#include "catch.hpp"
#include "golden.hpp"

/// What the project promises of its pairs: each that translates has golden cases, and enough.
namespace understudy::translate {
namespace {

using enum operation;

struct pair_row {
  operation op;
  schema target;
  const char* folder;
};

constexpr std::array with_cases{
    pair_row{chat_completions, schema::anthropic, "chat_completions/anthropic"},
    pair_row{chat_completions, schema::aws_anthropic, "chat_completions/aws_anthropic"},
    pair_row{chat_completions, schema::aws_bedrock, "chat_completions/aws_bedrock"},
    pair_row{chat_completions, schema::gcp_anthropic, "chat_completions/gcp_anthropic"},
    pair_row{chat_completions, schema::gcp_vertex_ai, "chat_completions/gcp_vertex_ai"},
    pair_row{completions, schema::anthropic, "completions/anthropic"},
    pair_row{completions, schema::aws_bedrock, "completions/aws_bedrock"},
    pair_row{count_tokens, schema::aws_anthropic, "count_tokens/aws_anthropic"},
    pair_row{count_tokens, schema::aws_bedrock, "count_tokens/aws_bedrock"},
    pair_row{count_tokens, schema::gcp_anthropic, "count_tokens/gcp_anthropic"},
    pair_row{embeddings, schema::aws_bedrock, "embeddings/aws_bedrock"},
    pair_row{embeddings, schema::cohere, "embeddings/cohere"},
    pair_row{embeddings, schema::gcp_vertex_ai, "embeddings/gcp_vertex_ai"},
    pair_row{generic_rerank, schema::aws_bedrock, "generic_rerank/aws_bedrock"},
    pair_row{generic_rerank, schema::cohere, "generic_rerank/cohere"},
    pair_row{messages, schema::aws_anthropic, "messages/aws_anthropic"},
    pair_row{messages, schema::aws_bedrock, "messages/aws_bedrock"},
    pair_row{messages, schema::gcp_anthropic, "messages/gcp_anthropic"},
    pair_row{messages, schema::gcp_vertex_ai, "messages/gcp_vertex_ai"},
    pair_row{messages, schema::openai, "messages/openai"},
    pair_row{rerank, schema::aws_bedrock, "rerank/aws_bedrock"},
    pair_row{rerank, schema::openai, "rerank/openai"},
    pair_row{responses, schema::aws_bedrock, "responses/aws_bedrock"},
    pair_row{responses, schema::openai, "responses/openai_chat"},
    pair_row{tokenize, schema::anthropic, "tokenize/anthropic"},
    pair_row{tokenize, schema::aws_anthropic, "tokenize/aws_anthropic"},
    pair_row{tokenize, schema::aws_bedrock, "tokenize/aws_bedrock"},
    pair_row{tokenize, schema::gcp_anthropic, "tokenize/gcp_anthropic"},
    pair_row{tokenize, schema::gcp_vertex_ai, "tokenize/gcp_vertex_ai"},
};

struct chained_row {
  operation op;
  schema target;
};

/// Two pairs with cases of their own, one behind the other, and nothing between them: the outer
/// one's stand with another target above.
constexpr std::array chained{
    chained_row{completions, schema::aws_anthropic},
    chained_row{completions, schema::gcp_anthropic},
    chained_row{completions, schema::gcp_vertex_ai},
    chained_row{messages, schema::azure_openai},
    chained_row{messages, schema::aws_openai},
    chained_row{responses, schema::anthropic},
    chained_row{responses, schema::aws_anthropic},
    chained_row{responses, schema::gcp_anthropic},
    chained_row{responses, schema::gcp_vertex_ai},
};

/// Those that most translated requests go to.
bool is_great(const pair_row& row) {
  return row.op == chat_completions &&
         (row.target == schema::aws_bedrock || row.target == schema::anthropic ||
          row.target == schema::gcp_vertex_ai);
}

bool speaks_the_same(operation op, schema target) {
  if (is_passthrough(op)) return true;
  if (is_anthropic(op)) return target == schema::anthropic;
  if (op == rerank) return target == schema::cohere;
  return target == schema::openai || target == schema::azure_openai || target == schema::aws_openai;
}

template <class Rows>
bool names(const Rows& rows, operation op, schema target) {
  return std::ranges::any_of(rows,
                             [&](const auto& row) { return row.op == op && row.target == target; });
}

TEST_CASE("every pair has as many golden cases as are promised", "[golden]") {
  for (const auto& row : with_cases) {
    CAPTURE(row.folder);
    CHECK(find(row.op, row.target) != nullptr);
    CHECK(translate_test::golden_cases(row.folder).size() >= (is_great(row) ? 30U : 12U));
  }
}

TEST_CASE("no pair that translates is without golden cases", "[golden]") {
  std::size_t found = 0;
  for (int op = 0; op < static_cast<int>(unknown); ++op)
    for (int id = 0; id <= static_cast<int>(schema::aws_openai); ++id) {
      const auto one = static_cast<operation>(op);
      const auto target = static_cast<schema>(id);
      CAPTURE(name(one), name(target));
      const bool is_known = names(with_cases, one, target) || names(chained, one, target);
      if (find(one, target) == nullptr) {
        CHECK(!is_known);
        continue;
      }
      ++found;
      CHECK((is_known || speaks_the_same(one, target)));
    }
  CHECK(found >= with_cases.size() + chained.size());
}

}  // namespace
}  // namespace understudy::translate
