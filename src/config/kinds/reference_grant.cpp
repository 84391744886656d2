#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {
namespace {

void read_peer(object_reader& in, grant_peer& out, bool is_source) {
  in.text("group", out.group, {.is_empty_allowed = true});
  in.text("kind", out.kind, {.is_required = true, .hint = "the kind"});
  if (is_source)
    in.text("namespace", out.name_space,
            {.is_required = true, .hint = "the namespace that may refer", .check = check_label});
  else
    in.text("name", out.name, {.check = check_object_name});
}

}  // namespace

object_header& read_reference_grant(object_reader& root, object_header header,
                                    kind_context& context) {
  auto& out = context.out.grants.emplace_back();
  out.header = std::move(header);
  root.object(
      "spec",
      [&](object_reader& spec) {
        spec.list("from", [&](object_reader& in) { read_peer(in, out.from.emplace_back(), true); },
                  {.is_required = true, .min = 1, .max = 16, .hint = "who may refer"});
        spec.list("to", [&](object_reader& in) { read_peer(in, out.to.emplace_back(), false); },
                  {.is_required = true, .min = 1, .max = 16, .hint = "what may be referred to"});
      },
      true);
  return out.header;
}

}  // namespace understudy::config
