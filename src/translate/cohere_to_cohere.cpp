#include <understudy/codec/json_scan.hpp>

#include "translate/error_event.hpp"
#include "translate/same_schema.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

class cohere_to_cohere final : public same_schema {
 public:
  using same_schema::same_schema;

 private:
  std::string target(std::string_view /*model*/, const request_view& /*original*/,
                     const backend_view& backend) const override {
    return join_path(backend.version.empty() ? "v2" : backend.version, "rerank");
  }

  std::string wrap_error(int status, std::string_view body) const override {
    std::string out = R"({"message":)";
    codec::append_json_string(out, quoted_error_text(status, body));
    return out + "}";
  }
};

}  // namespace

std::unique_ptr<translator> make_cohere_to_cohere(operation op) {
  return std::make_unique<cohere_to_cohere>(op);
}

}  // namespace understudy::translate
