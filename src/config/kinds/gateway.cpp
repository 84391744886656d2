#include "config/kinds.hpp"
#include "config/scalars.hpp"
#include "config/shared_fields.hpp"

namespace understudy::config {

static void read_tls(object_reader& in, gateway_listener& out) {
  static constexpr std::array<std::string_view, 2> modes{"Terminate", "Passthrough"};
  static constexpr std::array<std::string_view, 1> secret_only{"Secret"};
  located<std::string> mode{"Terminate"};
  in.text("mode", mode, {.choices = modes});
  if (mode.value == "Passthrough")
    in.error(mode.at, "mode",
             "understudy reads requests and can't pass TLS through; write "
             "`Terminate` with `certificateRefs`");
  in.list("certificateRefs",
          [&](object_reader& ref) {
            read_certificate_ref(ref, out.certificates.emplace_back(), secret_only);
          },
          {.max = 64});
  in.not_acting({"options", "frontendValidation"});
}

static void read_allowed_routes(object_reader& in, gateway_listener& out) {
  static constexpr std::array<std::string_view, 3> from{"Same", "All", "Selector"};
  in.object("namespaces", [&](object_reader& namespaces) {
    namespaces.text("from", out.routes_from, {.choices = from});
    if (out.routes_from.value == "Selector")
      namespaces.warning(out.routes_from.at, "from",
                         "namespaces have no labels here; `Selector` lets every namespace in");
    namespaces.harmless({"selector"});
  });
  in.harmless({"kinds"});
}

static void read_fields(object_reader& in, gateway_listener& out) {
  static constexpr std::array<std::string_view, 5> protocols{"HTTP", "HTTPS", "TLS", "TCP", "UDP"};
  out.at = in.at();
  in.text("name", out.name,
          {.is_required = true, .hint = "a name for the listener", .check = check_object_name});
  in.text("protocol", out.protocol,
          {.is_required = true, .hint = "`HTTP` or `HTTPS`", .choices = protocols});
  in.number("port", out.port, {.is_required = true, .min = 1, .max = 65'535});
  in.text("hostname", out.hostname, {.check = check_hostname_pattern});
  in.object("tls", [&](object_reader& tls) { read_tls(tls, out); });
  in.object("allowedRoutes", [&](object_reader& allowed) { read_allowed_routes(allowed, out); });
  const auto& protocol = out.protocol.value;
  if (protocol == "HTTPS" && out.certificates.empty())
    in.error(in.has("tls") ? in.at_key("tls") : in.at(), "tls",
             "an HTTPS listener needs a certificate; write `certificateRefs` with a Secret that "
             "holds `tls.crt` and `tls.key`");
  if (out.protocol.is_written && protocol != "HTTP" && protocol != "HTTPS")
    in.warning(out.protocol.at, "protocol",
               "`" + protocol + "` does not act; the listener is not opened");
}

static void check_names(object_reader& in, const std::vector<gateway_listener>& listeners) {
  for (std::size_t i = 1; i < listeners.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!listeners[i].name.value.empty() && listeners[i].name.value == listeners[j].name.value) {
        in.error(listeners[i].name.at, "listeners",
                 "listener name `" + listeners[i].name.value + "` is used twice; choose another");
        break;
      }
}

object_header& read_gateway(object_reader& root, object_header header, kind_context& context) {
  auto& out = context.out.gateways.emplace_back();
  out.header = std::move(header);
  root.object(
      "spec",
      [&](object_reader& spec) {
        located<std::string> class_name;
        spec.text("gatewayClassName", class_name,
                  {.is_required = true, .hint = "the name of a GatewayClass"});
        spec.into("listeners", out.listeners,
                  {.is_required = true, .min = 1, .max = 64, .hint = "at least one listener"});
        check_names(spec, out.listeners);
        spec.harmless({"infrastructure"});
        spec.not_acting({"addresses", "allowedListeners", "backendTLS", "tls", "defaultScope"});
      },
      true);
  return out.header;
}

}  // namespace understudy::config
