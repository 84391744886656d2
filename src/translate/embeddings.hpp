#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "translate/small_operation.hpp"

/// What OpenAI's embeddings over other vendors share (spec/gateway-config.md §4.5).
///
/// Inputs are texts, or AIGW's objects `{content, task_type?, title?}`. Tokens are refused: another
/// vendor's model has another tokenizer. `encoding_format: base64` is honoured here, because none
/// of the vendors writes what OpenAI does: little-endian 32-bit floats.
namespace understudy::translate {

struct embedding_input {
  std::string_view text, task_type, title;
};

class embeddings_operation : public small_operation {
 public:
  using small_operation::small_operation;

 protected:
  bool build(const json& asked, const request_view& original, const backend_view& backend,
             upstream_request& out) final;
  virtual bool build_embeddings(const json& asked, const backend_view& backend,
                                upstream_request& out) = 0;

  const std::vector<embedding_input>& inputs() const { return inputs_; }
  std::optional<std::int64_t> dimensions() const { return dimensions_; }
  json texts() const;
  /// One text alone, for models that take no more.
  bool check_single(std::string_view family);

  /// Takes one vector, a JSON array of numbers, into the answer. False: it is none.
  bool add_vector(std::string_view array, bool is_truncated = false);
  /// Takes a list of vectors.
  bool add_vectors(std::string_view arrays);
  /// The answer, where there are as many vectors as inputs.
  std::string finish_answer();

 private:
  bool read_input(const json& input);
  bool read_item(const json& item);
  bool read_format(const json& asked);

  std::vector<embedding_input> inputs_;
  std::optional<std::int64_t> dimensions_;
  bool is_base64_ = false;
  std::size_t count_ = 0;
  std::string data_;
};

/// 32-bit floats of a JSON array of numbers, little-endian; nothing where it is none.
std::optional<std::string> float_bytes(std::string_view array);

}  // namespace understudy::translate
