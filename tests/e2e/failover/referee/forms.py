"""The three configurations the referee's faults are run against. Primary and fallback are the same backend
at the same address in all of them; only `modelNameOverride` tells them apart."""
from harness import config

from .catalogue import FALLBACK, SCENARIOS


ROUTES = ("referee", "referee-more")  # a route has 15 rules at most


def _routes(port):
    """One rule a scenario, and the rule of the healthy model."""
    rules = [_rule(FALLBACK, [FALLBACK])]
    rules += [_rule(s.model, [s.model, s.fallback]) for s in SCENARIOS]
    routes = []
    for name, share in zip(ROUTES, (rules[:10], rules[10:])):
        routes.append(config.route([], name=name))
        routes[-1]["spec"]["rules"] = share
    return [*routes, *config.backend("wall", port)]


def _rule(model, upstream_models):
    return {"matches": [{"headers": [{"name": "x-ai-eg-model", "value": model}]}],
            "backendRefs": [{"name": "wall", "priority": priority, "modelNameOverride": name}
                            for priority, name in enumerate(upstream_models)]}


def default(port):
    """No policy object at all."""
    return config.documents(*_routes(port))


def opted_in(port):
    """What a FailoverPolicy adds: a broken stream is asked for again and its repetition is swallowed."""
    return config.documents(*_routes(port), *(config.failover_policy(
        route, stream={"idleTimeout": "10s", "onBreak": "verify"}) for route in ROUTES))


def baseline(port):
    """The referee's baseline as Envoy's users write it: two retries, 30 s, one fallback."""
    return config.documents(*_routes(port), *(config.traffic_policy(
        route,
        retry={"numRetries": 2, "numAttemptsPerPriority": 2, "perRetry": {"timeout": "30s"},
               "retryOn": {"triggers": ["connect-failure", "reset", "retriable-status-codes"],
                           "httpStatusCodes": [408, 429, 500, 502, 503, 504]}},
        timeout={"http": {"streamIdleTimeout": "30s"}}) for route in ROUTES))


FORMS = {"default": default, "opt-ins": opted_in, "baseline": baseline}

# What the forms owe, cell by cell. The baseline's floor is what Envoy itself does with that policy; what
# the policy is silent about may only be better.
SAFE = ("S08", "S09", "S14")
RANK = ("fail", "safe", "partial", "pass")
OWED = {
    "default": {s.id: "safe" if s.id in SAFE else "pass" for s in SCENARIOS},
    "opt-ins": {s.id: "pass" for s in SCENARIOS},
    "baseline": {s.id: "safe" if s.id in (*SAFE, "S12") else
                 "partial" if s.id in ("S01", "S06", "S07") else "pass" for s in SCENARIOS},
}
