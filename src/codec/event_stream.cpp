#include <understudy/codec/event_stream.hpp>

#include <algorithm>

#include <understudy/codec/crc32.hpp>

namespace understudy::codec {
namespace {

constexpr std::size_t prelude_bytes = 12;
// 24 MiB of payload, 128 KiB of headers: what the format allows.
constexpr std::uint32_t max_possible_bytes = (24U << 20) + (128U << 10) + 16;
constexpr std::size_t overhead_bytes = prelude_bytes + 4;

/// Big endian, 1 to 8 bytes.
std::uint64_t load(std::string_view bytes) {
  std::uint64_t out = 0;
  for (const char c : bytes) out = out << 8 | static_cast<unsigned char>(c);
  return out;
}

std::uint32_t load32(std::string_view bytes, std::size_t at) {
  const auto byte = [p = bytes.data() + at](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(p[i]));
  };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

void store(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xFFU));
}

std::int64_t sign_extend(std::uint64_t value, std::size_t bytes) {
  if (bytes == 8) return static_cast<std::int64_t>(value);
  const std::uint64_t sign = std::uint64_t{1} << (bytes * 8 - 1);
  return static_cast<std::int64_t>((value ^ sign) - sign);
}

/// Bytes of a value of fixed size.
std::optional<std::size_t> fixed_size(event_header_type type) {
  using enum event_header_type;
  switch (type) {
    case bool_true:
    case bool_false:
      return 0;
    case int8:
      return 1;
    case int16:
      return 2;
    case int32:
      return 4;
    case int64:
    case timestamp:
      return 8;
    case uuid:
      return 16;
    case bytes:
    case string:
      break;
  }
  return std::nullopt;
}

/// One header from the front of `block`.
bool read_header(std::string_view& block, event_header& out) {
  const auto take = [&block](std::size_t n) {
    const auto part = block.substr(0, n);
    block.remove_prefix(part.size());
    return part;
  };
  if (block.empty()) return false;
  const auto name_size = static_cast<unsigned char>(take(1).front());
  out.name = take(name_size);
  if (name_size == 0 || out.name.size() != name_size || block.empty()) return false;
  const auto type = static_cast<unsigned char>(take(1).front());
  if (type > static_cast<unsigned char>(event_header_type::uuid)) return false;
  out.type = static_cast<event_header_type>(type);
  std::size_t size = 0;
  if (const auto fixed = fixed_size(out.type)) {
    size = *fixed;
  } else {
    if (block.size() < 2) return false;
    size = static_cast<std::size_t>(load(take(2)));
  }
  if (block.size() < size) return false;
  const auto value = take(size);
  const bool is_text = !fixed_size(out.type) || out.type == event_header_type::uuid;
  out.text = is_text ? value : std::string_view{};
  out.number = is_text || size == 0 ? 0 : sign_extend(load(value), size);
  return true;
}

void append_header(std::string& out, const event_header& header) {
  store(out, header.name.size(), 1);
  out += header.name;
  store(out, static_cast<std::uint64_t>(header.type), 1);
  const auto fixed = fixed_size(header.type);
  if (!fixed) store(out, header.text.size(), 2);
  if (!fixed || header.type == event_header_type::uuid) {
    out += header.text;
  } else {
    store(out, static_cast<std::uint64_t>(header.number), static_cast<int>(*fixed));
  }
}

}  // namespace

std::string_view event_message::text_of(std::string_view name) const {
  const auto found = std::ranges::find_if(headers, [name](const event_header& h) {
    return h.name == name && h.type == event_header_type::string;
  });
  return found == headers.end() ? std::string_view{} : found->text;
}

event_stream_decoder::step event_stream_decoder::fail(std::string_view why) {
  error_ = why;
  pending_ = {};
  return step::failed;
}

bool event_stream_decoder::read_prelude(std::string_view prelude) {
  if (crc32(prelude.substr(0, 8)) != load32(prelude, 8)) {
    fail("checksum of an event stream prelude does not match");
    return false;
  }
  const auto total = load32(prelude, 0);
  header_bytes_ = load32(prelude, 4);
  if (total < overhead_bytes || header_bytes_ > total - overhead_bytes) {
    fail("lengths of an event stream message do not fit");
    return false;
  }
  if (total > max_possible_bytes) {
    fail("lengths of an event stream message are beyond reason");
    return false;
  }
  if (total > max_message_bytes_) {
    fail("event stream message too large");
    return false;
  }
  total_bytes_ = total;
  return true;
}

bool event_stream_decoder::read_headers(std::string_view block) {
  header_count_ = 0;
  while (!block.empty()) {
    if (header_count_ == max_headers) return false;
    if (!read_header(block, headers_[header_count_])) return false;
    ++header_count_;
  }
  return true;
}

event_stream_decoder::step event_stream_decoder::read_message(std::string_view message,
                                                              event_message& out) {
  const auto body_end = message.size() - 4;
  total_bytes_ = 0;
  if (crc32(message.substr(0, body_end)) != load32(message, body_end))
    return fail("checksum of an event stream message does not match");
  if (!read_headers(message.substr(prelude_bytes, header_bytes_)))
    return fail("malformed headers in an event stream message");
  out.headers = {headers_.data(), header_count_};
  const auto payload_begin = prelude_bytes + header_bytes_;
  out.payload = message.substr(payload_begin, body_end - payload_begin);
  return step::message;
}

event_stream_decoder::step event_stream_decoder::next(std::string_view& bytes, event_message& out) {
  if (!error_.empty()) return step::failed;
  if (must_drop_pending_) {
    pending_.clear();
    must_drop_pending_ = false;
  }
  while (!bytes.empty()) {
    const std::size_t wanted = total_bytes_ != 0 ? total_bytes_ : prelude_bytes;
    if (pending_.empty() && bytes.size() >= wanted) {
      if (total_bytes_ == 0) {
        if (!read_prelude(bytes.substr(0, prelude_bytes))) return step::failed;
        continue;
      }
      const auto message = bytes.substr(0, wanted);
      bytes.remove_prefix(wanted);
      return read_message(message, out);
    }
    const auto piece = bytes.substr(0, wanted - pending_.size());
    pending_.append(piece);
    bytes.remove_prefix(piece.size());
    if (pending_.size() < wanted) break;
    if (total_bytes_ == 0) {
      if (!read_prelude(pending_)) return step::failed;
      continue;
    }
    must_drop_pending_ = true;
    return read_message(pending_, out);
  }
  return step::need_more;
}

void append_event_message(std::string& out, std::span<const event_header> headers,
                          std::string_view payload) {
  const auto start = out.size();
  std::string block;
  for (const auto& header : headers) append_header(block, header);
  store(out, overhead_bytes + block.size() + payload.size(), 4);
  store(out, block.size(), 4);
  store(out, crc32({out.data() + start, 8}), 4);
  out += block;
  out += payload;
  store(out, crc32({out.data() + start, out.size() - start}), 4);
}

namespace {

void append_json_message(std::string& out, std::string_view kind_name, std::string_view kind,
                         std::string_view message_type, std::string_view json) {
  const std::array headers{
      event_header{kind_name, event_header_type::string, kind, 0},
      event_header{":content-type", event_header_type::string, "application/json", 0},
      event_header{":message-type", event_header_type::string, message_type, 0}};
  append_event_message(out, headers, json);
}

}  // namespace

void append_json_event(std::string& out, std::string_view event_type, std::string_view json) {
  append_json_message(out, ":event-type", event_type, "event", json);
}

void append_json_exception(std::string& out, std::string_view exception_type,
                           std::string_view json) {
  append_json_message(out, ":exception-type", exception_type, "exception", json);
}

}  // namespace understudy::codec
