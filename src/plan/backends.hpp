#pragma once
#include <optional>
#include <string>

#include "plan/state.hpp"

namespace understudy::plan {

/// A backendRef that is being compiled.
struct ref_context {
  const config::object_header& route;
  std::string field;  ///< `spec.rules[0].backendRefs[1]`
  config::position at;
};

/// A rule's ref to an AIServiceBackend or, through to it, to a Backend. Nothing after an error.
std::optional<backend> compile_backend(compile_state& state, const ref_context& ref,
                                       const config::ai_gateway_route& route,
                                       const config::ai_backend_ref& written);
/// An HTTPRoute's ref to a Backend.
std::optional<backend> compile_backend(compile_state& state, const ref_context& ref,
                                       const config::http_backend_ref& written);

// Steps of the above, each in its file.

/// TLS of a Backend: BackendTLSPolicy over `tls`, or inferred from port 443.
std::optional<upstream_tls> compile_tls(compile_state& state, const config::backend_object& object);
/// `auth` and `request_auth` of an AIServiceBackend (or a Backend that stands for one); its schema
/// is there already.
void compile_credential(compile_state& state, const ref_context& ref,
                        const config::object_header& service, const config::backend_object& object,
                        backend& out);
/// What clients may bring for one backend of a rule goes to none of them.
void hide_request_credentials(std::vector<backend>& backends);

/// What an AIServiceBackend serves itself: everything, or what its annotation lists.
translate::operation_set compile_operations(compile_state& state,
                                            const config::object_header& service);

/// The schema that a provider's host name tells (spec/interface.md); empty when it tells nothing.
std::string_view schema_of_host(std::string_view host);
/// The region in `bedrock-runtime[-fips].REGION.amazonaws.com`, or empty.
std::string_view region_of_host(std::string_view host);

header_mutation merge_headers(const std::optional<config::header_mutation_spec>& ref,
                              const std::optional<config::header_mutation_spec>& service);
body_mutation merge_bodies(const std::optional<config::body_mutation_spec>& ref,
                           const std::optional<config::body_mutation_spec>& service);

}  // namespace understudy::plan
