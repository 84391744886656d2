#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <understudy/config/position.hpp>

/// What several kinds share. Every struct of a kind holds what was written, with the CRD's
/// defaults as initial values; checks that need a second object are `plan`'s.
namespace understudy::config {

using std::chrono::milliseconds;

struct object_header {
  std::string kind;
  std::string version;  ///< `v1alpha1`
  std::string name;
  std::string name_space = "default";
  bool is_namespace_written = false;
  std::map<std::string, located<std::string>> annotations;
  position at;
  bool is_broken = false;  ///< has errors: cross-checks on it would only repeat them

  std::string id() const { return name_space + "/" + name; }
  std::string label() const { return kind + " " + id(); }
};

/// A reference to a Gateway (`parentRefs`) or to the target of a policy (`targetRefs`).
struct target_ref {
  located<std::string> group, kind, name, name_space, section;
  located<std::uint16_t> port;
  std::string field;  ///< `spec.parentRefs[0]`
  position at;
};

struct object_ref {
  located<std::string> group, kind, name, name_space;
  position at;
};

/// `name` keeps its spelling: the list of models looks at it.
struct header_match_spec {
  located<std::string> type{"Exact"};
  located<std::string> name;
  located<std::string> value;
};

struct name_value {
  located<std::string> name;
  located<std::string> value;
};

struct header_mutation_spec {
  std::vector<name_value> set;
  std::vector<located<std::string>> remove;
};

struct body_mutation_spec {
  std::vector<name_value> set;  ///< `name` is the path
  std::vector<located<std::string>> remove;
};

/// Backend `tls` and the upstream half of BackendTLSPolicy.
struct subject_alt_name {
  located<std::string> type, hostname, uri;
};

}  // namespace understudy::config
