#pragma once
#include <deque>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/config/documents.hpp>
#include <understudy/config/findings.hpp>
#include <understudy/plan/plan.hpp>

/// What the steps of compile() share. One thread; lives for one call.
namespace understudy::plan {

class notes {
 public:
  explicit notes(std::vector<config::finding>& out) : out_(out) {}

  void error(const config::position& at, const config::object_header& object, std::string field,
             std::string message) {
    add(config::severity::error, at, object, std::move(field), std::move(message));
  }
  void warning(const config::position& at, const config::object_header& object, std::string field,
               std::string message) {
    add(config::severity::warning, at, object, std::move(field), std::move(message));
  }
  void info(const config::position& at, const config::object_header& object, std::string field,
            std::string message) {
    add(config::severity::info, at, object, std::move(field), std::move(message));
  }
  void add(config::severity level, const config::position& at, const config::object_header& object,
           std::string field, std::string message);

 private:
  std::vector<config::finding>& out_;
  std::set<std::string> said_;  ///< nothing is said twice
};

struct compile_state {
  const config::documents& in;
  plan& out;
  notes& say;
  std::int64_t created = 0;
  std::deque<config::backend_traffic_policy> merged = {};  ///< made by policy_for()
};

source_position place(const config::position& at);

/// The object of that namespace and name, or null. The first definition wins.
template <class T>
const T* find_object(const std::vector<T>& list, std::string_view name_space,
                     std::string_view name) {
  for (const auto& object : list)
    if (object.header.name == name && object.header.name_space == name_space) return &object;
  return nullptr;
}

/// " did you mean …?" from the names of a kind, for a reference that dangles.
template <class... Lists>
std::vector<std::string_view> names_in(std::string_view name_space, const Lists&... lists) {
  std::vector<std::string_view> out;
  const auto take = [&](const auto& list) {
    for (const auto& object : list)
      if (object.header.name_space == name_space) out.push_back(object.header.name);
  };
  (take(lists), ...);
  return out;
}
/// What to write instead of a name that nothing has.
std::string remedy(std::string_view name, std::span<const std::string_view> known,
                   std::string_view otherwise);

/// ReferenceGrant in `to_space` that lets objects of `from_kind` in `from_space` refer.
bool is_granted(const config::documents& in, std::string_view from_kind,
                std::string_view from_space, std::string_view to_kind, std::string_view to_space);

}  // namespace understudy::plan
