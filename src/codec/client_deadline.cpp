#include <understudy/codec/client_deadline.hpp>

#include <array>
#include <cstdint>
#include <string>

#include <understudy/codec/durations.hpp>

namespace understudy::codec {
namespace {

using std::chrono::milliseconds;
using wait = std::optional<milliseconds>;

constexpr milliseconds longest = std::chrono::hours{24};

wait read_seconds(std::string_view value) { return parse_decimal(value, std::chrono::seconds{1}); }
wait read_millis(std::string_view value) { return parse_decimal(value, milliseconds{1}); }

wait seconds_or_duration(std::string_view value) {
  if (const auto span = read_seconds(value)) return span;
  return parse_go_duration(value);
}

/// At most eight digits and one unit (gRPC over HTTP/2, `Timeout`).
wait grpc(std::string_view value) {
  if (value.size() < 2 || value.size() > 9) return std::nullopt;
  const auto digits = value.substr(0, value.size() - 1);
  if (digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  switch (value.back()) {
    case 'H':
      return parse_decimal(digits, std::chrono::hours{1});
    case 'M':
      return parse_decimal(digits, std::chrono::minutes{1});
    case 'S':
      return read_seconds(digits);
    case 'm':
      return read_millis(digits);
    case 'u':
    case 'n':
      return parse_go_duration(std::string{value} + "s");
    default:
      return std::nullopt;
  }
}

struct known_field {
  std::string_view name;
  wait (*read)(std::string_view value);
};

constexpr std::array known{known_field{"x-stainless-timeout", read_seconds},
                           known_field{"x-stainless-read-timeout", read_seconds},
                           known_field{"x-server-timeout", read_seconds},
                           known_field{"x-envoy-expected-rq-timeout-ms", read_millis},
                           known_field{"x-request-timeout-ms", read_millis},
                           known_field{"x-request-timeout", seconds_or_duration},
                           known_field{"grpc-timeout", grpc}};

/// Bit i: one of them has i characters.
constexpr std::uint64_t known_sizes = [] {
  std::uint64_t out = 0;
  for (const auto& k : known) out |= std::uint64_t{1} << k.name.size();
  return out;
}();

}  // namespace

std::optional<milliseconds> client_deadline(const field_list& fields) {
  wait shortest;
  for (const auto& f : fields) {
    if (f.name.size() >= 64 || ((known_sizes >> f.name.size()) & 1U) == 0) continue;
    for (const auto& k : known) {
      if (!base::iequals(f.name, k.name)) continue;
      const auto span = k.read(base::trim(f.value));
      const bool counts = span && *span > milliseconds{0} && *span <= longest;
      if (counts && (!shortest || *span < *shortest)) shortest = span;
    }
  }
  return shortest;
}

}  // namespace understudy::codec
