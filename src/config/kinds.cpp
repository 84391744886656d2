#include "config/kinds.hpp"

#include <array>

#include "config/shared_fields.hpp"

namespace understudy::config {
namespace {

constexpr auto ignored = kind_use::ignored;
constexpr auto not_acting = kind_use::not_acting;
constexpr auto typed = kind_use::read;

constexpr auto table = std::to_array<kind_entry>({
    {"AIGatewayRoute", ai_group, "v1beta1 v1alpha1", typed, read_ai_gateway_route},
    {"AIServiceBackend", ai_group, "v1beta1 v1alpha1", typed, read_ai_service_backend},
    {"BackendSecurityPolicy", ai_group, "v1beta1 v1alpha1", typed, read_backend_security_policy},
    {"GatewayConfig", ai_group, "v1beta1 v1alpha1", typed, read_gateway_config},
    {"MCPRoute", ai_group, "v1beta1 v1alpha1", not_acting},
    {"QuotaPolicy", ai_group, "v1alpha1", not_acting},

    {"Backend", envoy_group, "v1alpha1", typed, read_backend},
    {"BackendTrafficPolicy", envoy_group, "v1alpha1", typed, read_backend_traffic_policy},
    {"ClientTrafficPolicy", envoy_group, "v1alpha1", typed, read_client_traffic_policy},
    {"EnvoyExtensionPolicy", envoy_group, "v1alpha1", not_acting},
    {"EnvoyPatchPolicy", envoy_group, "v1alpha1", not_acting},
    {"EnvoyProxy", envoy_group, "v1alpha1", typed, read_envoy_proxy},
    {"HTTPRouteFilter", envoy_group, "v1alpha1", not_acting},
    {"SecurityPolicy", envoy_group, "v1alpha1", not_acting},

    {"BackendTLSPolicy", gateway_group, "v1 v1alpha3", typed, read_backend_tls_policy},
    {"GRPCRoute", gateway_group, "v1 v1alpha2", not_acting},
    {"Gateway", gateway_group, "v1 v1beta1", typed, read_gateway},
    {"GatewayClass", gateway_group, "v1 v1beta1", ignored},
    {"HTTPRoute", gateway_group, "v1 v1beta1", typed, read_http_route},
    {"ReferenceGrant", gateway_group, "v1 v1beta1", typed, read_reference_grant},
    {"TCPRoute", gateway_group, "v1alpha2", not_acting},
    {"TLSRoute", gateway_group, "v1 v1alpha3 v1alpha2", not_acting},

    {"FailoverPolicy", "understudy.dev", "v1alpha1", typed, read_failover_policy},
    {"InferencePool", "inference.networking.k8s.io", "v1", not_acting},

    {"ConfigMap", "", "v1", typed, read_config_map},
    {"Namespace", "", "v1", ignored},
    {"Pod", "", "v1", ignored},
    {"Secret", "", "v1", typed, read_secret},
    {"Service", "", "v1", ignored},
    {"ServiceAccount", "", "v1", ignored},
    {"DaemonSet", "apps", "v1", ignored},
    {"Deployment", "apps", "v1", ignored},
    {"StatefulSet", "apps", "v1", ignored},
    {"HorizontalPodAutoscaler", "autoscaling", "v2 v1", ignored},
    {"Ingress", "networking.k8s.io", "v1", ignored},
    {"NetworkPolicy", "networking.k8s.io", "v1", ignored},
    {"PodDisruptionBudget", "policy", "v1", ignored},
    {"ClusterRole", "rbac.authorization.k8s.io", "v1", ignored},
    {"ClusterRoleBinding", "rbac.authorization.k8s.io", "v1", ignored},
    {"Role", "rbac.authorization.k8s.io", "v1", ignored},
    {"RoleBinding", "rbac.authorization.k8s.io", "v1", ignored},
});

}  // namespace

std::span<const kind_entry> all_kinds() { return table; }

}  // namespace understudy::config
