#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <understudy/config/documents.hpp>
#include <understudy/config/load.hpp>
#include <understudy/plan/compile.hpp>

namespace plan_test {

namespace config = understudy::config;
namespace plan = understudy::plan;

struct outcome {
  std::shared_ptr<const plan::plan> compiled;
  std::vector<std::string> told;  ///< of both rooms, infos included

  bool says(const std::string& part) const {
    for (const auto& line : told)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }
};

inline outcome finish(const config::load_result& loaded) {
  const auto result = plan::compile(*loaded.loaded, 1'700'000'000);
  outcome out;
  out.compiled = result.compiled;
  for (const auto& f : loaded.findings) out.told.push_back(to_text(f));
  for (const auto& f : result.findings) out.told.push_back(to_text(f));
  return out;
}

inline outcome compile(const std::string& text) {
  config::load_options options;
  options.environment = [](const std::string&) { return std::nullopt; };
  return finish(config::load_texts({{"f.yaml", text}}, options));
}

inline outcome compile_file(const std::string& path,
                            const std::map<std::string, std::string>& variables) {
  config::load_options options;
  options.environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional{found->second};
  };
  return finish(config::load_paths({path}, options));
}

// Pieces of configurations, one document each.

inline std::string route(const std::string& refs, const std::string& rule_more = "",
                         const std::string& spec_more = "", const std::string& name = "chat") {
  return "---\napiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIGatewayRoute\nmetadata: "
         "{name: " +
         name + ", namespace: default}\nspec:\n" + spec_more + "  rules:\n    - backendRefs: [" +
         refs + "]\n" + rule_more;
}

inline std::string backend(const std::string& name, const std::string& endpoint,
                           const std::string& more = "") {
  return "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: Backend\nmetadata: {name: " +
         name + ", namespace: default}\nspec:\n  endpoints: [{" + endpoint + "}]\n" + more;
}

inline std::string service(const std::string& name, const std::string& schema,
                           const std::string& more = "") {
  return "---\napiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIServiceBackend\nmetadata: "
         "{name: " +
         name + ", namespace: default}\nspec:\n  schema: {" + schema +
         "}\n  backendRef: {group: gateway.envoyproxy.io, kind: Backend, name: " + name + "}\n" +
         more;
}

inline std::string traffic(const std::string& spec,
                           const std::string& target = "HTTPRoute, name: chat",
                           const std::string& name = "policy") {
  return "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: BackendTrafficPolicy\nmetadata: "
         "{name: " +
         name +
         ", namespace: default}\nspec:\n  targetRefs: [{group: gateway.networking.k8s.io, kind: " +
         target + "}]\n" + spec;
}

inline const std::string local_endpoint = "ip: {address: 127.0.0.1, port: 8080}";

/// A policy for one backend, with the Secrets that its parts may name.
inline std::string policy(const std::string& target, const std::string& type,
                          const std::string& field, const std::string& value,
                          const std::string& more = "") {
  return "---\napiVersion: aigateway.envoyproxy.io/v1beta1\nkind: BackendSecurityPolicy\n"
         "metadata: {name: policy, namespace: default}\nspec:\n"
         "  targetRefs: [{group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: " +
         target + "}]\n  type: " + type + "\n  " + field + ": " + value + "\n" + more +
         "---\napiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: default}\n"
         "stringData: {apiKey: sk-secret, client-secret: cs-secret, service_account.json: \"{}\"}\n"
         "---\napiVersion: v1\nkind: Secret\nmetadata: {name: far, namespace: other}\n"
         "stringData: {client-secret: far-secret}\n";
}

inline const std::string one_backend = backend("openai", local_endpoint);

inline bool has(const plan::rule& rule, understudy::resilience::trigger t) {
  return rule.cluster.retry.triggers.test(static_cast<std::size_t>(t));
}

}  // namespace plan_test
