// Scans and edits of request bodies: an edit leaves JSON, and the value that was asked for.
#include <string>
#include <understudy/codec/json_edit.hpp>
#include <understudy/codec/json_scan.hpp>

#include "fuzz.hpp"

namespace codec = understudy::codec;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const bool is_json = !codec::check_json(input);
  if (const auto summary = codec::scan_request(input)) {
    fuzz::require(is_json);
    const auto edited = codec::replace_top_level_string(input, "model", summary->model);
    fuzz::require(edited.has_value() && !codec::check_json(*edited));
    const auto again = codec::scan_request(*edited);
    fuzz::require(again.has_value() && again->model == summary->model &&
                  again->stream == summary->stream);
  }
  const auto replaced = codec::replace_top_level(input, "stream", "true");
  if (replaced) {
    const auto member = codec::find_member(*replaced, "stream");
    fuzz::require(member && member->text == "true" && !codec::check_json(*replaced));
  }

  const std::string_view path = input.substr(0, input.find('\n'));
  static constexpr std::string_view body = R"({"a":{"b":[1,2,{"c":null}]},"d":"e"})";
  if (const auto set = codec::set_at(body, path, R"({"x":1})"))
    fuzz::require(!codec::check_json(*set));
  if (const auto removed = codec::remove_at(body, path))
    fuzz::require(!codec::check_json(*removed));
  static_cast<void>(codec::mutation_value_to_json(input));

  std::string quoted;
  codec::append_json_string(quoted, input);
  fuzz::require(!codec::check_json(quoted) && codec::is_utf8(quoted));
  return 0;
}
