#include <algorithm>

#include "plan/backends.hpp"

namespace understudy::plan {
namespace {

int version_number(std::string_view text, int otherwise) {
  if (text == "1.3") return 13;
  if (text == "1.2") return 12;
  if (text == "1.1") return 11;
  if (text == "1.0") return 10;
  return otherwise;
}

/// Value of a key in the Secret or ConfigMap that `ref` names; an error when it is not there.
std::string referenced(compile_state& state, const config::object_header& owner,
                       const std::string& field, const config::object_ref& ref,
                       std::string_view default_kind, const std::string& key) {
  const auto kind = ref.kind.is_written ? ref.kind.value : std::string{default_kind};
  const auto& space = ref.name_space.is_written ? ref.name_space.value : owner.name_space;
  const std::map<std::string, std::string>* values = nullptr;
  bool is_broken = state.in.is_incomplete;
  const auto look = [&](const auto& list) {
    if (const auto* found = find_object(list, space, ref.name.value)) {
      values = &found->values;
      is_broken = found->header.is_broken;
    }
  };
  if (kind == "Secret")
    look(state.in.secrets);
  else
    look(state.in.config_maps);
  if (values == nullptr) {
    if (!is_broken) {
      const auto names = kind == "Secret" ? names_in(space, state.in.secrets)
                                          : names_in(space, state.in.config_maps);
      state.say.error(ref.name.at, owner, field + ".name",
                      "no " + kind + " `" + space + "/" + ref.name.value + "`; " +
                          remedy(ref.name.value, names, "add it"));
    }
    return {};
  }
  const auto value = values->find(key);
  if (value == values->end() || value->second.empty()) {
    if (!is_broken)
      state.say.error(ref.name.at, owner, field + ".name",
                      kind + " `" + space + "/" + ref.name.value + "` has no `" + key +
                          "`; add that key to it");
    return {};
  }
  return value->second;
}

std::string bundle(compile_state& state, const config::object_header& owner,
                   const std::string& field, const std::vector<config::object_ref>& refs) {
  std::string out;
  for (std::size_t i = 0; i < refs.size(); ++i) {
    out += referenced(state, owner, field + "[" + std::to_string(i) + "]", refs[i], "ConfigMap",
                      "ca.crt");
    if (!out.empty() && out.back() != '\n') out += '\n';
  }
  return out;
}

void apply_backend_tls(compile_state& state, const config::backend_object& object,
                       upstream_tls& out, bool& has_ca) {
  const auto& spec = *object.tls;
  out.server_name = spec.sni.value;
  out.is_verified = !spec.insecure_skip_verify.value;
  out.min_version = version_number(spec.min_version.value, 12);
  out.max_version = version_number(spec.max_version.value, 13);
  has_ca = spec.well_known_ca.is_written || !spec.ca_refs.empty();
  if (!spec.ca_refs.empty()) {
    out.uses_system_ca = false;
    out.ca_pem = bundle(state, object.header, "spec.tls.caCertificateRefs", spec.ca_refs);
  }
  if (spec.client_certificate) {
    const std::string field = "spec.tls.clientCertificateRef";
    out.certificate_pem =
        referenced(state, object.header, field, *spec.client_certificate, "Secret", "tls.crt");
    out.private_key_pem =
        referenced(state, object.header, field, *spec.client_certificate, "Secret", "tls.key");
  }
}

void apply_tls_policy(compile_state& state, const config::backend_tls_policy& policy,
                      upstream_tls& out) {
  const auto& validation = policy.validation;
  out.server_name = validation.hostname.value;
  out.uses_system_ca = validation.ca_refs.empty();
  out.ca_pem =
      bundle(state, policy.header, "spec.validation.caCertificateRefs", validation.ca_refs);
  out.subject_alt_names.clear();
  for (const auto& san : validation.subject_alt_names)
    if (!san.hostname.value.empty()) out.subject_alt_names.push_back(san.hostname.value);
}

bool covers(const config::backend_tls_policy& policy, const config::backend_object& object) {
  return policy.header.name_space == object.header.name_space &&
         std::ranges::any_of(policy.targets, [&](const config::target_ref& target) {
           if (target.kind.value != "Backend" || target.name.value != object.header.name)
             return false;
           return !target.section.is_written ||
                  std::ranges::any_of(object.endpoints, [&](const config::backend_endpoint& e) {
                    return std::to_string(e.port.value) == target.section.value;
                  });
         });
}

std::optional<upstream_tls> inferred(compile_state& state, const config::backend_object& object) {
  const auto is_443 = [](const config::backend_endpoint& e) { return e.port.value == 443; };
  if (!std::ranges::any_of(object.endpoints, is_443)) return std::nullopt;
  if (!std::ranges::all_of(object.endpoints, is_443)) {
    state.say.warning(object.header.at, object.header, "spec.endpoints",
                      "port 443 beside others, without `tls`: all speak plain text; write `tls` "
                      "or a BackendTLSPolicy, or two Backends");
    return std::nullopt;
  }
  state.say.info(object.endpoints.front().port.at, object.header, "spec.endpoints",
                 "port 443 without `tls` and without a BackendTLSPolicy: speaks TLS, verified "
                 "against the system's CAs and the host name");
  return upstream_tls{};
}

}  // namespace

std::optional<upstream_tls> compile_tls(compile_state& state,
                                        const config::backend_object& object) {
  const config::backend_tls_policy* policy = nullptr;
  for (const auto& candidate : state.in.tls_policies) {
    if (!covers(candidate, object)) continue;
    if (policy != nullptr)
      state.say.warning(candidate.header.at, candidate.header, "spec.targetRefs",
                        "Backend `" + object.header.id() + "` has a BackendTLSPolicy already, `" +
                            policy->header.name + "`, which wins; remove one of the two");
    else
      policy = &candidate;
  }
  if (policy == nullptr && !object.tls) return inferred(state, object);
  upstream_tls out;
  bool has_ca = policy != nullptr;
  bool has_own_ca = false;
  if (object.tls) apply_backend_tls(state, object, out, has_own_ca);
  if (policy != nullptr) apply_tls_policy(state, *policy, out);
  if (!has_ca && !has_own_ca && out.is_verified && !object.header.is_broken)
    state.say.error(object.tls->at, object.header, "spec.tls",
                    "names no CA; write `wellKnownCACertificates: System` or `caCertificateRefs`");
  return out;
}

}  // namespace understudy::plan
