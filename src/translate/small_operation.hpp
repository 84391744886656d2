#pragma once
#include <string>
#include <string_view>

#include <understudy/translate/translator.hpp>

#include "translate/dropped.hpp"
#include "translate/json.hpp"

/// Base of the translators of operations without streams (embeddings, rerank, counting): one JSON
/// object there, one back. A pair says what the two are.
namespace understudy::translate {

class small_operation : public translator {
 public:
  explicit small_operation(operation op) : op_{op} {}

  base::result<upstream_request, refusal> request(const request_view& original,
                                                  const backend_view& backend) final;
  response_plan head(const codec::response_head& head, base::wall_time now) final;
  bool feed(std::string_view /*bytes*/, std::string& /*out*/) final { return false; }
  bool finish(std::string& /*out*/) final { return false; }
  void abort(std::string_view /*message*/, std::string& /*out*/) final {}
  base::result<reply, refusal> whole(const codec::response_head& head, std::string_view body) final;
  token_usage usage() const final { return usage_; }

 protected:
  /// Fills target and body. False after refuse().
  virtual bool build(const json& asked, const request_view& original, const backend_view& backend,
                     upstream_request& out) = 0;
  /// The client's answer of a 2xx whose body is JSON; empty after refuse().
  virtual std::string answer(const codec::response_head& head, std::string_view body) = 0;

  bool refuse(std::string message, int status = 422);
  /// What the provider has no words for: left out and told where the backend may, else refused.
  bool lose(std::string_view name, std::string message);
  void drop_uncarried(const json& object, std::span<const std::string_view> carried) {
    losses_.drop_uncarried(object, carried);
  }
  void drop(std::string_view name) { losses_.drop(name); }
  /// An answer without what it must hold.
  std::string broken(std::string_view what);
  void set_usage(std::optional<std::uint64_t> input, std::optional<std::uint64_t> total);

  operation op() const { return op_; }
  const std::string& model() const { return model_; }  ///< the override, or the client's

 private:
  operation op_;
  std::string model_;
  loss_ledger losses_{false};
  refusal refusal_;
  token_usage usage_;
};

/// A number that is a count, or nothing.
std::optional<std::uint64_t> count_member(std::string_view object, std::string_view name);
/// The same of a field of a head.
std::optional<std::uint64_t> count_field(const codec::response_head& head, std::string_view name);

/// True where `coding` of the answer leaves its bytes readable.
bool is_readable(const codec::response_head& head);

}  // namespace understudy::translate
