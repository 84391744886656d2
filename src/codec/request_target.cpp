#include <algorithm>

#include <understudy/codec/framing.hpp>

#include "codec/char_class.hpp"

namespace understudy::codec {
namespace {

bool is_port(std::string_view text) {
  if (text.size() > 5) return false;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value <= 65535;
}

bool is_bracketed_address(std::string_view text) {
  return text.size() > 2 && std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
                  c == ':' || c == '.';
         });
}

/// No control character, space, fragment, or byte above ASCII.
bool is_target_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7F && c != '#';
  });
}

/// What `.` or `..` is by any reader's rules: also as `%2e`, and before a parameter.
bool is_dots(std::string_view segment) {
  segment = segment.substr(0, segment.find(';'));
  int dots = 0;
  while (!segment.empty()) {
    const std::size_t size = segment.front() == '.' ? 1 : 3;
    if (size == 3 && !base::istarts_with(segment, "%2e")) return false;
    segment.remove_prefix(size);
    if (++dots > 2) return false;
  }
  return dots != 0;
}

/// Whoever resolves such a path reads another one than the routes were matched against. Some take
/// a backslash for a slash.
bool has_dot_segment(std::string_view path) {
  path = path.substr(0, path.find('?'));
  if (path.find_first_of(".%") == path.npos) return false;
  while (!path.empty()) {
    const auto end = path.find_first_of("/\\");
    if (is_dots(path.substr(0, end))) return true;
    path.remove_prefix(end == path.npos ? path.size() : end + 1);
  }
  return false;
}

using target_result = base::result<request_target, head_error>;

target_result absolute_target(const request_head& head) {
  std::string_view rest = head.target;
  const auto scheme = rest.substr(0, rest.find("://"));
  if (!base::iequals(scheme, "http") && !base::iequals(scheme, "https"))
    return head_error::unsupported_target_form;
  rest.remove_prefix(std::min(rest.size(), scheme.size() + 3));
  request_target out;
  out.form = target_form::absolute;
  const auto slash = rest.find_first_of("/?");
  out.authority = rest.substr(0, slash);
  if (!is_authority(out.authority)) return head_error::invalid_target;
  if (slash == std::string_view::npos) {
    out.path = head.method == "OPTIONS" ? "*" : "/";
    return out;
  }
  out.path = rest.substr(slash);
  // `http://host?query` would need a path put in between; nobody sends it.
  if (out.path.front() == '?') return head_error::invalid_target;
  return out;
}

target_result split_target(const request_head& head) {
  if (head.target.empty() || !is_target_text(head.target)) return head_error::invalid_target;
  request_target out;
  out.path = head.target;
  if (head.method == "CONNECT") return head_error::unsupported_target_form;
  if (head.target.front() == '/') return out;
  if (head.target == "*") {
    out.form = target_form::asterisk;
    if (head.method != "OPTIONS") return head_error::unsupported_target_form;
    return out;
  }
  return absolute_target(head);
}

}  // namespace

bool is_authority(std::string_view text) {
  if (text.empty()) return false;
  if (text.front() == '[') {
    const auto closing = text.find(']');
    if (closing == std::string_view::npos) return false;
    const auto port = text.substr(closing + 1);
    return is_bracketed_address(text.substr(0, closing + 1)) &&
           (port.empty() || (port.front() == ':' && is_port(port.substr(1))));
  }
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  if (name.empty()) return false;
  if (!std::ranges::all_of(name, [](char c) { return is_in(reg_name_table, c); })) return false;
  return colon == std::string_view::npos || is_port(text.substr(colon + 1));
}

base::result<request_target, head_error> check_request(const request_head& head) {
  if (head.version != 10 && head.version != 11) return head_error::invalid_version;
  if (!is_token(head.method)) return head_error::invalid_method;
  if (const auto error = check_fields(head.fields)) return *error;
  auto target = split_target(head);
  if (!target) return target;
  if (has_dot_segment(target->path)) return head_error::dot_segment;

  const auto hosts = head.fields.count("host");
  if (hosts > 1) return head_error::repeated_host;
  if (hosts == 0) {
    if (head.version == 11) return head_error::missing_host;
    return target;
  }
  const auto host = base::trim(*head.fields.find("host"));
  if (!is_authority(host)) return head_error::invalid_host;
  if (target->form != target_form::absolute) target->authority = host;
  return target;
}

}  // namespace understudy::codec
