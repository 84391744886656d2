#pragma once
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <understudy/telemetry/histogram.hpp>

namespace understudy::telemetry {

enum class metric_type : std::uint8_t { counter, gauge, histogram };

using label = std::pair<std::string_view, std::string_view>;
using labels = std::initializer_list<label>;
using label_span = std::span<const label>;

/// Writes metric families in the Prometheus text format 0.0.4 or in OpenMetrics 1.0.
/// All samples of a family follow its family() call.
class exposition {
 public:
  explicit exposition(bool is_openmetrics) : is_openmetrics_{is_openmetrics} {}

  /// `name` without `_total`, which counters get by themselves.
  void family(std::string_view name, metric_type type, std::string_view help);
  void sample(labels with, std::uint64_t value);
  void sample(labels with, std::int64_t value);
  void sample(labels with, double value);
  void sample(labels with, const histogram& value);

  /// What bounds and sum are in.
  enum class unit : std::uint8_t {
    tokens,   ///< both whole numbers
    seconds,  ///< bounds in microseconds, sum in nanoseconds
  };
  /// A histogram with bounds of its own; `counts` has one more, for everything above.
  void sample(label_span with, std::span<const std::uint64_t> counts,
              std::span<const std::uint64_t> bounds, std::uint64_t sum, unit in);

  /// Ends the page; the object must not be used afterwards.
  std::string finish();

  static std::string_view content_type(bool is_openmetrics);
  /// True where an Accept header prefers OpenMetrics to the text format.
  static bool is_openmetrics_wanted(std::string_view accept);

 private:
  void begin(std::string_view suffix, label_span with, std::string_view bound = {});
  void begin(std::string_view suffix, labels with, std::string_view bound = {}) {
    begin(suffix, label_span{with.begin(), with.size()}, bound);
  }

  bool is_openmetrics_;
  metric_type type_ = metric_type::gauge;
  std::string name_;
  std::string out_;
};

}  // namespace understudy::telemetry
