#include <understudy/credentials/apply.hpp>

#include <understudy/base/ascii.hpp>
#include <understudy/codec/sigv4.hpp>

namespace understudy::credentials {

std::string signing_host(const plan::target& target, const plan::aws_credential& credential) {
  if (!target.hostname.empty()) return target.hostname;
  if (target.kind == plan::target_kind::fqdn && !target.host.empty()) return target.host;
  return "bedrock-runtime." + credential.region + ".amazonaws.com";
}

std::string signing_region(std::string_view host, const plan::aws_credential& credential) {
  // The port is no part of the name that carries the region.
  const auto name = host.substr(0, host.rfind(':'));
  return codec::bedrock_region_of(name).value_or(credential.region);
}

base::result<std::optional<secret>, refusal> from_request(const plan::backend& backend,
                                                          const codec::field_list& fields) {
  const auto& wanted = *backend.request_auth;
  const auto find = [&](const std::string& name) {
    return std::string{base::trim(fields.find(name).value_or(std::string_view{}))};
  };
  const auto names = wanted.names(backend.auth);
  std::optional<secret> found;
  if (names.size() == 1) {
    auto value = find(names[0]);
    // SDKs send their key so.
    if (base::istarts_with(value, "bearer ")) value = base::trim(value.substr(7));
    if (!value.empty()) found = bearer_token{std::move(value), std::nullopt};
  } else {
    aws_keys keys{find(names[0]), find(names[1]), find(names[2]), std::nullopt};
    const bool is_empty = keys.access_key_id.empty() && keys.secret_access_key.empty();
    if (!is_empty || !keys.session_token.empty()) {
      if (keys.access_key_id.empty() || keys.secret_access_key.empty())
        return refusal{400, "incomplete_credential",
                       "incomplete AWS credential in the request: " + names[0] + " and " +
                           names[1] + " are needed together",
                       true};
      found = std::move(keys);
    }
  }
  if (!found && !wanted.falls_back)
    return refusal{401, "missing_credential", "missing upstream credential"};
  return found;
}

base::result<void, refusal> apply(const plan::backend& backend, const signed_parts& request,
                                  std::string_view host, const secret* held, base::wall_time now,
                                  std::vector<codec::owned_field>& set) {
  const auto* token = held == nullptr ? nullptr : std::get_if<bearer_token>(held);
  if (const auto* header = std::get_if<plan::header_credential>(&backend.auth)) {
    const bool is_bearer = header->header == "authorization";
    set.push_back({header->header,
                   token == nullptr ? header->value : (is_bearer ? "Bearer " : "") + token->value});
    return {};
  }
  if (std::holds_alternative<std::monostate>(backend.auth)) return {};
  const auto* aws = std::get_if<plan::aws_credential>(&backend.auth);
  if (aws == nullptr) {
    if (token == nullptr)
      return refusal{.message = "backend " + backend.name + " has no " +
                                (std::holds_alternative<plan::azure_credential>(backend.auth)
                                     ? "Azure token"
                                     : "Google token")};
    set.push_back({"authorization", "Bearer " + token->value});
    return {};
  }
  const auto* keys = held == nullptr ? nullptr : std::get_if<aws_keys>(held);
  if (keys == nullptr) return refusal{.message = "backend " + backend.name + " has no AWS keys"};
  auto fields = codec::sign({request.method, host, request.target, request.payload},
                            {keys->access_key_id, keys->secret_access_key, keys->session_token},
                            signing_region(host, *aws),
                            codec::bedrock_service_of(host.substr(0, host.rfind(':'))), now);
  for (auto& f : fields) set.push_back(std::move(f));
  return {};
}

}  // namespace understudy::credentials
