#include "config/cost_fields.hpp"
#include "config/kinds.hpp"

namespace understudy::config {

// CRD: api/v1beta1/gateway_config.go of envoyproxy/ai-gateway.
object_header& read_gateway_config(object_reader& root, object_header header,
                                   kind_context& context) {
  auto& out = context.out.gateway_configs.emplace_back();
  out.header = std::move(header);
  root.object("spec", [&](object_reader& spec) {
    read_costs(spec, "globalLLMRequestCosts", out.costs);
    spec.harmless({"extProc"});
    spec.not_acting({"forwardProxy"});
  });
  return out.header;
}

}  // namespace understudy::config
