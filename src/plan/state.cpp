#include "plan/state.hpp"

#include <algorithm>

#include <understudy/config/suggest.hpp>

namespace understudy::plan {

void notes::add(config::severity level, const config::position& at,
                const config::object_header& object, std::string field, std::string message) {
  config::finding made{level,          std::string{at.file}, at.line,           at.column,
                       object.label(), std::move(field),     std::move(message)};
  if (said_.insert(to_text(made)).second) out_.push_back(std::move(made));
}

source_position place(const config::position& at) {
  return {std::string{at.file}, at.line, at.column};
}

std::string remedy(std::string_view name, std::span<const std::string_view> known,
                   std::string_view otherwise) {
  const auto near = config::nearest(name, known);
  return near.empty() ? std::string{otherwise} : "did you mean `" + near + "`?";
}

bool is_granted(const config::documents& in, std::string_view from_kind,
                std::string_view from_space, std::string_view to_kind, std::string_view to_space) {
  if (from_space == to_space) return true;
  return std::ranges::any_of(in.grants, [&](const config::reference_grant& grant) {
    return grant.header.name_space == to_space &&
           std::ranges::any_of(grant.from,
                               [&](const config::grant_peer& peer) {
                                 return peer.kind.value == from_kind &&
                                        peer.name_space.value == from_space;
                               }) &&
           std::ranges::any_of(grant.to, [&](const config::grant_peer& peer) {
             return peer.kind.value == to_kind;
           });
  });
}

}  // namespace understudy::plan
