#include <understudy/proxy/upstream_head.hpp>

#include <algorithm>
#include <array>

#include <understudy/codec/headers.hpp>

#include "proxy/head_text.hpp"

namespace understudy::proxy {
namespace {

using codec::owned_field;

constexpr std::string_view accept_encoding = "accept-encoding";

bool names(const std::vector<owned_field>& fields, std::string_view name) {
  return std::ranges::any_of(fields, [&](const auto& f) { return base::iequals(f.name, name); });
}

bool names(const std::vector<std::string>& list, std::string_view name) {
  return std::ranges::any_of(list, [&](const auto& n) { return base::iequals(n, name); });
}

/// What another vendor may know of the client: nothing but who asks and the trace it belongs to.
bool is_allowed_abroad(std::string_view name) {
  static constexpr std::array<std::string_view, 4> allowed{"user-agent", "traceparent",
                                                           "tracestate", "baggage"};
  return std::ranges::any_of(allowed, [&](auto a) { return base::iequals(a, name); });
}

/// A name that no mutation and no client may set: framing, routing and the gateway's own.
bool is_reserved(std::string_view name) {
  const auto kind = codec::kind_of(name);
  return name.starts_with(':') || kind == codec::field_kind::length ||
         kind == codec::field_kind::hop_by_hop || base::istarts_with(name, "x-ai-eg-") ||
         base::iequals(name, "x-envoy-original-path");
}

class head_writer {
 public:
  head_writer(std::string& out, const upstream_head_parts& parts)
      : out_{out, 1024},
        parts_{parts},
        is_native_{!parts.rule->is_ai || is_native(parts.op, parts.backend->schema)},
        has_own_credential_{parts.auth != nullptr && !parts.auth->empty()},
        has_changes_{changes(parts)} {}

  void write() {
    const auto& head = *parts_.original;
    out_.put(head.method, ' ', parts_.target_path, " HTTP/1.1\r\n");
    if (!is_replaced("host")) append_field(out_, "host", parts_.host);
    write_client_fields();
    write_own_fields();
    // The last list wins: translator, then the rule's filter, then the backend's, then auth.
    if (parts_.set != nullptr)
      write_set(*parts_.set, [&](auto n) {
        return names(parts_.rule->request_headers.remove, n) ||
               names(parts_.backend->headers.remove, n) || is_set_by_mutation(n) || is_auth(n);
      });
    write_set(parts_.rule->request_headers.set, [&](auto n) {
      return is_reserved(n) || names(parts_.backend->headers.set, n) || is_auth(n);
    });
    write_set(parts_.backend->headers.set, [&](auto n) { return is_reserved(n) || is_auth(n); });
    if (parts_.auth != nullptr) write_set(*parts_.auth, [](auto) { return false; });
    if (parts_.has_body || parts_.body_size != 0) {
      out_.put("content-length: ");
      out_.put_number(parts_.body_size);
      out_.put("\r\n");
    }
    out_.put("\r\n");
  }

 private:
  static bool changes(const upstream_head_parts& parts) {
    const auto& of_rule = parts.rule->request_headers;
    const auto& of_backend = parts.backend->headers;
    return (parts.set != nullptr && !parts.set->empty()) ||
           (parts.auth != nullptr && !parts.auth->empty()) || !of_rule.set.empty() ||
           !of_rule.remove.empty() || !of_backend.set.empty() || !of_backend.remove.empty();
  }

  void write_client_fields() {
    const codec::connection_options options{parts_.original->fields};
    // A credential that would reach another vendor is no help to it.
    const bool keeps_credentials = !has_own_credential_ && is_native_;
    for (const auto& f : parts_.original->fields) {
      if (!codec::is_forwarded_upstream(f.name, options, !keeps_credentials)) continue;
      if (!is_native_ && !is_allowed_abroad(f.name)) continue;
      if (base::iequals(f.name, "x-request-id") || is_forwarding_field(f.name)) continue;
      if (parts_.is_answer_read && base::iequals(f.name, accept_encoding)) continue;
      if (is_of_trace(f.name)) continue;
      if (has_changes_ && (is_removed(f.name) || is_replaced(f.name))) continue;
      append_field(out_, f.name, f.value);
    }
  }

  void write_own_fields() {
    if (parts_.is_answer_read && !(has_changes_ && is_replaced(accept_encoding)))
      append_field(out_, accept_encoding, "identity");
    if (!is_removed("x-request-id") && !is_replaced("x-request-id"))
      append_field(out_, "x-request-id", parts_.request_id);
    for (const auto& f : parts_.trace)
      if (!f.value.empty() && !is_removed(f.name) && !is_replaced(f.name))
        append_field(out_, f.name, f.value);
    if (parts_.rule->is_ai) return;
    out_.put("x-forwarded-for: ");
    for (const auto& f : parts_.original->fields)
      if (base::iequals(f.name, "x-forwarded-for")) out_.put(f.value, ',');
    out_.put(parts_.client_address, "\r\n");
    append_field(out_, "x-forwarded-proto", parts_.is_client_tls ? "https" : "http");
  }

  bool is_of_trace(std::string_view name) const {
    return std::ranges::any_of(parts_.trace,
                               [&](const auto& f) { return base::iequals(f.name, name); });
  }

  bool is_forwarding_field(std::string_view name) const {
    return base::iequals(name, "x-forwarded-for") ||
           (!parts_.rule->is_ai && base::iequals(name, "x-forwarded-proto"));
  }

  template <class Skip>
  void write_set(const std::vector<owned_field>& fields, Skip&& skip) {
    for (const auto& f : fields)
      if (!skip(std::string_view{f.name})) append_field(out_, f.name, f.value);
  }

  bool is_removed(std::string_view name) const {
    return names(parts_.rule->request_headers.remove, name) ||
           names(parts_.backend->headers.remove, name);
  }
  bool is_set_by_mutation(std::string_view name) const {
    return (names(parts_.rule->request_headers.set, name) ||
            names(parts_.backend->headers.set, name)) &&
           !is_reserved(name);
  }
  bool is_auth(std::string_view name) const {
    return parts_.auth != nullptr && names(*parts_.auth, name);
  }
  bool is_replaced(std::string_view name) const {
    return (parts_.set != nullptr && names(*parts_.set, name)) || is_set_by_mutation(name) ||
           is_auth(name);
  }

  base::text_writer out_;
  const upstream_head_parts& parts_;
  bool is_native_;
  bool has_own_credential_;
  bool has_changes_;  ///< of anybody to the client's fields
};

}  // namespace

bool is_native(translate::operation op, translate::schema target) {
  using translate::operation;
  using translate::schema;
  switch (op) {
    case operation::messages:
    case operation::count_tokens:
    case operation::anthropic_other:
      return target == schema::anthropic;
    case operation::rerank:
    case operation::cohere_other:
      return target == schema::cohere;
    default:
      return target == schema::openai || target == schema::azure_openai ||
             target == schema::aws_openai;
  }
}

std::string_view upstream_host(const plan::target& target, std::string_view client_host) {
  if (!target.hostname.empty()) return target.hostname;
  if (target.kind == plan::target_kind::fqdn) return target.host;
  return client_host.empty() ? std::string_view{target.host} : client_host;
}

void append_upstream_head(std::string& out, const upstream_head_parts& parts) {
  head_writer{out, parts}.write();
}

}  // namespace understudy::proxy
