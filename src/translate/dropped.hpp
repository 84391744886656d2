#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "translate/json.hpp"

/// What a target has no words for, told by name in `upstream_request::dropped`
/// (the `x-understudy-dropped` field of interface.md).
namespace understudy::translate {

/// Null, or a list or object without members.
inline bool is_nothing(const json& value) {
  return value.is_null() || (value.is_structured() && value.empty());
}
/// A value other than null, false, or what is empty.
bool asks_for_something(const json& value);
/// The same of a value that 0 leaves out, too.
bool is_asked_for(const json& value);
/// Present, and asked for.
bool is_asked_for(const json& object, const char* name);

/// Adds the name once. Names come from clients and go into a header field: one that is not plain
/// (letters, digits, `_-.`, 64 at most) is told as `other`, and so is what is beyond the limit.
void add_dropped(std::vector<std::string>& dropped, std::string_view name);

/// Tells the members of `object` that have a value and are none of `carried` (what the translator
/// has read). A penalty of 0, `false` and what is empty ask for nothing.
void add_uncarried(std::vector<std::string>& dropped, const json& object,
                   std::span<const std::string_view> carried);

/// The same of what a tool in Anthropic's dialect has beside name, description, schema, `strict`
/// and `cache_control`; each is told as `tools.<name>`.
void add_uncarried_of_tool(std::vector<std::string>& dropped, const json& tool);

/// What a translator of documents refuses, or leaves out where the backend lets it.
class loss_ledger {
 public:
  explicit loss_ledger(bool may_drop) : may_drop_{may_drop} {}

  /// A hint: the answer is an answer without it.
  void drop(std::string_view name) { add_dropped(dropped_, name); }
  void drop_uncarried(const json& object, std::span<const std::string_view> carried) {
    add_uncarried(dropped_, object, carried);
  }
  /// Something that matters: true, and told, where it may be left out; else refuse it.
  bool may_lose(std::string_view name) {
    if (may_drop_) drop(name);
    return may_drop_;
  }
  std::vector<std::string> take() { return std::move(dropped_); }

 private:
  bool may_drop_;
  std::vector<std::string> dropped_;
};

}  // namespace understudy::translate
