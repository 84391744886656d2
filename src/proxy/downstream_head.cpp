#include <understudy/proxy/downstream_head.hpp>

#include <algorithm>
#include <utility>

#include <understudy/base/text_writer.hpp>
#include <understudy/codec/headers.hpp>
#include <understudy/proxy/load_report.hpp>

#include "proxy/head_text.hpp"

namespace understudy::proxy {
namespace {

using base::text_writer;

void append_status_line(text_writer& out, int status, std::string_view reason) {
  out.put("HTTP/1.1 ");
  out.put_number(status);
  out.put(' ', reason.empty() ? reason_phrase(status) : reason, "\r\n");
}

void append_length(text_writer& out, std::uint64_t length) {
  out.put("content-length: ");
  out.put_number(length);
  out.put("\r\n");
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == '[' || c == ']';
}

/// The names of members may be the client's own: nothing of them may end the field.
void append_dropped(text_writer& out, std::span<const std::string> names) {
  if (names.empty()) return;
  out.put("x-understudy-dropped: ");
  bool is_first = true;
  for (const auto& name : names) {
    if (!std::exchange(is_first, false)) out.put(", ");
    for (const char c : name) out.put(is_plain(c) ? c : '?');
  }
  out.put("\r\n");
}

void append_notes(text_writer& out, const response_notes& notes, bool closes) {
  if (!notes.request_id.empty()) append_field(out, "x-request-id", notes.request_id);
  if (notes.is_ai) {
    out.put("x-understudy-attempts: ");
    out.put_number(notes.attempts);
    out.put("\r\n");
    if (!notes.backend.empty()) append_field(out, "x-understudy-backend", notes.backend);
  }
  if (!notes.error_origin.empty())
    append_field(out, "x-understudy-error-origin", notes.error_origin);
  if (notes.forbids_sdk_retry) append_field(out, "x-should-retry", "false");
  if (!notes.server_timing.empty()) append_field(out, "server-timing", notes.server_timing);
  append_dropped(out, notes.dropped);
  for (const auto& f : notes.extra) append_field(out, f.name, f.value);
  if (closes) append_field(out, "connection", "close");
}

template <class List>
bool names(const List& fields, std::string_view name) {
  return std::ranges::any_of(fields, [&](const auto& f) { return base::iequals(f.name, name); });
}

bool is_ours(std::string_view name, const response_notes& notes) {
  if (base::istarts_with(name, "x-understudy-")) return true;
  if (base::iequals(name, "x-request-id")) return !notes.request_id.empty();
  if (notes.hides_load_report && is_load_report(name)) return true;
  return notes.forbids_sdk_retry && base::iequals(name, "x-should-retry");
}

}  // namespace

void append_downstream_head(std::string& to, const codec::response_head& head,
                            const std::vector<codec::owned_field>& set,
                            const plan::header_mutation* filters, const response_length& length,
                            const response_notes& notes, bool closes) {
  text_writer out{to, 1024};
  append_status_line(out, head.status, head.reason);
  const codec::connection_options options{head.fields};
  const bool has_filters =
      filters != nullptr && (!filters->set.empty() || !filters->remove.empty());
  for (const auto& f : head.fields) {
    const auto kind = codec::kind_of(f.name);
    if (kind == codec::field_kind::length || kind == codec::field_kind::hop_by_hop) continue;
    if (options.contains(f.name) || is_ours(f.name, notes)) continue;
    if (names(set, f.name)) continue;
    if (has_filters &&
        (std::ranges::any_of(filters->remove,
                             [&](const auto& n) { return base::iequals(n, f.name); }) ||
         names(filters->set, f.name)))
      continue;
    append_field(out, f.name, f.value);
  }
  for (const auto& f : set)
    if (!f.value.empty() && !(has_filters && names(filters->set, f.name)))
      append_field(out, f.name, f.value);
  if (has_filters)
    for (const auto& f : filters->set) append_field(out, f.name, f.value);
  append_notes(out, notes, closes);
  if (length.is_chunked) {
    append_field(out, "transfer-encoding", "chunked");
  } else if (length.content_length) {
    append_length(out, *length.content_length);
  }
  out.put("\r\n");
}

void append_local_reply(std::string& to, const local_reply& reply, const response_notes& notes,
                        bool is_head, bool closes) {
  text_writer out{to};
  append_status_line(out, reply.status, {});
  if (!reply.body.empty()) append_field(out, "content-type", reply.content_type);
  for (const auto& f : reply.fields) append_field(out, f.name, f.value);
  append_notes(out, notes, closes);
  if (reply.status != 204) append_length(out, reply.body.size());
  out.put("\r\n");
  if (!is_head) out.put(reply.body);
}

}  // namespace understudy::proxy
