#include <understudy/telemetry/header_labels.hpp>

#include <algorithm>

#include <understudy/codec/json_scan.hpp>

namespace understudy::telemetry {
namespace {

constexpr std::string_view other = "other";
constexpr char end_of_value = '\n';

std::string_view take_value(std::string_view& set) {
  const auto end = set.find(end_of_value);
  const auto value = set.substr(0, end);
  set.remove_prefix(end == set.npos ? set.size() : end + 1);
  return value;
}

}  // namespace

header_labels::header_labels(const header_attributes& from) {
  std::string all_other;
  for (const auto& [header, attribute] : from) {
    auto name = label_name(attribute);
    auto known = std::ranges::find(labels_, name, &header_label::name);
    if (known == labels_.end()) {
      known = labels_.insert(labels_.end(), {std::move(name), {}, {}});
      all_other.append(other) += end_of_value;
    }
    known->headers.push_back(header);
  }
  others_ = keep(all_other);
}

std::string_view header_labels::read(const codec::field_list* fields) {
  said_.clear();
  bool has_any = false;
  for (const auto& l : labels_) {
    std::string_view value;
    for (std::size_t i = 0; fields != nullptr && value.empty() && i < l.headers.size(); ++i)
      value = fields->find(l.headers[i]).value_or(std::string_view{});
    said_.append(value.substr(0, max_bytes + 1)) += end_of_value;  // one more: too long
    has_any = has_any || !value.empty();
  }
  return has_any ? std::string_view{said_} : std::string_view{};
}

std::string_view header_labels::value_of(header_label& at, std::string_view said,
                                         bool is_answered) {
  if (said.empty()) return {};
  if (const auto known = at.values.find(said); known != at.values.end()) return *known;
  if (!is_answered || said.size() > max_bytes || at.values.size() >= max_values ||
      !codec::is_utf8(said))
    return other;
  return *at.values.emplace(said).first;
}

std::string_view header_labels::labels_of(std::string_view said, bool is_answered) {
  if (said.empty()) return {};
  told_.clear();
  for (auto& l : labels_) told_.append(value_of(l, take_value(said), is_answered)) += end_of_value;
  if (const auto known = sets_.find(told_); known != sets_.end()) return *known;
  return sets_.size() < max_sets ? keep(told_) : others();
}

std::string_view header_labels::keep(std::string_view set) {
  if (set.empty()) return {};
  if (const auto known = sets_.find(set); known != sets_.end()) return *known;
  return *sets_.emplace(set).first;
}

void header_labels::append(std::vector<label>& to, std::string_view set) const {
  for (const auto& l : labels_)
    if (const auto value = take_value(set); !value.empty()) to.emplace_back(l.name, value);
}

}  // namespace understudy::telemetry
