#include <understudy/codec/json_scan.hpp>

#include "codec/json_skip.hpp"

namespace understudy::codec {

std::string json_error::text() const {
  return std::string{reason} + " at offset " + std::to_string(offset);
}

json_reader::json_reader(std::string_view text)
    : text_{text}, cursor_{text.data()}, end_{text.data() + text.size()} {
  cursor_ = skip_space(cursor_, end_);
  if (cursor_ == end_) {
    fail(reason_truncated, cursor_);
  } else if (*cursor_ == '{') {
    kind_ = json_kind::object;
    ++cursor_;
  } else if (*cursor_ == '[') {
    kind_ = json_kind::array;
    ++cursor_;
  } else {
    fail("expected an object or an array", cursor_);
  }
}

bool json_reader::fail(const char* reason, const char* at) {
  failure_ = json_error{reason, static_cast<std::size_t>(at - text_.data())};
  is_over_ = true;
  return false;
}

bool json_reader::next() {
  if (is_over_) return false;
  cursor_ = skip_space(cursor_, end_);
  if (cursor_ == end_) return fail(reason_truncated, cursor_);
  const char closing = kind_ == json_kind::object ? '}' : ']';
  if (*cursor_ == closing) {
    cursor_ = skip_space(cursor_ + 1, end_);
    if (cursor_ != end_) return fail("unexpected text after the value", cursor_);
    is_over_ = true;
    return false;
  }
  if (!is_first_) {
    if (*cursor_ != ',') return fail(reason_unexpected, cursor_);
    cursor_ = skip_space(cursor_ + 1, end_);
  }
  is_first_ = false;
  if (kind_ == json_kind::object && !read_member()) return false;
  json_skipper skipper{end_};
  const char* after = skipper.skip(cursor_);
  if (after == nullptr) return fail(skipper.reason, skipper.at);
  value_ = {skipper.kind, {cursor_, static_cast<std::size_t>(after - cursor_)}};
  cursor_ = after;
  return true;
}

bool json_reader::read_member() {
  if (cursor_ == end_) return fail(reason_truncated, cursor_);
  if (*cursor_ != '"') return fail(reason_unexpected, cursor_);
  json_skipper skipper{end_};
  const char* after = skipper.skip_string(cursor_ + 1);
  if (after == nullptr) return fail(skipper.reason, skipper.at);
  key_ = {cursor_ + 1, static_cast<std::size_t>(after - cursor_ - 2)};
  key_has_escapes_ = skipper.has_escapes;
  cursor_ = skip_space(after, end_);
  if (cursor_ == end_) return fail(reason_truncated, cursor_);
  if (*cursor_ != ':') return fail(reason_unexpected, cursor_);
  cursor_ = skip_space(cursor_ + 1, end_);
  return true;
}

bool json_reader::is_escaped_key(std::string_view name) const {
  return unescape_json(key_) == name;
}

std::optional<json_error> check_json(std::string_view text) {
  const char* end = text.data() + text.size();
  const char* start = skip_space(text.data(), end);
  json_skipper skipper{end};
  const char* after = skipper.skip(start);
  if (after == nullptr)
    return json_error{skipper.reason, static_cast<std::size_t>(skipper.at - text.data())};
  after = skip_space(after, end);
  if (after != end)
    return json_error{"unexpected text after the value",
                      static_cast<std::size_t>(after - text.data())};
  return std::nullopt;
}

std::optional<json_value> find_member(std::string_view object, std::string_view name) {
  json_reader reader{object};
  std::optional<json_value> found;
  if (reader.kind() != json_kind::object) return found;
  while (reader.next())
    if (reader.is_key(name)) found = reader.value();
  return found;
}

namespace {

/// True when the value may stand for "absent".
bool take(const json_value& value, json_kind kind) { return value.kind == kind; }

std::size_t offset_of(std::string_view body, const json_value& value) {
  return static_cast<std::size_t>(value.text.data() - body.data());
}

const char* take_model(const json_value& value, request_summary& out) {
  out.has_model = take(value, json_kind::string);
  out.model.clear();
  if (value.kind == json_kind::null) return nullptr;
  if (!out.has_model) return "`model` is not a string";
  out.model = unescape_json(value.raw_string());
  return is_utf8(out.model) ? nullptr : "`model` is not valid UTF-8";
}

const char* take_stream(const json_value& value, request_summary& out) {
  out.stream = value.text == "true";
  const bool is_fine = value.kind == json_kind::boolean || value.kind == json_kind::null;
  return is_fine ? nullptr : "`stream` is not a boolean";
}

const char* take_stream_options(const json_value& value, request_summary& out) {
  out.include_usage.reset();
  if (value.kind == json_kind::null) return nullptr;
  if (value.kind != json_kind::object) return "`stream_options` is not an object";
  const auto include = find_member(value.text, "include_usage");
  if (include && include->kind == json_kind::boolean) out.include_usage = include->text == "true";
  return nullptr;
}

}  // namespace

base::result<request_summary, json_error> scan_request(std::string_view body) {
  request_summary out;
  json_reader reader{body};
  if (!reader.failure() && reader.kind() != json_kind::object)
    return json_error{"expected an object", 0};
  while (reader.next()) {
    const char* problem = nullptr;
    const auto& value = reader.value();
    if (reader.is_key("model")) {
      problem = take_model(value, out);
    } else if (reader.is_key("stream")) {
      problem = take_stream(value, out);
    } else if (reader.is_key("stream_options")) {
      problem = take_stream_options(value, out);
    } else if (reader.is_key("stream_format")) {
      out.is_sse_format = value.text == "\"sse\"";
    }
    if (problem != nullptr) return json_error{problem, offset_of(body, value)};
  }
  if (reader.failure()) return *reader.failure();
  return out;
}

}  // namespace understudy::codec
