#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {

constexpr number_rules port_rules{.is_required = true, .min = 1, .max = 65'535};

static std::string check_socket_path(std::string_view text) {
  return text.starts_with('/') ? "" : "is no absolute path; begin it with `/`";
}

static void read_fields(object_reader& in, backend_endpoint& out) {
  out.at = in.at();
  const int forms = in.has("fqdn") + in.has("ip") + in.has("unix");
  in.object("fqdn", [&](object_reader& f) {
    out.kind = endpoint_kind::fqdn;
    f.text("hostname", out.host,
           {.is_required = true, .hint = "the provider's host name", .check = check_fqdn});
    f.number("port", out.port, port_rules);
  });
  in.object("ip", [&](object_reader& f) {
    out.kind = endpoint_kind::ip;
    f.text("address", out.host, {.is_required = true, .hint = "an IP address", .check = check_ip});
    f.number("port", out.port, port_rules);
  });
  in.object("unix", [&](object_reader& f) {
    out.kind = endpoint_kind::unix_socket;
    f.text("path", out.host,
           {.is_required = true,
            .hint = "the socket's path",
            .max_length = 107,
            .check = check_socket_path});
  });
  in.text("hostname", out.hostname, {.check = check_fqdn});
  in.not_acting({"zone"});
  if (forms != 1)
    in.error(out.at, "",
             forms == 0 ? "names no address; write one of `fqdn`, `ip`, `unix`"
                        : "names several addresses; write one endpoint for each");
}

static void check_mixture(object_reader& in, const std::vector<backend_endpoint>& endpoints) {
  for (const auto& e : endpoints)
    if ((e.kind == endpoint_kind::fqdn) != (endpoints.front().kind == endpoint_kind::fqdn)) {
      in.error(e.at, "endpoints",
               "mixes `fqdn` with `ip` or `unix`; write two Backends and two backendRefs");
      return;
    }
}

static void read_fields(object_reader& in, backend_tls_spec& out) {
  static constexpr std::array<std::string_view, 1> system{"System"};
  static constexpr std::array<std::string_view, 5> versions{"Auto", "1.0", "1.1", "1.2", "1.3"};
  static constexpr std::array<std::string_view, 2> ca_kinds{"ConfigMap", "Secret"};
  static constexpr std::array<std::string_view, 1> secret_only{"Secret"};
  out.at = in.at();
  in.list(
      "caCertificateRefs",
      [&](object_reader& ref) { read_certificate_ref(ref, out.ca_refs.emplace_back(), ca_kinds); },
      {.max = 8});
  in.text("wellKnownCACertificates", out.well_known_ca, {.choices = system});
  in.boolean("insecureSkipVerify", out.insecure_skip_verify);
  in.text("sni", out.sni, {.check = check_hostname_pattern});
  in.boolean("autoSNIFromEndpointHostname", out.auto_sni);
  in.object("clientCertificateRef", [&](object_reader& ref) {
    read_certificate_ref(ref, out.client_certificate.emplace(), secret_only);
  });
  in.text("minVersion", out.min_version, {.choices = versions});
  in.text("maxVersion", out.max_version, {.choices = versions});
  in.not_acting({"ciphers", "ecdhCurves", "signatureAlgorithms", "alpnProtocols"});
  if (!out.ca_refs.empty() && out.well_known_ca.is_written)
    in.error(out.well_known_ca.at, "wellKnownCACertificates",
             "stands beside `caCertificateRefs`; write one of the two");
}

static void warn_protocols(object_reader& spec) {
  std::vector<located<std::string>> protocols;
  static constexpr std::array<std::string_view, 3> known{
      "gateway.envoyproxy.io/h2c", "gateway.envoyproxy.io/ws", "gateway.envoyproxy.io/wss"};
  spec.texts("appProtocols", protocols, {.when = acts::not_yet}, {.choices = known});
}

object_header& read_backend(object_reader& root, object_header header, kind_context& context) {
  auto& out = context.out.backends.emplace_back();
  out.header = std::move(header);
  root.object(
      "spec",
      [&](object_reader& spec) {
        static constexpr std::array<std::string_view, 2> types{"Endpoints", "DynamicResolver"};
        located<std::string> type{"Endpoints"};
        spec.text("type", type, {.choices = types});
        if (type.value == "DynamicResolver")
          spec.error(type.at, "type",
                     "`DynamicResolver` does not act yet; write `Endpoints` and list them");
        spec.into("endpoints", out.endpoints,
                  {.is_required = type.value == "Endpoints",
                   .min = 1,
                   .max = 256,
                   .hint = "at least one of `fqdn`, `ip`, `unix`"});
        check_mixture(spec, out.endpoints);
        spec.boolean("fallback", out.fallback);
        spec.into("tls", out.tls);
        warn_protocols(spec);
      },
      true);
  return out.header;
}

}  // namespace understudy::config
