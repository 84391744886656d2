"""Configurations for the tests. JSON is YAML: every document is written as one line of it."""
import json

GROUP = "gateway.networking.k8s.io"


def documents(*objects):
    return "\n---\n".join(json.dumps(o) for o in objects) + "\n"


def route(refs, name="llm", model=None, **spec):
    """An AIGatewayRoute with one rule; `refs` are backendRefs (or names)."""
    refs = [{"name": r} if isinstance(r, str) else r for r in refs]
    rule = {"backendRefs": refs}
    if model is not None:
        rule["matches"] = [{"headers": [{"name": "x-ai-eg-model", "value": model}]}]
    rule.update(spec.pop("rule", {}))
    return {"apiVersion": "aigateway.envoyproxy.io/v1beta1", "kind": "AIGatewayRoute",
            "metadata": {"name": name}, "spec": {"rules": [rule], **spec}}


def backend(name, port, hostname=None, schema="OpenAI", security=None, service=None, **spec):
    """AIServiceBackend, Backend and, with `security`, a policy and its Secret: a list of objects."""
    endpoint = {"ip": {"address": "127.0.0.1", "port": port}}
    if hostname:
        endpoint["hostname"] = hostname
    objects = [
        {"apiVersion": "aigateway.envoyproxy.io/v1beta1", "kind": "AIServiceBackend",
         "metadata": {"name": name},
         "spec": {"schema": {"name": schema},
                  "backendRef": {"name": name, "kind": "Backend",
                                 "group": "gateway.envoyproxy.io"}, **(service or {})}},
        {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "Backend",
         "metadata": {"name": name}, "spec": {"endpoints": [endpoint], **spec}}]
    if security:
        objects += security_policy(name, *security)
    return objects


def security_policy(name, kind, key):
    field = {"APIKey": "apiKey", "AnthropicAPIKey": "anthropicAPIKey",
             "AzureAPIKey": "azureAPIKey"}[kind]
    return [
        {"apiVersion": "aigateway.envoyproxy.io/v1beta1", "kind": "BackendSecurityPolicy",
         "metadata": {"name": f"{name}-key"},
         "spec": {"type": kind, field: {"secretRef": {"name": f"{name}-key"}},
                  "targetRefs": [{"group": "aigateway.envoyproxy.io", "kind": "AIServiceBackend",
                                  "name": name}]}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"{name}-key"},
         "stringData": {"apiKey": key}}]


def bedrock(name, port, region="us-east-1"):
    return backend(name, port, hostname=f"bedrock-runtime.{region}.amazonaws.com",
                   schema="AWSBedrock")


def traffic_policy(target="llm", **spec):
    return {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "BackendTrafficPolicy",
            "metadata": {"name": f"{target}-policy"},
            "spec": {"targetRefs": [{"group": GROUP, "kind": "HTTPRoute", "name": target}], **spec}}


def failover_policy(target="llm", **spec):
    return {"apiVersion": "understudy.dev/v1alpha1", "kind": "FailoverPolicy",
            "metadata": {"name": f"{target}-failover"},
            "spec": {"targetRefs": [{"group": "aigateway.envoyproxy.io", "kind": "AIGatewayRoute",
                                     "name": target}], **spec}}


def retry(count, codes=(), triggers=("connect-failure", "retriable-status-codes"), per_try=None,
          per_priority=None, base="1ms", maximum="2ms"):
    policy = {"numRetries": count,
              "retryOn": {"triggers": list(triggers), "httpStatusCodes": list(codes)},
              "perRetry": {"backOff": {"baseInterval": base, "maxInterval": maximum}}}
    if per_try:
        policy["perRetry"]["timeout"] = per_try
    if per_priority:
        policy["numAttemptsPerPriority"] = per_priority
    return policy


def passive(**fields):
    return {"passive": {"maxEjectionPercent": 100, **fields}}


def primary_and_fallback(primary, fallback, *more, **spec):
    """Two OpenAI backends in priorities 0 and 1, and whatever else is given."""
    return documents(route([{"name": "primary", "priority": 0}, {"name": "fallback", "priority": 1}],
                           **spec),
                     *backend("primary", primary.port), *backend("fallback", fallback.port), *more)


def single(provider, *more, **spec):
    return documents(route(["only"], **spec), *backend("only", provider.port), *more)
