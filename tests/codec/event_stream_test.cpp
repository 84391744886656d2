#include <understudy/codec/event_stream.hpp>

#include <vector>

#include <understudy/base/random.hpp>
#include <understudy/codec/crc32.hpp>

#include "catch.hpp"
#include "support.hpp"

namespace understudy::codec {
namespace {

using frame_step = event_stream_decoder::step;

struct kept_message {
  std::vector<std::pair<std::string, std::string>> texts;
  std::vector<std::int64_t> numbers;
  std::string payload;
  bool operator==(const kept_message&) const = default;
};

kept_message keep(const event_message& m) {
  kept_message out;
  for (const auto& h : m.headers) {
    out.texts.emplace_back(h.name, h.text);
    out.numbers.push_back(h.number);
  }
  out.payload = m.payload;
  return out;
}

/// Feeds pieces whose sizes `next_size` gives; the decoder must use each of them up.
template <class F>
std::vector<kept_message> decode(std::string_view bytes, F next_size, frame_step& last) {
  event_stream_decoder decoder;
  std::vector<kept_message> out;
  last = frame_step::need_more;
  while (!bytes.empty() && last != frame_step::failed) {
    // A piece of its own on the heap, so that a sanitizer sees a view that outlives it.
    const std::string piece{bytes.substr(0, next_size())};
    bytes.remove_prefix(piece.size());
    std::string_view rest = piece;
    event_message message;
    while ((last = decoder.next(rest, message)) == frame_step::message)
      out.push_back(keep(message));
    if (last == frame_step::need_more) CHECK(rest.empty());
  }
  if (last == frame_step::need_more && !decoder.is_between_messages()) last = frame_step::message;
  return out;
}

std::string sample() {
  std::string out;
  append_json_event(out, "messageStart", R"({"role":"assistant"})");
  append_json_event(out, "contentBlockDelta", std::string(5000, 'x'));
  append_json_event(out, "metadata", "");
  append_json_exception(out, "throttlingException", R"({"message":"slow down"})");
  return out;
}

TEST_CASE("encoder and decoder agree with botocore", "[event_stream]") {
  const auto rows = codec_test::vectors("event_stream");
  REQUIRE(rows.size() >= 4);
  for (const auto& row : rows) {
    CAPTURE(row.at("name").get<std::string>());
    const auto raw = codec_test::unhex(row.at("hex").get<std::string>());
    const auto payload = row.at("payload").get<std::string>();
    std::vector<std::string> values;
    values.reserve(32);
    std::vector<std::string> names;
    names.reserve(32);
    std::vector<event_header> headers;
    for (const auto& h : row.at("headers")) {
      names.push_back(h.at("name").get<std::string>());
      values.push_back(codec_test::unhex(h.at("hex").get<std::string>()));
      const auto type = static_cast<event_header_type>(h.at("type").get<int>());
      headers.push_back({names.back(), type, values.back(), h.at("number").get<std::int64_t>()});
    }
    std::string encoded;
    append_event_message(encoded, headers, payload);
    CHECK(encoded == raw);

    frame_step last{};
    const auto got = decode(
        raw, [&raw] { return raw.size(); }, last);
    REQUIRE(got.size() == 1);
    CHECK(got[0] == keep({headers, payload}));
    CHECK(last == frame_step::need_more);
  }
}

TEST_CASE("messages cut anywhere decode alike", "[event_stream]") {
  const auto bytes = sample();
  frame_step last{};
  const auto whole = decode(
      bytes, [&] { return bytes.size(); }, last);
  REQUIRE(whole.size() == 4);
  CHECK(whole[3].payload == R"({"message":"slow down"})");
  CHECK(decode(
            bytes, [] { return std::size_t{1}; }, last) == whole);
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    base::seeded_random random{seed};
    CAPTURE(seed);
    CHECK(decode(
              bytes, [&] { return 1 + random.below(700); }, last) == whole);
    CHECK(last == frame_step::need_more);
  }
}

TEST_CASE("headers are found by name", "[event_stream]") {
  std::string bytes;
  append_json_event(bytes, "messageStop", "{}");
  event_stream_decoder decoder;
  event_message message;
  std::string_view rest = bytes;
  REQUIRE(decoder.next(rest, message) == frame_step::message);
  CHECK(message.text_of(":event-type") == "messageStop");
  CHECK(message.text_of(":message-type") == "event");
  CHECK(message.text_of(":absent").empty());
}

TEST_CASE("every flipped bit is noticed", "[event_stream]") {
  std::string good;
  append_json_event(good, "metadata", R"({"usage":1})");
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    frame_step last{};
    CAPTURE(i);
    CHECK(decode(
              bad, [&] { return bad.size(); }, last)
              .empty());
    CHECK(last == frame_step::failed);
  }
}

TEST_CASE("a cut message is pending, a failure is final", "[event_stream]") {
  const auto bytes = sample();
  frame_step last{};
  CHECK(decode(
            std::string_view{bytes}.substr(0, bytes.size() - 1), [&] { return bytes.size(); }, last)
            .size() == 3);
  CHECK(last == frame_step::message);  // something is pending

  event_stream_decoder decoder;
  event_message message;
  std::string bad = bytes;
  bad[0] = 1;
  std::string_view rest = bad;
  CHECK(decoder.next(rest, message) == frame_step::failed);
  CHECK(!decoder.error().empty());
  rest = bytes;
  CHECK(decoder.next(rest, message) == frame_step::failed);
}

TEST_CASE("lengths are bounded before anything is collected", "[event_stream]") {
  const auto prelude = [](std::uint32_t total, std::uint32_t headers) {
    std::string out;
    for (const auto v : {total, headers})
      for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
    const auto crc = crc32(out);
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(crc >> shift));
    return out;
  };
  struct row {
    std::uint32_t total, headers;
    frame_step expected;
  };
  for (const auto& [total, headers, expected] :
       {row{15, 0, frame_step::failed}, row{0, 0, frame_step::failed},
        row{16, 1, frame_step::failed}, row{100, 85, frame_step::failed},
        row{100, 84, frame_step::need_more}, row{0xFFFFFFFFU, 0, frame_step::failed},
        row{4U << 20, 0, frame_step::need_more}, row{(4U << 20) + 1, 0, frame_step::failed}}) {
    CAPTURE(total, headers);
    event_stream_decoder decoder;
    event_message message;
    const auto bytes = prelude(total, headers);
    std::string_view rest = bytes;
    CHECK(decoder.next(rest, message) == expected);
  }
}

TEST_CASE("malformed headers are refused", "[event_stream]") {
  const auto message_with = [](std::string_view block) {
    // A valid frame whose header block is `block`: built by hand.
    std::string out;
    const auto put = [&out](std::uint32_t v) {
      for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(v >> shift));
    };
    put(static_cast<std::uint32_t>(16 + block.size()));
    put(static_cast<std::uint32_t>(block.size()));
    put(crc32(out));
    out += block;
    put(crc32(out));
    return out;
  };
  using namespace std::string_view_literals;
  std::string many;
  for (std::size_t i = 0; i <= event_stream_decoder::max_headers; ++i) many += "\x01n\x00"sv;
  for (const auto block : {"\x00\x00"sv, "\x05n"sv, "\x01n"sv, "\x01n\x0A"sv, "\x01n\x07\x00"sv,
                           "\x01n\x07\x00\x02x"sv, "\x01n\x04\x00\x00"sv, std::string_view{many}}) {
    event_stream_decoder decoder;
    event_message message;
    const auto bytes = message_with(block);
    std::string_view rest = bytes;
    CAPTURE(block.size());
    CHECK(decoder.next(rest, message) == frame_step::failed);
  }
}

TEST_CASE("crc32", "[crc32]") {
  CHECK(crc32("") == 0);
  CHECK(crc32("123456789") == 0xCBF43926U);
  const std::string text(1000, 'q');
  CHECK(crc32(std::string_view{text}.substr(13), crc32(std::string_view{text}.substr(0, 13))) ==
        crc32(text));
}

}  // namespace
}  // namespace understudy::codec
