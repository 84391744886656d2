#include <understudy/codec/multipart.hpp>

#include <algorithm>
#include <utility>

#include <understudy/base/ascii.hpp>

#include "codec/char_class.hpp"

namespace understudy::codec {
namespace {

constexpr std::string_view crlf = "\r\n";
constexpr std::size_t max_boundary_bytes = 70;
/// RFC 2046 `bcharsnospace`. Many clients leave the quotes out whatever the characters are.
constexpr char_table boundary_table = table_of("'()+_,-./:=?");

struct parameter {
  std::string_view name;
  std::string_view value;  ///< between the quotes
};

std::string_view skip_space(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}

/// The quoted string at the front of `text`, without its quotes, taken off.
std::optional<std::string_view> take_quoted(std::string_view& text) {
  std::size_t at = 1;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
  if (at >= text.size()) return std::nullopt;
  const auto value = text.substr(1, at - 1);
  text.remove_prefix(at + 1);
  return value;
}

/// One `; name=value` off the front; nothing where there is none, or something else.
std::optional<parameter> take_parameter(std::string_view& text, const char_table& unquoted) {
  auto rest = skip_space(text);
  if (!rest.starts_with(';')) return std::nullopt;
  rest = skip_space(rest.substr(1));
  const auto is_name = [](char c) { return is_tchar(c); };
  const auto name_end = std::ranges::find_if_not(rest, is_name) - rest.begin();
  parameter out{rest.substr(0, static_cast<std::size_t>(name_end)), {}};
  rest = skip_space(rest.substr(out.name.size()));
  if (out.name.empty() || !rest.starts_with('=')) return std::nullopt;
  rest = skip_space(rest.substr(1));
  if (rest.starts_with('"')) {
    const auto quoted = take_quoted(rest);
    if (!quoted) return std::nullopt;
    out.value = *quoted;
  } else {
    const auto end =
        std::ranges::find_if_not(rest, [&](char c) { return is_in(unquoted, c); }) - rest.begin();
    out.value = rest.substr(0, static_cast<std::size_t>(end));
    rest.remove_prefix(out.value.size());
  }
  text = rest;
  return out;
}

/// Nothing but white space, or one semicolon too many, behind the last parameter.
bool is_end(std::string_view text) {
  text = skip_space(text);
  return text.empty() || (text.front() == ';' && skip_space(text.substr(1)).empty());
}

bool is_boundary(std::string_view text) {
  if (text.empty() || text.size() > max_boundary_bytes || text.back() == ' ') return false;
  return std::ranges::all_of(text, [](char c) { return c == ' ' || is_in(boundary_table, c); });
}

bool is_identity_coding(std::string_view coding) {
  return base::iequals(coding, "7bit") || base::iequals(coding, "8bit") ||
         base::iequals(coding, "binary");
}

}  // namespace

bool is_multipart_form(std::string_view content_type) {
  content_type = base::trim(content_type);
  return base::iequals(base::trim(content_type.substr(0, content_type.find(';'))),
                       "multipart/form-data");
}

base::result<std::string_view, form_error> form_boundary(std::string_view content_type) {
  content_type = base::trim(content_type);
  auto rest = content_type.substr(std::min(content_type.find(';'), content_type.size()));
  std::optional<std::string_view> found;
  while (const auto one = take_parameter(rest, boundary_table)) {
    if (!base::iequals(one->name, "boundary")) continue;
    if (found) return form_error{"the content type has two boundaries"};
    found = one->value;
  }
  if (!is_end(rest)) return form_error{"the content type's parameters are malformed"};
  if (!found) return form_error{"the content type has no boundary"};
  if (!is_boundary(*found)) return form_error{"the boundary has characters that none may have"};
  return *found;
}

form_reader::form_reader(std::string_view body, std::string_view boundary) : rest_{body} {
  delimiter_.reserve(boundary.size() + 4);
  delimiter_.append("\r\n--").append(boundary);
}

bool form_reader::fail(const char* why) {
  is_over_ = true;
  failure_ = form_error{why};
  return false;
}

/// To behind the first delimiter, which may stand at the very front.
bool form_reader::begin() {
  has_begun_ = true;
  const auto at_front = std::string_view{delimiter_}.substr(crlf.size());
  if (rest_.starts_with(at_front)) {
    rest_.remove_prefix(at_front.size());
    return true;
  }
  const auto found = rest_.find(delimiter_);
  if (found == std::string_view::npos) return fail("the form does not begin with its boundary");
  rest_.remove_prefix(found + delimiter_.size());
  return true;
}

bool form_reader::end_delimiter_line() {
  const bool is_last = rest_.starts_with("--");
  if (is_last) rest_.remove_prefix(2);
  rest_ = skip_space(rest_);
  if (is_last && (rest_.empty() || rest_.starts_with(crlf))) {
    is_over_ = true;
    return false;
  }
  if (is_last || !rest_.starts_with(crlf))
    return fail(rest_.empty() ? "the form is cut off" : "there is text behind a boundary");
  rest_.remove_prefix(crlf.size());
  return true;
}

bool form_reader::read_disposition(std::string_view value) {
  const auto type_end = std::min(value.find(';'), value.size());
  if (!base::iequals(base::trim(value.substr(0, type_end)), "form-data"))
    return fail("a part is no form-data");
  value.remove_prefix(type_end);
  bool has_name = false;
  while (const auto one = take_parameter(value, tchar_table)) {
    if (base::iequals(one->name, "name")) {
      // Who resolves escapes, and who does not, would see two names.
      if (has_name || one->value.find('\\') != std::string_view::npos)
        return fail("a part's name is not unambiguous");
      has_name = true;
      part_.name = one->value;
    } else if (base::iequals(one->name, "filename")) {
      if (part_.filename) return fail("a part has two file names");
      part_.filename = one->value;
      part_.is_text = false;
    } else if (base::iequals(one->name, "filename*")) {
      part_.is_text = false;
    } else if (base::istarts_with(one->name, "name*")) {
      return fail("a part's name is not unambiguous");
    }
  }
  if (!is_end(value)) return fail("a part's content-disposition is malformed");
  return has_name || fail("a part has no name");
}

bool form_reader::read_field(std::string_view line, bool& has_disposition) {
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  const bool is_field = colon != std::string_view::npos && !name.empty() &&
                        std::ranges::all_of(name, [](char c) { return is_tchar(c); });
  const auto is_control = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  if (!is_field || std::ranges::any_of(line, is_control))
    return fail("a part's header fields are malformed");
  const auto value = base::trim(line.substr(colon + 1));
  if (base::iequals(name, "content-disposition")) {
    if (std::exchange(has_disposition, true)) return fail("a part has two content-dispositions");
    return read_disposition(value);
  }
  if (base::iequals(name, "content-transfer-encoding") && !is_identity_coding(value))
    part_.is_text = false;
  return true;
}

/// The fields of a part; `rest_` then begins with the CRLF of the empty line.
bool form_reader::read_head() {
  part_ = {};
  const auto end = rest_.substr(0, max_head_bytes).find("\r\n\r\n");
  if (end == std::string_view::npos)
    return fail(rest_.size() < max_head_bytes ? "a part's header fields have no end"
                                              : "a part's header fields are too long");
  part_.head = rest_.substr(0, end + crlf.size());
  const auto at_front = std::string_view{delimiter_}.substr(crlf.size());
  if (part_.head.starts_with(at_front) || part_.head.find(delimiter_) != std::string_view::npos)
    return fail("a part's header fields have no end");
  bool has_disposition = false;
  for (auto left = part_.head; !left.empty();) {
    const auto line_end = left.find(crlf);
    if (!read_field(left.substr(0, line_end), has_disposition)) return false;
    left.remove_prefix(line_end + crlf.size());
  }
  rest_.remove_prefix(part_.head.size());
  return has_disposition || fail("a part has no content-disposition");
}

bool form_reader::next() {
  if (is_over_ || (!has_begun_ && !begin()) || !end_delimiter_line()) return false;
  if (++count_ > max_parts) return fail("the form has too many parts");
  if (!read_head()) return false;
  // A part may end with its fields: then the empty line's CRLF is the delimiter's.
  const auto end = rest_.find(delimiter_);
  if (end == std::string_view::npos) return fail("the form is cut off");
  if (end != 0) part_.body = rest_.substr(crlf.size(), end - crlf.size());
  rest_.remove_prefix(end + delimiter_.size());
  return true;
}

base::result<written_form, form_error> replace_form_text(std::string_view body,
                                                         std::string_view content_type,
                                                         std::string_view name,
                                                         std::string_view text) {
  const auto old = form_boundary(content_type);
  if (!old) return old.error();
  std::string boundary{*old};
  // What the old one's delimiter occurs in nowhere, a longer one's does not, either.
  if (boundary.size() < max_boundary_bytes) boundary.push_back('u');
  const std::string delimiter = "--" + boundary + "\r\n";
  if (std::string{crlf}.append(text).find("\r\n--" + boundary) != std::string::npos)
    return form_error{"the text contains the form's boundary"};

  written_form out;
  out.body.reserve(body.size() + text.size() + 256);
  bool is_replaced = false;
  const auto append_text = [&] {
    is_replaced = true;
    out.body.append(delimiter).append("content-disposition: form-data; name=\"");
    out.body.append(name).append("\"\r\n\r\n").append(text).append(crlf);
  };
  form_reader reader{body, *old};
  while (reader.next()) {
    const auto& part = reader.part();
    if (part.name != name) {
      out.body.append(delimiter).append(part.head).append(crlf).append(part.body).append(crlf);
    } else if (is_replaced) {
      return form_error{"the part is there twice"};
    } else {
      append_text();
    }
  }
  if (reader.failure()) return *reader.failure();
  if (!is_replaced) append_text();
  out.body.append("--").append(boundary).append("--\r\n");
  const bool is_token = std::ranges::all_of(boundary, [](char c) { return is_tchar(c); });
  const std::string_view quote = is_token ? "" : "\"";
  out.content_type = "multipart/form-data; boundary=";
  out.content_type.append(quote).append(boundary).append(quote);
  return out;
}

}  // namespace understudy::codec
