#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <understudy/codec/json_edit.hpp>
#include <understudy/codec/json_scan.hpp>

using namespace understudy::codec;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

/// The first byte chooses a path for edits, the rest is a body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body{reinterpret_cast<const char*>(data) + 1, size - 1};
  const auto summary = scan_request(body);
  const bool is_json = !check_json(body).has_value();
  if (summary) require(is_json && is_utf8(summary->model));
  const auto replaced = replace_top_level_string(body, "model", "new \"name\"");
  if (replaced) {
    const auto again = scan_request(*replaced);
    require(!again || again->model == "new \"name\"");
    require(!check_json(*replaced));
  }
  constexpr std::string_view paths[] = {"a", "a.b", "a.0", "a.-1", "a.3.b", "model", "a\\.b", ":1"};
  const auto path = paths[data[0] % std::size(paths)];
  for (const auto& edited : {set_at(body, path, "{\"x\":1}"), remove_at(body, path)})
    require(!edited || (is_json && !check_json(*edited)));
  std::string quoted;
  append_json_string(quoted, body);
  require(!check_json(quoted));
  return 0;
}
