#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <understudy/telemetry/exposition.hpp>
#include <understudy/telemetry/header_attributes.hpp>

namespace understudy::telemetry {

/// Fields of a client's head as labels. A value becomes one with the first answer to a request that
/// has it; anything else is `other`, and so is what is beyond the bounds or no UTF-8. Sets of
/// values are texts: each value of the labels in their order, ended by a line's end, which no
/// header field holds. The empty text: no value at all. No locks.
class header_labels {
 public:
  static constexpr std::size_t max_values = 64;  ///< of a label
  static constexpr std::size_t max_bytes = 96;   ///< of a value
  static constexpr std::size_t max_sets = 1'000;

  header_labels() = default;
  explicit header_labels(const header_attributes& from);

  bool empty() const { return labels_.empty(); }
  /// What a request says; good until the next call.
  std::string_view read(const codec::field_list* fields);
  /// The same as labels, for as long as this lives.
  std::string_view labels_of(std::string_view said, bool is_answered);
  /// A set of another worker's, which has been bounded there.
  std::string_view keep(std::string_view set);
  /// Every label `other`.
  std::string_view others() const { return others_; }
  bool has_values(std::string_view set) const { return !set.empty() && set != others_; }
  void append(std::vector<label>& to, std::string_view set) const;

 private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using text_set = std::unordered_set<std::string, text_hash, std::equal_to<>>;
  struct header_label {
    std::string name;
    std::vector<std::string> headers;  ///< the first that a request has
    text_set values;
  };

  static std::string_view value_of(header_label& at, std::string_view said, bool is_answered);

  std::vector<header_label> labels_;
  text_set sets_;
  std::string_view others_;  ///< one of them
  std::string said_, told_;
};

}  // namespace understudy::telemetry
