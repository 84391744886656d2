#include "translate/same_schema.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

/// Paths that are no operation of ours (plain HTTPRoutes): nothing is changed, errors included.
class verbatim final : public same_schema {
 public:
  using same_schema::same_schema;

  response_plan head(const codec::response_head& /*head*/, base::wall_time /*now*/) override {
    return {};
  }
  void abort(std::string_view /*message*/, std::string& /*out*/) override {}

 private:
  std::string target(std::string_view /*model*/, const request_view& original,
                     const backend_view& /*backend*/) const override {
    return std::string{original.target};
  }
  bool has_model_in_body() const override { return false; }
};

}  // namespace

std::unique_ptr<translator> make_verbatim(operation op) { return std::make_unique<verbatim>(op); }

}  // namespace understudy::translate
