#include <understudy/credentials/apply.hpp>

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

base::result<void, std::string> apply(const plan::backend& backend, const signed_parts& request,
                                      std::string_view host, const aws_keys* keys,
                                      base::wall_time now, std::vector<codec::owned_field>& set) {
  if (const auto* header = std::get_if<plan::header_credential>(&backend.auth)) {
    set.push_back({header->header, header->value});
    return {};
  }
  const auto* aws = std::get_if<plan::aws_credential>(&backend.auth);
  if (aws == nullptr) return {};
  if (keys == nullptr) return "backend " + backend.name + " has no AWS keys";
  auto fields = codec::sign({request.method, host, request.target, request.payload},
                            {keys->access_key_id, keys->secret_access_key, keys->session_token},
                            signing_region(host, *aws),
                            codec::bedrock_service_of(host.substr(0, host.rfind(':'))), now);
  for (auto& f : fields) set.push_back(std::move(f));
  return {};
}

}  // namespace understudy::credentials
