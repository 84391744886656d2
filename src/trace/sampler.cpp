#include <understudy/trace/sampler.hpp>

namespace understudy::trace {
namespace {

constexpr std::string_view by_parent = "parentbased_";

}  // namespace

sampler::sampler(kind root, double ratio, bool follows_parent)
    : root_{root}, follows_parent_{follows_parent} {
  constexpr double whole = 9223372036854775808.0;  // 2^63, as OpenTelemetry's SDKs compare
  if (ratio >= 1.0) {
    bound_ = std::uint64_t{1} << 63;
  } else if (ratio > 0.0) {
    bound_ = static_cast<std::uint64_t>(ratio * whole);
  }
}

bool sampler::is_sampled(const trace_id& trace, const std::optional<span_context>& parent) const {
  if (follows_parent_ && parent) return parent->is_sampled;
  if (root_ != kind::by_ratio) return root_ == kind::always_on;
  return trace.low >> 1 < bound_;
}

bool is_by_ratio(std::string_view name) {
  if (name.starts_with(by_parent)) name.remove_prefix(by_parent.size());
  return name == "traceidratio";
}

std::optional<sampler> sampler_named(std::string_view name, double ratio) {
  const bool follows_parent = name.starts_with(by_parent);
  const auto root = follows_parent ? name.substr(by_parent.size()) : name;
  if (root == "always_on") return sampler{sampler::kind::always_on, 1.0, follows_parent};
  if (root == "always_off") return sampler{sampler::kind::always_off, 0.0, follows_parent};
  if (root == "traceidratio") return sampler{sampler::kind::by_ratio, ratio, follows_parent};
  return std::nullopt;
}

}  // namespace understudy::trace
