#include "config/shared_fields.hpp"

#include <algorithm>

#include <understudy/base/ascii.hpp>

#include "config/scalars.hpp"

namespace understudy::config {
namespace {

constexpr std::array<std::string_view, 1> gateway_only{"Gateway"};
constexpr std::array<std::string_view, 1> gateway_group_only{gateway_group};
constexpr number_rules optional_port_rules{.min = 1, .max = 65'535};

void read_target(object_reader& in, std::span<const target_kind_name> kinds, target_ref& out) {
  std::vector<std::string_view> names;
  for (const auto& k : kinds) names.push_back(k.kind);
  out.at = in.at();
  out.field = in.path();
  in.text("kind", out.kind,
          {.is_required = true, .hint = "the kind of the target", .choices = names});
  const auto known = std::ranges::find(kinds, out.kind.value, &target_kind_name::kind);
  const auto group = known == kinds.end() ? kinds.front().group : known->group;
  const std::array<std::string_view, 1> groups{group};
  in.text("group", out.group,
          {.is_required = true,
           .hint = group,
           .choices = known == kinds.end() ? std::span<const std::string_view>{} : groups,
           .is_empty_allowed = group.empty()});
  in.text("name", out.name,
          {.is_required = true, .hint = "the target's name", .check = check_object_name});
  in.text("sectionName", out.section, {.check = check_label});
}

/// Names that understudy never lets a mutation touch (spec/gateway-config.md §1.7).
void warn_ignored_name(object_reader& in, const located<std::string>& name) {
  const auto lower = base::lower(name.value);
  if (lower.starts_with("x-ai-eg-") || lower == "x-envoy-original-path")
    in.warning(name.at, "", "`" + lower + "` belongs to the gateway and is left alone; remove it");
}

void check_unique(object_reader& in, std::string_view key, const std::vector<name_value>& list) {
  for (std::size_t i = 1; i < list.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!list[i].name.value.empty() && base::iequals(list[i].name.value, list[j].name.value)) {
        in.error(list[i].name.at, key,
                 "`" + list[i].name.value + "` is set twice; remove one of the two");
        break;
      }
}

}  // namespace

void read_parents(object_reader& in, std::string_view key, std::vector<target_ref>& out) {
  in.list(key,
          [&](object_reader& item) {
            auto& ref = out.emplace_back();
            ref.at = item.at();
            ref.field = item.path();
            item.text("group", ref.group, {.choices = gateway_group_only});
            item.text("kind", ref.kind, {.choices = gateway_only});
            item.text(
                "name", ref.name,
                {.is_required = true, .hint = "the Gateway's name", .check = check_object_name});
            item.text("namespace", ref.name_space, {.check = check_label});
            item.text("sectionName", ref.section, {.check = check_object_name});
            item.number("port", ref.port, optional_port_rules);
          },
          {.max = 16});
}

void read_targets(object_reader& in, std::span<const target_kind_name> kinds,
                  std::vector<target_ref>& out) {
  const auto before = in.shared().errors;
  in.list("targetRefs", [&](object_reader& item) { read_target(item, kinds, out.emplace_back()); },
          {.max = 16});
  in.object("targetRef",
            [&](object_reader& item) { read_target(item, kinds, out.emplace_back()); });
  in.not_acting({"targetSelectors"});
  if (out.empty() && in.shared().errors == before && !in.has("targetSelectors"))
    in.error(in.at(), "targetRefs", "required field is missing; write what the policy is for");
}

void read_object_ref(object_reader& in, object_ref& out) {
  out.at = in.at();
  in.text("group", out.group, {.is_empty_allowed = true});
  in.text("kind", out.kind);
  in.text("name", out.name,
          {.is_required = true, .hint = "the object's name", .check = check_object_name});
  in.text("namespace", out.name_space, {.check = check_label});
}

void read_certificate_ref(object_reader& in, object_ref& out,
                          std::span<const std::string_view> kinds) {
  static constexpr std::array<std::string_view, 2> core{"", "core"};
  out.at = in.at();
  in.text("group", out.group, {.choices = core, .is_empty_allowed = true});
  in.text("kind", out.kind, {.choices = kinds});
  in.text("name", out.name,
          {.is_required = true, .hint = "the object's name", .check = check_object_name});
  in.text("namespace", out.name_space, {.check = check_label});
}

void read_header_match(object_reader& in, header_match_spec& out) {
  in.text("type", out.type, {.choices = match_types});
  in.text("name", out.name,
          {.is_required = true,
           .hint = "the header's name",
           .max_length = 256,
           .check = check_header_name});
  in.text("value", out.value, {.is_required = true, .hint = "the value to match"});
}

void check_unique_names(object_reader& in, std::string_view key,
                        const std::vector<header_match_spec>& matches) {
  for (std::size_t i = 1; i < matches.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!matches[i].name.value.empty() &&
          base::iequals(matches[i].name.value, matches[j].name.value)) {
        in.error(matches[i].name.at, key,
                 "`" + matches[i].name.value +
                     "` is matched twice; remove one, or use a RegularExpression");
        break;
      }
}

void read_fields(object_reader& in, header_mutation_spec& out) {
  in.list("set",
          [&](object_reader& item) {
            auto& pair = out.set.emplace_back();
            item.text(
                "name", pair.name,
                {.is_required = true, .hint = "the header's name", .check = check_header_name});
            item.text("value", pair.value, {.is_empty_allowed = true});
            warn_ignored_name(item, pair.name);
          },
          {.max = 16});
  check_unique(in, "set", out.set);
  in.texts("remove", out.remove, {.max = 16}, {.check = check_header_name});
  for (const auto& name : out.remove) warn_ignored_name(in, name);
}

void read_fields(object_reader& in, body_mutation_spec& out) {
  in.list("set",
          [&](object_reader& item) {
            auto& pair = out.set.emplace_back();
            item.text("path", pair.name, {.is_required = true, .hint = "the field's name"});
            item.text("value", pair.value,
                      {.is_required = true,
                       .hint = "JSON as text",
                       .max_length = 65'536,
                       .is_empty_allowed = true});
          },
          {.max = 16});
  check_unique(in, "set", out.set);
  in.texts("remove", out.remove, {.max = 16}, {.is_required = true, .hint = "the field's name"});
}

void read_hostnames(object_reader& in, std::vector<located<std::string>>& out) {
  in.texts("hostnames", out, {.max = 16}, {.check = check_hostname_pattern});
}

}  // namespace understudy::config
