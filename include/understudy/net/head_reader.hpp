#pragma once
#include <cstdint>
#include <string_view>

#include <understudy/codec/http.hpp>

namespace understudy::net {

enum class head_status : std::uint8_t {
  complete,
  partial,    ///< more bytes are needed
  malformed,  ///< 400 downstream, a protocol error upstream
  too_large,  ///< 431: more bytes or fields than allowed
  bad_version,
};

struct head_limits {
  std::size_t max_bytes = 60U * 1024;
  std::size_t max_fields = 100;
};

struct head_result {
  head_status status = head_status::partial;
  std::size_t size = 0;  ///< bytes of the head, the empty line included; `complete` only
  std::string_view reason;
};

/// Splits a head into fields. An ordinary one (codec/plain_head.hpp) takes a short way; of all
/// others the lines are framed by us (bare LF and folded lines are refused) and the characters
/// checked by Beast's parser, which would take the ordinary ones, too. Views point into `input`,
/// which must not move; without a complete head there are none left. `scanned` remembers how far an
/// incomplete head was searched; start it at 0.
head_result read_request_head(std::string_view input, const head_limits& limits,
                              std::size_t& scanned, codec::request_head& head);
head_result read_response_head(std::string_view input, const head_limits& limits,
                               std::size_t& scanned, codec::response_head& head);

}  // namespace understudy::net
