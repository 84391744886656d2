// What fields and error bodies say of waiting and of causes: any bytes, bounded results.
#include <string>
#include <understudy/codec/client_deadline.hpp>
#include <understudy/codec/durations.hpp>
#include <understudy/codec/retry_after.hpp>
#include <understudy/translate/error_class.hpp>

#include "fuzz.hpp"

namespace {

namespace codec = understudy::codec;
namespace translate = understudy::translate;
using understudy::base::wall_time;

constexpr int statuses[] = {200, 400, 404, 413, 429, 500, 503, 529};

void read_fields(std::string_view input, int status) {
  const wall_time now{std::chrono::seconds{1'767'323'045}};
  codec::field_list fields;
  while (!input.empty()) {
    const auto line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    const auto colon = std::min(line.find(':'), line.size());
    fields.add(line.substr(0, colon), line.substr(std::min(colon + 1, line.size())));
    const auto value = line.substr(std::min(colon + 1, line.size()));
    static_cast<void>(codec::parse_http_date(value, now));
    static_cast<void>(codec::parse_rfc3339(value));
    if (const auto span = codec::parse_go_duration(value))
      fuzz::require(span->count() >= 0 && *span <= codec::max_parsed_span);
  }
  if (const auto wait = codec::retry_after(fields, status, now))
    fuzz::require(wait->count() >= 0 && *wait <= codec::max_retry_after);
  if (const auto limit = codec::client_deadline(fields))
    fuzz::require(limit->count() > 0 && *limit <= std::chrono::hours{24});
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto which = fuzz::take_byte(input);
  const int status = statuses[which & 7U];
  const auto upstream = static_cast<translate::schema>((which >> 3U) & 7U);
  read_fields(input, status);
  const auto found = translate::classify_error(upstream, status, input, input.substr(0, 40));
  fuzz::require(!translate::name(found).empty());
  return 0;
}
