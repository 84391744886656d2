#include "translate/same_schema.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

class anthropic_to_anthropic final : public same_schema {
 public:
  using same_schema::same_schema;

 private:
  std::string target(std::string_view /*model*/, const request_view& /*original*/,
                     const backend_view& backend) const override {
    // The counting path knows no prefix (spec/gateway-config.md §4.1).
    if (op() == operation::count_tokens) return "/v1/messages/count_tokens";
    return join_path(backend.prefix, "messages");
  }
};

}  // namespace

std::unique_ptr<translator> make_anthropic_to_anthropic(operation op) {
  return std::make_unique<anthropic_to_anthropic>(op);
}

}  // namespace understudy::translate
