#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace understudy::config {

/// A field as its reader knows it. Found by letting the reader of a kind ask for everything it
/// reads, so that no second table of the fields exists.
struct field_note {
  std::string path;   ///< `spec.rules[].backendRefs[].weight`
  std::string type;   ///< in words, with its limits or choices
  std::string usual;  ///< what holds where it is not written; empty: nothing, 0 or false
  bool is_required = false;
  bool is_acting = true;     ///< false: checked or read over, and a warning where it is written
  std::string_view version;  ///< the only version that has it; empty: all
};

struct kind_note {
  std::string_view kind, group, versions;
  enum class use { read, ignored, not_acting } what = use::read;
  std::vector<field_note> fields;  ///< of `read` only, in the order of reading
};

/// Every kind of this build with every field.
std::vector<kind_note> describe_kinds();
/// The same as a page of Markdown; `only` one kind, or all when empty. Empty: no such kind.
std::string reference_page(std::string_view only = {});

}  // namespace understudy::config
