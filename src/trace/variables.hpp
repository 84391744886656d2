#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <understudy/trace/settings.hpp>

namespace understudy::trace {

/// Reads variables of the environment by OpenTelemetry's rules for each type; what can't be read
/// is a warning and as if unset.
class variables {
 public:
  variables(const environment& look_up, std::vector<std::string>& warnings)
      : look_up_{look_up}, warnings_{warnings} {}

  /// Without white space around it; empty: unset.
  std::string text(const std::string& name) const;
  /// That of the first name that is set.
  std::string first_of(const std::string& name, const std::string& otherwise) const;
  bool flag(const std::string& name);
  std::optional<bool> written_flag(const std::string& name);
  std::optional<std::uint64_t> number(const std::string& name);
  void read(const std::string& name, std::chrono::milliseconds& into);
  /// At least 1.
  void read(const std::string& name, std::size_t& into);
  std::optional<double> ratio(const std::string& name);
  /// `key=value,…`, values percent-decoded.
  std::vector<std::pair<std::string, std::string>> pairs(const std::string& name,
                                                         const std::string& value);

  void warn(std::string text) { warnings_.push_back(std::move(text)); }
  const environment& raw() const { return look_up_; }

 private:
  const environment& look_up_;
  std::vector<std::string>& warnings_;
};

std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace understudy::trace
