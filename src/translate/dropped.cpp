#include "translate/dropped.hpp"

#include <algorithm>
#include <array>

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

/// A seed of 0 is a seed; a penalty of 0 is none.
bool is_worth_telling(std::string_view name, const json& value) {
  return name.ends_with("_penalty") ? is_asked_for(value) : asks_for_something(value);
}

}  // namespace

bool asks_for_something(const json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return true;
  return value.is_string() ? !view_of(value).empty() : !value.empty();
}

bool is_asked_for(const json& value) {
  return value.is_number() ? value.get<double>() != 0 : asks_for_something(value);
}

bool is_asked_for(const json& object, const char* name) {
  const json* found = member(object, name);
  return found != nullptr && is_asked_for(*found);
}

void add_dropped(std::vector<std::string>& dropped, std::string_view name) {
  if (!is_plain(name) || dropped.size() >= max_names) name = "other";
  if (std::ranges::find(dropped, name) == dropped.end()) dropped.emplace_back(name);
}

void add_uncarried(std::vector<std::string>& dropped, const json& object,
                   std::span<const std::string_view> carried) {
  if (!object.is_object()) return;
  for (const auto& [name, value] : object.items())
    if (std::ranges::find(carried, name) == carried.end() && is_worth_telling(name, value))
      add_dropped(dropped, name);
}

void add_uncarried_of_tool(std::vector<std::string>& dropped, const json& tool) {
  constexpr std::array<std::string_view, 6> carried{"name",         "description", "type",
                                                    "input_schema", "strict",      "cache_control"};
  for (const auto& [name, value] : tool.items())
    if (!value.is_null() && std::ranges::find(carried, name) == carried.end())
      add_dropped(dropped, "tools." + name);
}

}  // namespace understudy::translate
