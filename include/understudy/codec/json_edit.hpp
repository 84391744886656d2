#pragma once
#include <string>
#include <string_view>

#include <understudy/base/result.hpp>
#include <understudy/codec/json_scan.hpp>

/// Changes to JSON text that leave every other byte as it was (numbers keep their spelling).
namespace understudy::codec {

using edit_result = base::result<std::string, json_error>;

/// Gives the top-level member `name` the value `json` (raw JSON). Every member of that name is
/// replaced, so that no reader of duplicates sees another value; without one it is put in front.
edit_result replace_top_level(std::string_view body, std::string_view name, std::string_view json);
/// The same with a string, which is escaped.
edit_result replace_top_level_string(std::string_view body, std::string_view name,
                                     std::string_view value);

/// Sets the value at a dotted path (`a.b`, `list.0`, `list.-1` appends, `\.` is a dot in a name,
/// `:7` is a name that looks like an index). What is missing on the way is made; a scalar on the
/// way is replaced. Wildcards and modifiers (`*?#|@`) are errors. `json` is raw JSON.
edit_result set_at(std::string_view body, std::string_view path, std::string_view json);
/// Removes what stands at the path; nothing there is no error.
edit_result remove_at(std::string_view body, std::string_view path);

/// Raw JSON of the `value` of a body mutation: text that looks like JSON as it is, any other text
/// as a JSON string (spec/gateway-config.md §1.7).
std::string mutation_value_to_json(std::string_view text);

}  // namespace understudy::codec
