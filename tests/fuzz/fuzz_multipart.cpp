// Forms: parts lie in the body, and a form that was written anew reads as the old one did, but for
// the text that was replaced. The first line of the input is the content type.
#include <string>
#include <tuple>
#include <understudy/codec/multipart.hpp>

#include "fuzz.hpp"

namespace codec = understudy::codec;

namespace {

using kept_part = std::tuple<std::string, std::string, bool>;  // name, body, is a text

/// Nothing but the parts in front where the form is malformed.
std::vector<kept_part> read(std::string_view body, std::string_view boundary, bool& is_whole) {
  std::vector<kept_part> out;
  codec::form_reader reader{body, boundary};
  while (reader.next()) {
    const auto& part = reader.part();
    if (!part.body.empty())
      fuzz::require(part.body.data() >= body.data() &&
                    part.body.data() + part.body.size() <= body.data() + body.size());
    out.emplace_back(part.name, part.body, part.is_text);
  }
  is_whole = !reader.failure();
  fuzz::require(!reader.next() && out.size() <= codec::form_reader::max_parts);
  return out;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const auto line_end = std::min(input.find('\n'), input.size());
  const auto type = input.substr(0, line_end);
  const auto body = input.substr(std::min(line_end + 1, input.size()));
  const auto boundary = codec::form_boundary(type);
  if (!boundary) return 0;
  bool is_whole = false;
  auto parts = read(body, *boundary, is_whole);
  const auto written = codec::replace_form_text(body, type, "model", "another");
  if (!written) return 0;
  fuzz::require(is_whole && codec::is_multipart_form(written->content_type));
  const auto renamed = codec::form_boundary(written->content_type);
  fuzz::require(renamed.has_value());
  bool has_model = false;
  for (auto& [name, text, is_text] : parts) {
    if (name != "model") continue;
    has_model = is_text = true;
    text = "another";
  }
  if (!has_model) parts.emplace_back("model", "another", true);
  fuzz::require(read(written->body, *renamed, is_whole) == parts && is_whole);
  return 0;
}
