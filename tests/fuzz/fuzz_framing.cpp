// Heads and chunked bodies: what is accepted keeps the framing rules, however the bytes are cut.
#include <string>
#include <understudy/codec/chunked.hpp>
#include <understudy/codec/framing.hpp>
#include <understudy/codec/headers.hpp>
#include <understudy/net/head_reader.hpp>

#include "fuzz.hpp"

namespace {

namespace codec = understudy::codec;
namespace net = understudy::net;

/// The head as it arrives in pieces: one end, and the same as when it came whole.
template <class Head>
net::head_result read(std::string_view input, std::uint8_t seed, Head& head, auto reader) {
  std::size_t scanned = 0;
  const auto whole = reader(input, net::head_limits{}, scanned, head);
  Head other;
  net::head_result last;
  std::size_t size = 0;
  scanned = 0;
  for (const auto piece : fuzz::cut(input, seed)) {
    size += piece.size();
    last = reader(input.substr(0, size), net::head_limits{}, scanned, other);
    if (last.status != net::head_status::partial) break;
  }
  fuzz::require(last.status == whole.status && last.size == whole.size);
  if (whole.status == net::head_status::complete) {
    fuzz::require(!codec::check_raw_head(input.substr(0, whole.size)));
    fuzz::require(head.fields.size() == other.fields.size());
  }
  return whole;
}

void check_request(std::string_view input, std::uint8_t seed) {
  codec::request_head head;
  if (read(input, seed, head, net::read_request_head).status != net::head_status::complete) return;
  if (const auto target = codec::check_request(head)) {
    fuzz::require(!target->path.empty());
    const auto path = target->path.substr(0, target->path.find('?'));
    fuzz::require(path.find("/../") == path.npos && !path.ends_with("/.."));
    fuzz::require(head.version == 10 || codec::is_authority(target->authority));
  }
  const auto framing = codec::request_framing(head);
  const auto lengths = head.fields.count("content-length");
  const auto codings = head.fields.count("transfer-encoding");
  if (framing) {
    fuzz::require(framing->kind != codec::framing_kind::until_close);
    fuzz::require(lengths + codings <= 1);
    fuzz::require((framing->kind == codec::framing_kind::none) == (lengths + codings == 0));
  }
  const codec::connection_options options{head.fields};
  for (const auto& [name, value] : head.fields)
    fuzz::require(!codec::is_forwarded_upstream(name, options, true) ||
                  !codec::is_hop_by_hop(name, options));
}

void check_response(std::string_view input, std::uint8_t seed) {
  codec::response_head head;
  if (read(input, seed, head, net::read_response_head).status != net::head_status::complete) return;
  const auto framing = codec::response_framing(head, "POST");
  if (!framing) return;
  const bool is_bodiless = head.status < 200 || head.status == 204 || head.status == 304;
  fuzz::require((framing->kind == codec::framing_kind::none) == is_bodiless);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto seed = fuzz::take_byte(input);
  check_request(input, seed);
  check_response(input, seed);
  return 0;
}
