#include <algorithm>

#include "translate/same_schema.hpp"
#include "translate/translators.hpp"

namespace understudy::translate {
namespace {

/// Paths that are no operation of ours (plain HTTPRoutes): nothing is changed, errors included.
class verbatim : public same_schema {
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
  bool has_model_in_body(const request_view& /*original*/) const override { return false; }
};

/// `.` or `..`, in any spelling: it would lead out of the prefix that the backend is given.
bool is_dots(std::string_view segment) {
  std::size_t dots = 0;
  while (!segment.empty()) {
    const std::size_t size = segment.front() == '.' ? 1 : 3;
    if (size == 3 && !base::istarts_with(segment, "%2e")) return false;
    segment.remove_prefix(size);
    ++dots;
  }
  return dots == 1 || dots == 2;
}

bool has_dot_segment(std::string_view target) {
  auto path = target.substr(0, target.find('?'));
  while (!path.empty()) {
    const auto end = std::min(path.find_first_of("/\\"), path.size());
    if (is_dots(path.substr(0, end))) return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

/// Requests of a dialect that the backend speaks, too: the path moves below the backend's prefix,
/// and a model that is named in the body may be overridden. All else stays as it is.
class passthrough final : public verbatim {
 public:
  using verbatim::verbatim;

  base::result<upstream_request, refusal> request(const request_view& original,
                                                  const backend_view& backend) override {
    if (has_dot_segment(original.target))
      return refusal{400, "malformed request: the path has dot segments"};
    return same_schema::request(original, backend);
  }

 private:
  std::string target(std::string_view /*model*/, const request_view& original,
                     const backend_view& backend) const override {
    auto path = original.target;
    if (op() == operation::cohere_other) path.remove_prefix(std::string_view{"/cohere"}.size());
    if (op() == operation::anthropic_other)
      path.remove_prefix(std::string_view{"/anthropic"}.size());
    constexpr std::string_view version = "/v1";
    if (op() == operation::cohere_other || !path.starts_with("/v1/")) return std::string{path};
    auto out = join_path(backend.prefix, {});
    if (out == "/") out.clear();
    return out.append(path.substr(version.size()));
  }
  bool has_model_in_body(const request_view& original) const override {
    return !original.model.empty();
  }
};

}  // namespace

std::unique_ptr<translator> make_verbatim(operation op) { return std::make_unique<verbatim>(op); }
std::unique_ptr<translator> make_passthrough(operation op) {
  return std::make_unique<passthrough>(op);
}

}  // namespace understudy::translate
