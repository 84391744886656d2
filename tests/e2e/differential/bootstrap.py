"""A static Envoy bootstrap for what understudy is configured with: the documents are read, the CRDs'
defaults filled in, and every field written as Envoy Gateway and Agent Router would hand it to Envoy.

One set of documents becomes one listener. Every rule of its routes becomes one route and one cluster,
each backendRef a locality of that cluster. Anything this translation does not know is an error: a
field that is left out silently would compare two different policies.
"""
import re

import yaml

EXTENSIONS = "type.googleapis.com/envoy.extensions."
DEFAULT_TRIGGERS = ["connect-failure", "refused-stream", "unavailable", "cancelled",
                    "retriable-status-codes"]
LB_POLICIES = {"LeastRequest": "LEAST_REQUEST", "RoundRobin": "ROUND_ROBIN", "Random": "RANDOM"}
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
SIZES = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "k": 10**3, "M": 10**6, "G": 10**9}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast
BUFFER_LIMIT = 32768  # Envoy Gateway's, for listeners and clusters alike


class Unknown(Exception):
    """A field or a kind that has no translation here."""


def seconds(duration):
    parts = re.findall(r"(\d+)(ms|s|m|h)", duration)
    if not parts or "".join(n + u for n, u in parts) != duration:
        raise Unknown(f"duration {duration!r}")
    return sum(int(number) * UNITS[unit] for number, unit in parts)


def quantity(value):
    number, unit = re.fullmatch(r"(\d+)([A-Za-z]*)", str(value)).groups()
    return int(number) * SIZES[unit]


def envoy_duration(duration):
    return f"{seconds(duration):.3f}s"


def take(fields, where, **defaults):
    """The named fields of an object with their defaults; any other field is an error."""
    unknown = set(fields) - set(defaults)
    if unknown:
        raise Unknown(f"{where}: {', '.join(sorted(unknown))}")
    return {**defaults, **fields}


class Documents:
    def __init__(self, text):
        self.objects = [d for d in yaml.load_all(text, LOADER) if d]
        known = {"AIGatewayRoute", "HTTPRoute", "AIServiceBackend", "Backend",
                 "BackendTrafficPolicy", "ClientTrafficPolicy"}
        for one in self.objects:
            if one["kind"] not in known:
                raise Unknown(one["kind"])

    def all(self, kind):
        return [d for d in self.objects if d["kind"] == kind]

    def named(self, kind, name):
        return next((d["spec"] for d in self.all(kind) if d["metadata"]["name"] == name), None)

    def policy_for(self, route):
        """The BackendTrafficPolicy of a route; Agent Router generates an HTTPRoute of its name."""
        for policy in self.all("BackendTrafficPolicy"):
            spec = dict(policy["spec"])
            targets = spec.pop("targetRefs")
            if any(t["kind"] == "HTTPRoute" and t["name"] == route for t in targets):
                return spec
        return {}


# ---- retries --------------------------------------------------------------------------------


def retry_policy(spec):
    retry = take(spec, "retry", numRetries=2, numAttemptsPerPriority=0, retryOn=None, perRetry={})
    on = take(retry["retryOn"] or {}, "retryOn", triggers=[], httpStatusCodes=[])
    triggers = on["triggers"] or DEFAULT_TRIGGERS
    codes = on["httpStatusCodes"] if retry["retryOn"] else [503]
    per_retry = take(retry["perRetry"], "perRetry", timeout=None, backOff={})
    backoff = take(per_retry["backOff"], "backOff", baseInterval=None, maxInterval=None)
    policy = {
        "retry_on": ",".join(triggers),
        "num_retries": retry["numRetries"],
        "retriable_status_codes": sorted(set(codes)),
        "retry_host_predicate": [{
            "name": "envoy.retry_host_predicates.previous_hosts",
            "typed_config": {"@type": EXTENSIONS + "retry.host.previous_hosts.v3.PreviousHostsPredicate"}}],
        "host_selection_retry_max_attempts": 5}
    if retry["numAttemptsPerPriority"]:
        policy["retry_priority"] = {
            "name": "envoy.retry_priorities.previous_priorities",
            "typed_config": {
                "@type": EXTENSIONS + "retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
                "update_frequency": retry["numAttemptsPerPriority"]}}
    if per_retry["timeout"]:
        policy["per_try_timeout"] = envoy_duration(per_retry["timeout"])
    if backoff["baseInterval"]:
        policy["retry_back_off"] = {"base_interval": envoy_duration(backoff["baseInterval"])}
        if backoff["maxInterval"]:
            policy["retry_back_off"]["max_interval"] = envoy_duration(backoff["maxInterval"])
    return policy


def of_the_rule(rule):
    """An HTTPRoute rule's `retry`, which replaces the policy's as a whole, in the policy's words."""
    retry = take(rule["retry"], "retry", attempts=2, codes=[], backoff=None)
    per_retry = {}
    if retry["backoff"]:
        per_retry["backOff"] = {"baseInterval": retry["backoff"]}
    if rule.get("timeouts", {}).get("backendRequest"):
        per_retry["timeout"] = rule["timeouts"]["backendRequest"]
    return {"numRetries": retry["attempts"], "perRetry": per_retry,
            "retryOn": {"triggers": DEFAULT_TRIGGERS, "httpStatusCodes": retry["codes"]}}


# ---- passive health -------------------------------------------------------------------------


def outlier_detection(spec):
    passive = take(spec, "passive", splitExternalLocalOriginErrors=False, interval="3s",
                   baseEjectionTime="30s", maxEjectionPercent=10, consecutive5XxErrors=5,
                   consecutiveGatewayErrors=None, consecutiveLocalOriginFailures=5,
                   failurePercentageThreshold=None, alwaysEjectOneEndpoint=False)
    detection = {
        "split_external_local_origin_errors": passive["splitExternalLocalOriginErrors"],
        "interval": envoy_duration(passive["interval"]),
        "base_ejection_time": envoy_duration(passive["baseEjectionTime"]),
        "consecutive_5xx": passive["consecutive5XxErrors"],
        "consecutive_local_origin_failure": passive["consecutiveLocalOriginFailures"],
        "always_eject_one_host": passive["alwaysEjectOneEndpoint"]}
    if passive["maxEjectionPercent"] > 0:
        detection["max_ejection_percent"] = passive["maxEjectionPercent"]
    if passive["consecutiveGatewayErrors"] is not None:
        detection["consecutive_gateway_failure"] = passive["consecutiveGatewayErrors"]
        detection["enforcing_consecutive_gateway_failure"] = 100
    if passive["failurePercentageThreshold"] is not None:
        detection["failure_percentage_threshold"] = passive["failurePercentageThreshold"]
        detection["enforcing_failure_percentage"] = 100
    return detection


# ---- clusters -------------------------------------------------------------------------------


def locality(documents, ref, is_ai):
    name = ref["name"]
    service = documents.named("AIServiceBackend", name)
    backend = documents.named("Backend", service["backendRef"]["name"] if service else name)
    fields = take(backend, "Backend", endpoints=None, fallback=False)
    hosts = [e["ip"] for e in fields["endpoints"]]
    default = 0 if is_ai or not fields["fallback"] else 1
    return {
        "locality": {"region": name},
        "priority": ref.get("priority", default),
        "load_balancing_weight": ref.get("weight", 1),
        "lb_endpoints": [{"load_balancing_weight": 1, "endpoint": {"address": {"socket_address": {
            "address": h["address"], "port_value": h["port"]}}}} for h in hosts]}


def breakers(spec):
    breaker = take(spec, "circuitBreaker", maxConnections=1024, maxPendingRequests=1024,
                   maxParallelRequests=1024, maxParallelRetries=1024, retryBudget=None)
    threshold = {"max_connections": breaker["maxConnections"],
                 "max_pending_requests": breaker["maxPendingRequests"],
                 "max_requests": breaker["maxParallelRequests"],
                 "max_retries": breaker["maxParallelRetries"]}
    budget = breaker["retryBudget"]
    if budget:
        share = take(budget["percent"], "percent", numerator=0, denominator=100)
        threshold["retry_budget"] = {
            "budget_percent": {"value": 100 * share["numerator"] / share["denominator"]},
            "min_retry_concurrency": budget.get("minRetryConcurrency", 3)}
    return {"thresholds": [threshold]}


def cluster(documents, name, refs, policy, is_ai):
    health = take(policy["healthCheck"], "healthCheck", passive=None, panicThreshold=50)
    balancer = take(policy["loadBalancer"], "loadBalancer", type="LeastRequest")
    tcp = take(policy["timeout"].get("tcp", {}), "tcp", connectTimeout="10s")
    refs = [r for r in refs if r.get("weight", 1) > 0]
    made = {
        "name": name, "type": "STATIC", "lb_policy": LB_POLICIES[balancer["type"]],
        "connect_timeout": envoy_duration(tcp["connectTimeout"]),
        "per_connection_buffer_limit_bytes": BUFFER_LIMIT,
        "common_lb_config": {
            "locality_weighted_lb_config": {},
            "healthy_panic_threshold": {"value": health["panicThreshold"]},
            # The policy is compared, not how host lists are handed from thread to thread.
            "update_merge_window": "0s"},
        "circuit_breakers": breakers(policy["circuitBreaker"]),
        "load_assignment": {"cluster_name": name,
                            "endpoints": [locality(documents, r, is_ai) for r in refs]}}
    if health["passive"] is not None:
        made["outlier_detection"] = outlier_detection(health["passive"])
    return made


# ---- routes and listeners -------------------------------------------------------------------


def global_timeout(rule, policy, is_ai):
    """HTTPRoute's rule before the policy before 15 s; Agent Router writes 60 s on every rule."""
    written = take(rule.get("timeouts", {}), "timeouts", request=None, backendRequest=None)
    if is_ai and not written["request"]:
        written["request"] = "60s"
    http = take(policy["timeout"].get("http", {}), "http", requestTimeout=None)
    if written["backendRequest"] and not rule.get("retry"):  # it overwrites the other one
        written["request"] = written["backendRequest"]
    return written["request"] or http["requestTimeout"] or "15s"


def matching(rule):
    match = {"prefix": "/"}
    if "matches" in rule:
        [only] = rule["matches"]
        match["headers"] = [{"name": h["name"], "string_match": {"exact": h["value"]}}
                            for h in only["headers"]]
    return match


def routes_of(documents, listener):
    """(Envoy's routes, Envoy's clusters, whether a body is read whole before it is sent on)."""
    routes, clusters = [], []
    ai_routes = documents.all("AIGatewayRoute")
    for route in ai_routes + documents.all("HTTPRoute"):
        is_ai = route["kind"] == "AIGatewayRoute"
        name = route["metadata"]["name"]
        policy = take(documents.policy_for(name), "BackendTrafficPolicy", retry=None,
                      healthCheck={}, loadBalancer={}, circuitBreaker={}, timeout={})
        for number, rule in enumerate(route["spec"]["rules"]):
            take(rule, "rule", backendRefs=[], matches=[], timeouts={}, streamIdleTimeout=None,
                 retry=None)
            title = f"{listener}/{name}/{number}"
            clusters.append(cluster(documents, title, rule["backendRefs"], policy, is_ai))
            action = {"cluster": title,
                      "timeout": envoy_duration(global_timeout(rule, policy, is_ai))}
            if rule.get("retry"):
                action["retry_policy"] = retry_policy(of_the_rule(rule))
            elif policy["retry"] is not None:
                action["retry_policy"] = retry_policy(policy["retry"])
            if rule.get("streamIdleTimeout"):
                action.setdefault("retry_policy", {})["per_try_idle_timeout"] = \
                    envoy_duration(rule["streamIdleTimeout"])
            routes.append({"match": matching(rule), "route": action})
    return routes, clusters, bool(ai_routes)


def text_log(path, fields):
    return {"name": "envoy.access_loggers.file", "typed_config": {
        "@type": EXTENSIONS + "access_loggers.file.v3.FileAccessLog", "path": str(path),
        "log_format": {"text_format_source": {"inline_string": " ".join(fields) + "\n"}}}}


def listener(name, port, documents, routes, reads_body_whole, logs):
    limit = BUFFER_LIMIT
    for policy in documents.all("ClientTrafficPolicy"):
        spec = take(policy["spec"], "ClientTrafficPolicy", targetRefs=[], connection={})
        limit = quantity(take(spec["connection"], "connection", bufferLimit=limit)["bufferLimit"])
    router = {"name": "envoy.filters.http.router", "typed_config": {
        "@type": EXTENSIONS + "filters.http.router.v3.Router",
        "suppress_envoy_headers": True,
        # One line an attempt, refused connections included.
        "upstream_log": [text_log(logs / "attempts.log", [
            "%REQ(X-PROBE)%", "%START_TIME(%s.%9f)%", "%DURATION%", "%UPSTREAM_HOST%", "%RESPONSE_FLAGS%"])]}}
    filters = [router]
    if reads_body_whole:  # what Agent Router's external processor does, with the listener's limit
        filters.insert(0, {"name": "envoy.filters.http.buffer", "typed_config": {
            "@type": EXTENSIONS + "filters.http.buffer.v3.Buffer", "max_request_bytes": limit}})
    manager = {
        "@type": EXTENSIONS + "filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http", "use_remote_address": True, "normalize_path": True,
        "merge_slashes": True, "server_header_transformation": "PASS_THROUGH",
        "access_log": [text_log(logs / "requests.log",
                                ["%REQ(X-PROBE)%", "%RESPONSE_FLAGS%"])],
        "http_filters": filters,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]}}
    return {
        "name": name, "per_connection_buffer_limit_bytes": limit,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}]}


def bootstrap(sets, admin_port, logs):
    """The whole configuration for {name: (port, text of the documents)}. `logs` is a folder."""
    listeners, clusters = [], []
    for name, (port, text) in sets.items():
        documents = Documents(text)
        routes, made, is_whole = routes_of(documents, name)
        clusters += made
        listeners.append(listener(name, port, documents, routes, is_whole, logs))
    return {
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": admin_port}}},
        "cluster_manager": {"outlier_detection": {"event_log_path": str(logs / "ejections.log")}},
        "static_resources": {"listeners": listeners, "clusters": clusters}}
