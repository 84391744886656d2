#pragma once
#include <array>
#include <string_view>
#include <vector>

#include <understudy/config/kinds/common.hpp>

#include "config/object_reader.hpp"

/// Field groups that several kinds share.
namespace understudy::config {

inline constexpr std::string_view gateway_group = "gateway.networking.k8s.io";
inline constexpr std::string_view envoy_group = "gateway.envoyproxy.io";
inline constexpr std::string_view ai_group = "aigateway.envoyproxy.io";

inline constexpr std::array<std::string_view, 9> schema_names{
    "OpenAI",       "Cohere",    "AWSBedrock",   "AzureOpenAI", "GCPVertexAI",
    "GCPAnthropic", "Anthropic", "AWSAnthropic", "AWSOpenAI"};
inline constexpr std::array<std::string_view, 2> match_types{"Exact", "RegularExpression"};

/// `parentRefs` of a route: Gateways only.
void read_parents(object_reader& in, std::string_view key, std::vector<target_ref>& out);
/// `targetRefs` and `targetRef` of a policy. `kinds` are those it may name, the first is written
/// in suggestions; `group_of` gives each kind's group.
struct target_kind_name {
  std::string_view kind;
  std::string_view group;
};
void read_targets(object_reader& in, std::span<const target_kind_name> kinds,
                  std::vector<target_ref>& out);
/// A reference inside a list or object; group and kind as written.
void read_object_ref(object_reader& in, object_ref& out);
/// Like it, for certificates: ConfigMap or Secret of the core group.
void read_certificate_ref(object_reader& in, object_ref& out,
                          std::span<const std::string_view> kinds);

void read_header_match(object_reader& in, header_match_spec& out);
/// Tells header names that occur twice.
void check_unique_names(object_reader& in, std::string_view key,
                        const std::vector<header_match_spec>& matches);

void read_fields(object_reader& in, header_mutation_spec& out);
void read_fields(object_reader& in, body_mutation_spec& out);
void read_hostnames(object_reader& in, std::vector<located<std::string>>& out);

}  // namespace understudy::config
