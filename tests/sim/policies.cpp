#include "sim/policies.hpp"

namespace sim {
namespace {

using texts = std::vector<std::string>;

std::string quoted(duration d) {
  return "\"" + std::to_string(std::chrono::duration_cast<milliseconds>(d).count()) + "ms\"";
}

/// `{a: 1, b: 2}` from the parts that are not empty.
std::string object(const texts& fields) {
  std::string out = "{";
  for (const auto& f : fields) {
    if (f.empty()) continue;
    if (out.size() > 1) out += ", ";
    out += f;
  }
  return out + "}";
}

std::string services(const std::vector<backend_plan>& backends) {
  std::string out;
  for (const auto& b : backends) {
    out +=
        "---\napiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIServiceBackend\n"
        "metadata: {name: " +
        b.name + "}\nspec: {schema: {name: " + (b.is_bedrock ? "AWSBedrock" : "OpenAI") +
        "}, backendRef: {group: gateway.envoyproxy.io, kind: Backend, name: " + b.name + "}}\n" +
        "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: Backend\nmetadata: {name: " +
        b.name + "}\nspec:\n  endpoints:\n";
    for (const auto& a : b.addresses) {
      out += "    - {ip: {address: " + a + ", port: 8080}";
      if (b.is_bedrock) out += ", hostname: bedrock-runtime.us-east-1.amazonaws.com";
      out += "}\n";
    }
  }
  return out;
}

/// Bedrock wants a signature; the key is nobody's.
std::string keys(const std::vector<backend_plan>& backends) {
  std::string targets;
  for (const auto& b : backends)
    if (b.is_bedrock)
      targets +=
          "    - {group: aigateway.envoyproxy.io, kind: AIServiceBackend, name: " + b.name + "}\n";
  if (targets.empty()) return {};
  return "---\napiVersion: aigateway.envoyproxy.io/v1beta1\nkind: BackendSecurityPolicy\n"
         "metadata: {name: keys}\nspec:\n  targetRefs:\n" +
         targets +
         "  type: AWSCredentials\n  awsCredentials: {region: us-east-1, credentialsFile: "
         "{secretRef: {name: keys}}}\n"
         "---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData:\n"
         "  credentials: |\n    [default]\n    aws_access_key_id = SIM\n"
         "    aws_secret_access_key = sim\n";
}

std::string route(const std::vector<backend_plan>& backends, const std::string& rule_more) {
  std::string out =
      "apiVersion: aigateway.envoyproxy.io/v1beta1\nkind: AIGatewayRoute\n"
      "metadata: {name: llm}\nspec:\n  rules:\n    - backendRefs:\n";
  for (const auto& b : backends)
    out += "        - {name: " + b.name + ", priority: " + std::to_string(b.priority) + "}\n";
  return out + rule_more;
}

// The longest wait for a client that takes nothing: a minute, from the look after its last byte.
constexpr duration client_stall = seconds{121};
constexpr duration script_life = seconds{150};  // no script speaks for longer, pauses included
constexpr duration connect_limit = seconds{10};
constexpr duration idle_limit = seconds{60};

std::string some_ejection(dice& d) {
  return object(
      {"consecutive5XxErrors: " + std::to_string(d.between(1, 5)),
       d.chance(50) ? "baseEjectionTime: " + quoted(milliseconds{d.between(200, 8'000)}) : "",
       d.chance(50) ? "interval: " + quoted(milliseconds{d.between(100, 3'000)}) : "",
       d.chance(60) ? "maxEjectionPercent: 100" : "",
       d.chance(30) ? "consecutiveGatewayErrors: " + std::to_string(d.between(1, 3)) : "",
       d.chance(20) ? "splitExternalLocalOriginErrors: true" : ""});
}

std::string traffic_policy(scenario& s, dice& d, duration& per_try) {
  const auto retries = d.between<std::uint32_t>(0, 5);
  per_try = milliseconds{d.between(300, 6'000)};
  const auto backoff = milliseconds{d.between(1, 400)};
  s.max_attempts = 1 + retries;
  std::string retry =
      "  retry: " +
      object({"numRetries: " + std::to_string(retries),
              d.chance(40) ? "numAttemptsPerPriority: " + std::to_string(d.between(1, 3)) : "",
              "retryOn: {triggers: [connect-failure, retriable-status-codes, reset, 5xx], "
              "httpStatusCodes: [408, 429, 500, 503, 529]}",
              "perRetry: {timeout: " + quoted(per_try) + ", backOff: {baseInterval: " +
                  quoted(backoff) + ", maxInterval: " + quoted(backoff * 4) + "}}"}) +
      "\n";
  std::string breaker;
  if (d.chance(60)) {
    s.retry_slots = d.between<std::uint32_t>(1, 3);
    breaker =
        "  circuitBreaker: " +
        object({"maxParallelRetries: " + std::to_string(s.retry_slots),
                d.chance(20) ? "maxConnections: " + std::to_string(d.between(1, 4)) : "",
                d.chance(20) ? "maxPendingRequests: " + std::to_string(d.between(0, 4)) : "",
                d.chance(20) ? "maxRequestsPerConnection: " + std::to_string(d.between(1, 3)) : "",
                d.chance(15)
                    ? "perEndpoint: {maxConnections: " + std::to_string(d.between(1, 2)) + "}"
                    : "",
                d.chance(15) ? "maxParallelRequests: " + std::to_string(d.between(1, 6)) : ""}) +
        "\n";
  }
  std::string health;
  if (d.chance(70)) health = "  healthCheck: {passive: " + some_ejection(d) + "}\n";
  std::string idle;
  if (d.chance(25))
    idle =
        "  timeout: {http: {connectionIdleTimeout: " + quoted(milliseconds{d.between(50, 3'000)}) +
        (d.chance(30) ? ", maxConnectionDuration: " + quoted(milliseconds{d.between(10, 4'000)})
                      : "") +
        "}}\n";
  return "---\napiVersion: gateway.envoyproxy.io/v1alpha1\nkind: BackendTrafficPolicy\n"
         "metadata: {name: traffic}\nspec:\n  targetRefs: [{group: gateway.networking.k8s.io, "
         "kind: HTTPRoute, name: llm}]\n" +
         retry + breaker + health + idle;
}

std::string first_token(scenario& s, dice& d) {
  if (d.chance(10)) {
    s.holds = false;
    return "firstToken: {hold: false}";
  }
  s.has_keep_alive = d.chance(15);
  return "firstToken: " +
         object(
             {d.chance(50) ? "timeout: " + quoted(milliseconds{d.between(200, 4'000)}) : "",
              d.chance(40) ? "action: fail" : "",
              s.has_keep_alive ? "keepAlive: " + quoted(milliseconds{d.between(100, 2'000)}) : ""});
}

std::string on_break(scenario& s, dice& d) {
  switch (d.below(4)) {
    case 0:
      s.joins = joining::verify;
      return "onBreak: verify";
    case 1:
      s.joins = joining::resume;
      return "onBreak: continue";
    case 2:
      s.holds_all = true;
      return "onBreak: buffer";
    default:
      return "";
  }
}

std::string failover_policy(scenario& s, dice& d, duration& per_try) {
  s.max_attempts = d.between<std::uint32_t>(1, 8);
  per_try = milliseconds{d.between(300, 8'000)};
  const auto base = milliseconds{d.between(1, 300)};
  const std::string attempts =
      "attempts: " +
      object({"max: " + std::to_string(s.max_attempts),
              "perPriority: " + std::to_string(d.between(1U, std::min(3U, s.max_attempts))),
              "timeout: " + quoted(per_try),
              "backoff: {base: " + quoted(base) + ", max: " + quoted(base * 5) + "}"});
  std::string budget;
  if (d.chance(60)) {
    s.retry_slots = d.between<std::uint32_t>(1, 3);
    budget = "retryBudget: {percent: 0, minimum: " + std::to_string(s.retry_slots) + "}";
  }
  s.has_hedges = true;
  std::string hedge;
  if (d.chance(50))
    hedge =
        "hedge: " + object({"after: " + (d.chance(25) ? "p" + std::to_string(d.between(50, 99))
                                                      : quoted(milliseconds{d.between(1, 1'500)})),
                            "max: " + std::to_string(d.between(1, 3))});
  s.passes_in_band_errors = d.chance(10);
  const std::string first = first_token(s, d);
  const std::string stream =
      "stream: " +
      object({on_break(s, d),
              d.chance(40) ? "idleTimeout: " + quoted(milliseconds{d.between(500, 8'000)}) : ""});
  return "---\napiVersion: understudy.dev/v1alpha1\nkind: FailoverPolicy\n"
         "metadata: {name: failover}\nspec:\n  targetRefs: [{group: aigateway.envoyproxy.io, "
         "kind: AIGatewayRoute, name: llm}]\n  " +
         attempts + "\n  " + first + "\n  " + stream + "\n" +
         (budget.empty() ? "" : "  " + budget + "\n") + (hedge.empty() ? "" : "  " + hedge + "\n") +
         (d.chance(50)
              ? "  retryAfter: {waitUpTo: " + quoted(milliseconds{d.between(0, 3'000)}) + "}\n"
              : "") +
         (s.passes_in_band_errors ? "  retryOn: {inBandErrors: false}\n" : "") +
         (d.chance(60) ? "  ejection: " + some_ejection(d) + "\n" : "");
}

}  // namespace

void choose_policy(scenario& s, const std::vector<backend_plan>& backends, dice& d) {
  std::string policies;
  std::string rule_more;
  duration per_try = seconds{300};
  duration waits = seconds{20};
  s.max_attempts = 8;
  switch (d.below(5)) {
    case 0:
      s.policy = "no policy";
      s.has_hedges = true;
      waits = seconds{60};
      break;
    case 1:
    case 2:
      s.policy = "BackendTrafficPolicy";
      policies = traffic_policy(s, d, per_try);
      break;
    default:
      s.policy = "FailoverPolicy";
      policies = failover_policy(s, d, per_try);
      waits = seconds{60};
  }
  if (d.chance(30)) {
    s.request_timeout = milliseconds{d.between(1'000, 40'000)};
    rule_more = "      timeouts: {request: " + quoted(*s.request_timeout) + "}\n";
  }
  const duration one_attempt = connect_limit + per_try + script_life + idle_limit;
  s.longest = s.max_attempts * one_attempt + waits + client_stall;
  if (s.request_timeout) s.longest = *s.request_timeout + client_stall;
  s.yaml = route(backends, rule_more) + services(backends) + keys(backends) + policies;
}

}  // namespace sim
