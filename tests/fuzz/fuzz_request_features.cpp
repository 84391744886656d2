// What a request uses: any bytes are taken, and valid objects always are.
#include <string>
#include <understudy/codec/json_scan.hpp>
#include <understudy/translate/stream_resume.hpp>

#include "fuzz.hpp"

namespace {

namespace codec = understudy::codec;
namespace translate = understudy::translate;

constexpr translate::operation operations[] = {
    translate::operation::chat_completions, translate::operation::completions,
    translate::operation::responses, translate::operation::messages};
constexpr translate::assistant_prefix styles[] = {
    translate::assistant_prefix::unsupported, translate::assistant_prefix::plain,
    translate::assistant_prefix::final_message, translate::assistant_prefix::prefix_member};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto which = fuzz::take_byte(input);
  const auto op = operations[which & 3U];
  const auto features = translate::scan_features(op, input);
  const bool is_object =
      !codec::check_json(input) && codec::json_reader{input}.kind() == codec::json_kind::object;
  if (is_object) fuzz::require(features.has_value());
  if (!features) return 0;
  fuzz::require(features->approximate_input_tokens <= input.size() / 4 + 1);
  static_cast<void>(translate::would_drop(*features, op, translate::schema::aws_bedrock));
  const auto style = styles[(which >> 2U) & 3U];
  const auto rest = translate::continue_request(op, *features, input, "so far \n", style);
  if (!rest || !is_object) return 0;
  const auto again = translate::scan_features(op, rest->body);
  fuzz::require(again.has_value());
  if (op == translate::operation::chat_completions || op == translate::operation::messages)
    fuzz::require(again->ends_with_assistant);
  return 0;
}
