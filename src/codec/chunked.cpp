#include <algorithm>

#include <understudy/codec/chunked.hpp>
#include <understudy/codec/framing.hpp>

namespace understudy::codec {
namespace {

constexpr std::uint64_t extension_allowance = 16U * 1024;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string_view describe(chunk_tracker::failure why) {
  using enum chunk_tracker::failure;
  switch (why) {
    case none:
      return "no failure";
    case invalid_size:
      return "invalid chunk size";
    case size_too_large:
      return "chunk too large";
    case invalid_extension:
      return "invalid chunk extension";
    case extension_too_large:
      return "chunk extensions too large";
    case invalid_line_end:
      return "chunk not ended by CR LF";
    case invalid_trailer:
      return "invalid trailer field";
    case trailer_too_large:
      return "trailer too large";
  }
  return "unknown failure";
}

std::size_t chunk_tracker::next(std::string_view bytes, std::string_view& data) {
  data = {};
  std::size_t i = 0;
  while (i < bytes.size() && !is_done() && !has_failed()) {
    if (state_ == state::data) {
      const auto n = std::min<std::uint64_t>(left_, bytes.size() - i);
      data = bytes.substr(i, static_cast<std::size_t>(n));
      left_ -= n;
      data_bytes_ += n;
      if (left_ == 0) state_ = state::data_cr;
      return i + data.size();
    }
    if (!step(bytes[i])) break;
    ++i;
  }
  return i;
}

chunk_tracker::passage chunk_tracker::pass(std::string_view bytes) {
  passage out;
  std::string_view data;
  const bool was_done = is_done();
  while (out.consumed < bytes.size() && !is_done() && !has_failed()) {
    if (state_ == state::data) {
      out.consumed += next(bytes.substr(out.consumed), data);
    } else if (step(bytes[out.consumed])) {
      ++out.consumed;
    }
    if (!has_trailer_) out.forward = out.consumed;
  }
  out.needs_end = is_done() && !was_done && has_trailer_;
  return out;
}

bool chunk_tracker::fail(failure why) {
  failure_ = why;
  return false;
}

bool chunk_tracker::expect(char c, char wanted, state next) {
  if (c != wanted) return fail(failure::invalid_line_end);
  state_ = next;
  return true;
}

bool chunk_tracker::step(char c) {
  switch (state_) {
    case state::size:
      return step_size(c);
    case state::extension:
      return step_extension(c);
    case state::size_lf:
      return expect(c, '\n', state::size_lf) && end_size_line();
    case state::data_cr:
      return expect(c, '\r', state::data_lf);
    case state::data_lf:
      return expect(c, '\n', state::size);
    case state::trailer_start:
    case state::trailer_name:
    case state::trailer_value:
      return step_trailer(c);
    case state::trailer_lf:
      return expect(c, '\n', state::trailer_start);
    case state::end_lf:
      return expect(c, '\n', state::done);
    case state::data:
    case state::done:
      break;
  }
  return false;
}

bool chunk_tracker::step_size(char c) {
  if (const int digit = hex_digit(c); digit >= 0) {
    if (digits_ == 16) return fail(failure::size_too_large);
    if (left_ > (limits_.max_chunk_bytes >> 4)) return fail(failure::size_too_large);
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    if (left_ > limits_.max_chunk_bytes) return fail(failure::size_too_large);
    ++digits_;
    return true;
  }
  if (digits_ == 0) return fail(failure::invalid_size);
  if (c == '\r') {
    state_ = state::size_lf;
    return true;
  }
  if (c != ';') return fail(failure::invalid_size);
  extension_bytes_ = 0;
  state_ = state::extension;
  return step_extension(c);
}

bool chunk_tracker::step_extension(char c) {
  if (c == '\r') {
    state_ = state::size_lf;
    return true;
  }
  const auto byte = static_cast<unsigned char>(c);
  if ((byte < 0x20 && c != '\t') || byte == 0x7F) return fail(failure::invalid_extension);
  ++all_extension_bytes_;
  if (++extension_bytes_ > limits_.max_extension_bytes ||
      all_extension_bytes_ > extension_allowance + data_bytes_)
    return fail(failure::extension_too_large);
  return true;
}

bool chunk_tracker::end_size_line() {
  state_ = left_ == 0 ? state::trailer_start : state::data;
  digits_ = 0;
  return true;
}

bool chunk_tracker::step_trailer(char c) {
  if (c == '\r' && state_ == state::trailer_start) {
    state_ = state::end_lf;
    return true;
  }
  has_trailer_ = true;
  if (++trailer_bytes_ > limits_.max_trailer_bytes) return fail(failure::trailer_too_large);
  if (state_ == state::trailer_value) {
    if (c == '\r') {
      state_ = state::trailer_lf;
      return true;
    }
    return is_field_value({&c, 1}) || fail(failure::invalid_trailer);
  }
  if (c == ':' && state_ == state::trailer_name) {
    state_ = state::trailer_value;
    return true;
  }
  state_ = state::trailer_name;
  return is_token({&c, 1}) || fail(failure::invalid_trailer);
}

}  // namespace understudy::codec
