#pragma once
#include <cstddef>
#include <string_view>

#include <understudy/codec/http.hpp>

/// Splits heads as nearly everybody writes them: HTTP/1.1, CRLF, names of letters, digits, `-` and
/// `_`, values of printable ASCII, unambiguous framing. A strict parser takes all of them alike;
/// what is written in another way is left to one. No allocation beyond the field list; any thread.
namespace understudy::codec {

/// Bytes of the head at the front of `input`, the empty line included, split into `head`; 0 when it
/// is incomplete, unusual, malformed, longer than `max_bytes` or has more than `max_fields` fields.
/// `head` is then undefined. Views point into `input`. The fields are marked as checked.
std::size_t split_plain_request(std::string_view input, std::size_t max_bytes,
                                std::size_t max_fields, request_head& head);
std::size_t split_plain_response(std::string_view input, std::size_t max_bytes,
                                 std::size_t max_fields, response_head& head);

}  // namespace understudy::codec
