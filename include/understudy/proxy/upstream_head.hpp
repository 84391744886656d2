#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <understudy/codec/http.hpp>
#include <understudy/plan/plan.hpp>
#include <understudy/translate/translator.hpp>

namespace understudy::proxy {

/// True where the backend speaks the client's own dialect, so that its fields and errors may go
/// through as they are.
bool is_native(translate::operation op, translate::schema target);

/// Everything that the head of one attempt is made of. Always built from the client's original.
struct upstream_head_parts {
  const codec::request_head* original = nullptr;
  const plan::rule* rule = nullptr;
  const plan::backend* backend = nullptr;
  translate::operation op = translate::operation::unknown;
  std::string_view target_path;                           ///< what the translator said
  const std::vector<codec::owned_field>* set = nullptr;   ///< the translator's fields
  const std::vector<codec::owned_field>* auth = nullptr;  ///< credentials: they win over all
  /// The trace's fields: they replace the client's, one with an empty value by nothing.
  std::span<const codec::field> trace{};
  std::string_view request_id;
  std::string_view client_address;
  std::string_view host;  ///< upstream_host(), or the name that was signed
  bool is_client_tls = false;
  bool is_answer_read = false;  ///< by us, too: it must not come compressed
  bool has_body = false;
  std::size_t body_size = 0;
};

/// The Host that goes upstream: the endpoint's name without its port, or the client's where the
/// endpoint is a bare address (spec/gateway-config.md §2.6).
std::string_view upstream_host(const plan::target& target, std::string_view client_host);

/// Appends the request head, the empty line included. Hop-by-hop fields, framing fields,
/// `x-ai-eg-*`, Envoy's steering headers and, where the backend has credentials of its own or
/// speaks another dialect, the client's credentials stay behind.
void append_upstream_head(std::string& out, const upstream_head_parts& parts);

}  // namespace understudy::proxy
