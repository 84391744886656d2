#include "translate/dropped.hpp"

#include <algorithm>

#include <understudy/base/ascii.hpp>

namespace understudy::translate {
namespace {

constexpr std::size_t max_names = 32;
constexpr std::size_t max_name_bytes = 64;

bool is_plain(std::string_view name) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  return !name.empty() && name.size() <= max_name_bytes &&
         name.find_first_not_of(plain) == std::string_view::npos;
}

bool asks_for_something(std::string_view name, const json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  // A seed of 0 is a seed; a penalty of 0 is none.
  if (value.is_number()) return !name.ends_with("_penalty") || value.get<double>() != 0;
  return value.is_string() ? !view_of(value).empty() : !value.empty();
}

}  // namespace

bool is_asked_for(const json& object, const char* name) {
  const json* found = member(object, name);
  if (found == nullptr) return false;
  if (found->is_boolean()) return found->get<bool>();
  if (found->is_number()) return found->get<double>() != 0;
  if (found->is_string()) return !view_of(*found).empty();
  return !found->empty();
}

void add_dropped(std::vector<std::string>& dropped, std::string_view name) {
  if (!is_plain(name) || dropped.size() >= max_names) name = "other";
  if (std::ranges::find(dropped, name) == dropped.end()) dropped.emplace_back(name);
}

void add_uncarried(std::vector<std::string>& dropped, const json& object,
                   std::span<const std::string_view> carried) {
  if (!object.is_object()) return;
  for (const auto& [name, value] : object.items())
    if (std::ranges::find(carried, name) == carried.end() && asks_for_something(name, value))
      add_dropped(dropped, name);
}

}  // namespace understudy::translate
