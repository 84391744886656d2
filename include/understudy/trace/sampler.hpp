#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include <understudy/trace/context.hpp>

namespace understudy::trace {

/// OTEL_TRACES_SAMPLER: which requests are recorded. The same trace gets the same answer from
/// every service that samples by its id at the same ratio.
class sampler {
 public:
  enum class kind : std::uint8_t { always_on, always_off, by_ratio };

  sampler() = default;
  /// `ratio` in [0, 1] is for `by_ratio`; `follows_parent`: a client's own decision wins.
  sampler(kind root, double ratio, bool follows_parent);

  bool is_sampled(const trace_id& trace, const std::optional<span_context>& parent) const;

 private:
  kind root_ = kind::always_on;
  bool follows_parent_ = true;
  std::uint64_t bound_ = 0;
};

/// `parentbased_traceidratio` and its five like; nothing for other names.
std::optional<sampler> sampler_named(std::string_view name, double ratio);
/// True for those that read OTEL_TRACES_SAMPLER_ARG.
bool is_by_ratio(std::string_view name);

}  // namespace understudy::trace
