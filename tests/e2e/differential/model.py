"""What a schedule is: a configuration, what its upstream servers do, and when requests are sent.

Time is counted in sweeps of the ejection detector, from a sweep of the proxy in question: Envoy's and
understudy's sweeps fall on different moments, so each proxy plays the schedule on its own grid.
Requests are planned between two sweeps, never near one.
"""
import dataclasses
import json

from harness import config

INTERVAL_S = 0.4  # between two sweeps, unless a schedule says otherwise
CALIBRATOR = "calibrator"
SEED_TRIGGERS = ("connect-failure", "retriable-status-codes")
GATEWAY = "gateway.networking.k8s.io"
BACKEND = {"kind": "Backend", "group": "gateway.envoyproxy.io"}


@dataclasses.dataclass
class Ref:
    """A backendRef: a priority, a weight, a plan for each of its addresses."""
    priority: int
    plans: list
    weight: int = 1


@dataclasses.dataclass
class Request:
    at: float  # in sweeps
    body_bytes: int = 0  # 0: a small one
    lasts: float = 0.0  # sweeps it is planned to take; sweeps may fall into that


@dataclasses.dataclass
class Schedule:
    name: str
    refs: list
    requests: list
    policy: dict = dataclasses.field(default_factory=dict)  # spec of a BackendTrafficPolicy
    rule: dict = dataclasses.field(default_factory=dict)  # fields of the route's rule
    # What of the attempts is determined, see compare.py.
    compares: str = "hosts"
    kind: str = "AIGatewayRoute"
    buffer_limit: str = "50Mi"
    tail: float = 1.0  # sweeps that are still watched after the last request
    interval_s: float = INTERVAL_S
    tampered: tuple = ()  # (text, text that Envoy gets instead): a difference that must be seen

    @property
    def hosts(self):
        """[(name, priority, plan)] of all addresses, in the order of their servers."""
        return [(f"{self.ref_name(r)}{chr(97 + n)}", ref.priority, plan)
                for r, ref in enumerate(self.refs) for n, plan in enumerate(ref.plans)]

    def ref_name(self, index):
        return f"p{self.refs[index].priority}r{index}"

    @property
    def retries(self):
        return self.policy.get("retry", {}).get("numRetries", 2)

    @property
    def is_swept(self):
        """Something happens between requests: the detector's sweeps, or servers that change then."""
        return "passive" in self.policy.get("healthCheck", {}) or any(
            plan.is_timed for _, _, plan in self.hosts)

    @property
    def ejects_at_once(self):
        """One failure is enough: a retry to an ejected host cannot have been what ejected it."""
        fields = self.policy.get("healthCheck", {}).get("passive", {})
        return {fields.get(name, otherwise) for name, otherwise in (
            ("consecutive5XxErrors", 5), ("consecutiveGatewayErrors", 0),
            ("consecutiveLocalOriginFailures", 1))} <= {0, 1}

    @property
    def is_steered(self):
        return "numAttemptsPerPriority" in self.policy.get("retry", {})

    @property
    def length(self):
        return max(r.at + r.lasts for r in self.requests) + self.tail

    @property
    def ref_kind(self):
        return {} if self.kind == "AIGatewayRoute" else BACKEND

    def route(self, name, model, refs, rule):
        made = config.route(refs, name=name, model=model, rule=rule)
        if self.kind == "HTTPRoute":
            made.update(apiVersion=f"{GATEWAY}/v1", kind="HTTPRoute")
            made["spec"]["rules"][0]["matches"] = [{"headers": [{"name": "x-model", "value": model}]}]
        return made

    def documents(self, ports, calibrator_port):
        """The configuration, the same text for both proxies but for the ports."""
        ports = iter(ports)
        refs, objects = [], []
        for number, ref in enumerate(self.refs):
            name = self.ref_name(number)
            endpoints = [{"ip": {"address": "127.0.0.1", "port": next(ports)}} for _ in ref.plans]
            refs.append({"name": name, "weight": ref.weight, **self.ref_kind})
            if self.kind == "AIGatewayRoute":
                refs[-1]["priority"] = ref.priority
            objects += config.backend(name, 1)[0 if self.kind == "AIGatewayRoute" else 1:]
            objects[-1]["spec"] = {"endpoints": endpoints}
            if self.kind == "HTTPRoute" and ref.priority == 1:
                objects[-1]["spec"]["fallback"] = True
        route = self.route("llm", "m", refs, self.rule)
        calibrator = [
            self.route(CALIBRATOR, CALIBRATOR, [{"name": CALIBRATOR, **self.ref_kind}], {}),
            *config.backend(CALIBRATOR, calibrator_port),
            config.traffic_policy(CALIBRATOR, retry={"numRetries": 0}, healthCheck=passive("1ms", self.interval_s))]
        client = {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "ClientTrafficPolicy",
                  "metadata": {"name": "client"},
                  "spec": {"targetRefs": [{"group": GATEWAY, "kind": "Gateway", "name": "any"}],
                           "connection": {"bufferLimit": self.buffer_limit}}}
        policy = [config.traffic_policy(**self.policy)] if self.policy else []
        return config.documents(route, *objects, *policy, *calibrator, client)

    def body(self, request):
        small = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
        missing = max(0, request.body_bytes - len(small))
        return small.replace("hi", "hi" + "x" * missing).encode()


# ---- the words that schedules are written with ------------------------------------------------


def passive(base="800ms", interval=INTERVAL_S, **fields):
    """BackendTrafficPolicy.healthCheck with a passive block: eject at the first 5xx, all hosts."""
    fields = {"consecutive5XxErrors": 1, "maxEjectionPercent": 100, **fields}
    panic = fields.pop("panic", None)
    health = {"passive": {"interval": f"{1000 * interval:.0f}ms", "baseEjectionTime": base, **fields}}
    if panic is not None:
        health["panicThreshold"] = panic
    return health


def retry(count=5, codes=(500,), triggers=SEED_TRIGGERS, **more):
    """config.retry, with codes left out where there are none."""
    policy = config.retry(count, codes, triggers, **more)
    if not codes:
        del policy["retryOn"]["httpStatusCodes"]
    return policy


def at(*positions, **fields):
    return [Request(position, **fields) for position in positions]


def windows(first, last, per_window=1):
    """Requests between every two sweeps: `first` is the number of the sweep they follow."""
    places = {1: (0.45,), 2: (0.38, 0.55), 3: (0.33, 0.46, 0.59), 4: (0.3, 0.4, 0.5, 0.6)}[per_window]
    return at(*(sweep + place for sweep in range(first, last + 1) for place in places))
