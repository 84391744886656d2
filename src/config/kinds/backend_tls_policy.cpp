#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {

static void read_fields(object_reader& in, subject_alt_name& out) {
  static constexpr std::array<std::string_view, 2> types{"Hostname", "URI"};
  in.text("type", out.type, {.is_required = true, .hint = "`Hostname`", .choices = types});
  in.text("hostname", out.hostname, {.check = check_hostname_pattern});
  in.text("uri", out.uri, {.when = acts::not_yet});
  if (out.type.value == "Hostname" && !out.hostname.is_written)
    in.error(in.at(), "hostname", "required field is missing; write the name to accept");
}

static void read_validation(object_reader& in, tls_validation& out) {
  static constexpr std::array<std::string_view, 1> system{"System"};
  static constexpr std::array<std::string_view, 2> kinds{"ConfigMap", "Secret"};
  in.text("hostname", out.hostname,
          {.is_required = true,
           .hint = "the name on the backend's certificate",
           .check = check_hostname_pattern});
  in.text("wellKnownCACertificates", out.well_known_ca, {.choices = system});
  in.list("caCertificateRefs",
          [&](object_reader& ref) { read_certificate_ref(ref, out.ca_refs.emplace_back(), kinds); },
          {.max = 8});
  in.into("subjectAltNames", out.subject_alt_names, {.max = 5});
  if (out.ca_refs.empty() != out.well_known_ca.is_written)
    in.error(in.at(), "",
             "needs exactly one of `wellKnownCACertificates` and `caCertificateRefs`; write "
             "`wellKnownCACertificates: System` for public providers");
}

object_header& read_backend_tls_policy(object_reader& root, object_header header,
                                       kind_context& context) {
  static constexpr std::array<target_kind_name, 2> targets{
      {{"Backend", envoy_group}, {"Service", ""}}};
  auto& out = context.out.tls_policies.emplace_back();
  out.header = std::move(header);
  root.object(
      "spec",
      [&](object_reader& spec) {
        read_targets(spec, targets, out.targets);
        spec.object(
            "validation", [&](object_reader& in) { read_validation(in, out.validation); }, true,
            "`hostname` and the CA under it");
        spec.not_acting({"options"});
      },
      true);
  return out.header;
}

}  // namespace understudy::config
