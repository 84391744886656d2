"""The schedules that both proxies play. A name says what is looked at."""
from differential.generated import generated
from differential.model import Ref, Request, Schedule, at, passive, retry, windows
from differential.upstreams import Plan

OK, BAD = Plan(200), Plan(500)
# Long enough that a retry rarely overtakes the news of an ejection in Envoy, short enough that no
# sweep falls into a request.
PATIENT = {"base": "40ms", "maximum": "40ms"}


def two(first, second=OK, **fields):
    """One host in priority 0, one in priority 1."""
    return {"refs": [Ref(0, [first]), Ref(1, [second])], **fields}


def one(*plans, **fields):
    """Priority 0 alone, each plan a backendRef of one address."""
    return {"refs": [Ref(0, [plan]) for plan in plans], **fields}


def seed(**fields):
    """The policy of Agent Router's provider-fallback example, its times scaled down."""
    return {"retry": retry(**PATIENT),
            "healthCheck": passive(fields.pop("base", "800ms"), consecutiveGatewayErrors=0,
                                   consecutiveLocalOriginFailures=1, **fields)}


def retries(count=5, codes=(), triggers=(), **more):
    return {"retry": retry(count, codes, triggers, **more)}


def ejects(base="800ms", **fields):
    """Passive health without retries: what a host did is what the client sees."""
    return {"retry": {"numRetries": 0}, "healthCheck": passive(base, **fields)}


RATE_S = 4  # an interval that has room for hundreds of requests
ROUND_ROBIN = {"loadBalancer": {"type": "RoundRobin"}}

SEED = [
    # To scale: base 2.5 sweeps as the example's 5 s and 2 s.
    Schedule("seed-500", **two(BAD), policy=seed(base="1s"),
             requests=at(*(sweep + 0.3 for sweep in range(18)))),
    Schedule("seed-503-is-shown-once-a-window", **two(Plan(503)), policy=seed(),
             requests=windows(0, 10)),
    Schedule("seed-every-other-5xx", **two(Plan(502, 504, 529, 501, 599)), policy=seed(),
             requests=windows(0, 9)),
    Schedule("seed-refused", **two(Plan("refuse")), policy=seed(), requests=windows(0, 10)),
    Schedule("seed-closes", **two(Plan("close")), policy=seed(), requests=windows(0, 10)),
    Schedule("seed-reset", **two(Plan("reset")), policy=seed(), requests=windows(0, 10)),
    Schedule("seed-garbage", **two(Plan("garbage")), policy=seed(), requests=windows(0, 10)),
    Schedule("seed-429-never-fails-over", **two(Plan(429, 401, 403, 404, 408)), policy=seed(),
             requests=windows(0, 4)),
    Schedule("seed-recovers", **two(Plan({0: 500, 3.9: 200})), policy=seed(),
             requests=windows(0, 14)),
    Schedule("seed-refuses-then-answers", **two(Plan({0: "refuse", 2.1: 200})), policy=seed(),
             requests=windows(0, 8, 2)),
    Schedule("seed-hangs", **two(Plan("hang", 200)),
             policy={**seed(), "retry": retry(per_try="200ms", **PATIENT)},
             requests=[Request(0.23, lasts=0.5)] + windows(1, 3)),
    Schedule("seed-both-fail-without-panic", **two(BAD, BAD), policy=seed(panic=0),
             requests=at(0.3) + windows(1, 8)),
    Schedule("seed-both-fail-with-panic", **two(BAD, BAD), policy=seed(), compares="number",
             requests=at(0.25, 1.25, 2.25)),
    Schedule("seed-connections-are-kept", **two(Plan(500, keeps=True), Plan(200, keeps=True)),
             policy=seed(), requests=windows(0, 9, 2)),
    Schedule("seed-large-body-is-replayed", **two(BAD), policy=seed(),
             requests=at(0.35, 1.45, 3.35, body_bytes=300_000)),
    Schedule("seed-three-priorities", refs=[Ref(0, [BAD]), Ref(1, [BAD]), Ref(2, [OK])],
             policy=seed(), requests=windows(0, 12)),
]

RETRIES = [
    Schedule("retry-defaults", **one(Plan(503, 503, 503, 500, 503, 200, 502)),
             policy={"retry": {}}, requests=at(0.35, 1.35, 2.35, 3.35)),
    Schedule("retry-no-block-on-a-http-route", **two(Plan(503, 500, "close", 429)),
             policy={"healthCheck": passive(consecutive5XxErrors=0)}, kind="HTTPRoute",
             requests=windows(0, 1, 2)),
    Schedule("retry-no-policy-on-a-http-route", **two(Plan(503, 500, "close", "reset", "garbage")),
             kind="HTTPRoute", requests=windows(0, 2, 2)),
    Schedule("retry-only-listed-codes", **one(Plan(503, 500, 200, 502, 500, 504)),
             policy={"retry": {"numRetries": 3, "retryOn": {"httpStatusCodes": [500]},
                               "perRetry": {"backOff": {"baseInterval": "1ms"}}}},
             requests=windows(0, 3)),
    Schedule("retry-only-listed-codes-refused", **two(Plan("refuse")),
             policy={"retry": {"numRetries": 3, "numAttemptsPerPriority": 1,
                               "retryOn": {"httpStatusCodes": [500]}}},
             requests=at(0.3, 1.3)),
    Schedule("retry-codes-trigger-without-codes", **one(Plan(503, 500)),
             policy=retries(3, (), ["retriable-status-codes"]), requests=windows(0, 1)),
    Schedule("retry-codes-without-their-trigger", **one(Plan(500, 503)),
             policy=retries(3, (500,), ["connect-failure"]), requests=windows(0, 1)),
    Schedule("retry-5xx", **one(Plan(500, 501, 503, 529, 599, 504, 429, 200)),
             policy=retries(6, (), ["5xx"]), requests=windows(0, 2)),
    Schedule("retry-5xx-breaks", **one(Plan("close", "reset", "garbage", 200, "garbage", 404)),
             policy=retries(6, (), ["5xx"]), requests=windows(0, 2)),
    Schedule("retry-gateway-error", **one(Plan(500, 502, 503, 504, 200, "close", 200, 529)),
             policy=retries(6, (), ["gateway-error"]), requests=windows(0, 4)),
    Schedule("retry-reset", **one(Plan(503, "close", "reset", "garbage", 200, 500)),
             policy=retries(6, (), ["reset"]), requests=windows(0, 3)),
    Schedule("retry-reset-refused", **two(Plan("refuse"), Plan(503, 200)),
             policy=retries(6, (), ["reset"], per_priority=1), requests=windows(0, 2)),
    Schedule("retry-reset-before-request", **two(Plan("refuse"), Plan(200, "close", 200)),
             policy=retries(5, (), ["reset-before-request"], per_priority=1), requests=windows(0, 3)),
    Schedule("retry-connect-failure-is-not-a-close", **two(Plan("close", "reset", "garbage", 500)),
             policy=retries(5, (), ["connect-failure"], per_priority=1), requests=windows(0, 5)),
    Schedule("retry-connect-failure", **two(Plan("refuse")),
             policy=retries(5, (), ["connect-failure"], per_priority=2), requests=windows(0, 2)),
    Schedule("retry-connect-timeout", **two(Plan("blackhole")),
             policy={**retries(2, (), ["connect-failure"], per_priority=1),
                     "timeout": {"tcp": {"connectTimeout": "200ms"}}},
             requests=at(0.25, 1.25, lasts=0.5)),
    Schedule("retry-retriable-4xx", **one(Plan(409, 409, 200, 408, 429, 404, 503)),
             policy=retries(5, (), ["retriable-4xx"]), requests=windows(0, 5)),
    Schedule("retry-nothing-rate-limited", **one(Plan("ratelimited", 200, "ratelimited")),
             policy=retries(5, (503,), ["5xx", "retriable-status-codes"]), requests=windows(0, 3)),
    Schedule("retry-425", **one(Plan(425, 425, 200)),
             policy=retries(5, (425,), base="300ms", maximum="300ms"), requests=at(0.45)),
    Schedule("retry-zero", **one(Plan(500, "close", 503)), policy=retries(0, (), ["5xx"]),
             requests=windows(0, 3)),
    Schedule("retry-to-the-end", **one(BAD), policy=retries(5, (500,)), requests=windows(0, 2)),
    Schedule("retry-breaker-at-zero", **one(Plan(500)),
             policy={**retries(5, (500,)), "circuitBreaker": {"maxParallelRetries": 0}},
             requests=windows(0, 2)),
    Schedule("retry-budget", **one(Plan(500)),
             policy={**retries(3, (500,)), "circuitBreaker": {
                 "retryBudget": {"percent": {"numerator": 20}, "minRetryConcurrency": 1}}},
             requests=windows(0, 2)),
    Schedule("breaker-admits-nobody", **two(OK, OK),
             policy={**retries(3, (), ["5xx"]), "circuitBreaker": {"maxParallelRequests": 0}},
             requests=windows(0, 2)),
    Schedule("body-at-the-limit", **one(Plan(500, 200)), buffer_limit="32Ki",
             policy=retries(2, (500,)), requests=at(0.45, 1.45, body_bytes=32768)),
    Schedule("body-beyond-the-limit", **one(Plan(500, 200)), buffer_limit="32Ki",
             policy=retries(2, (500,)), requests=at(0.45, 1.45, body_bytes=32769)),
]

PRIORITIES = [
    Schedule("n1-two-priorities", **two(BAD, BAD), policy=retries(5, (500,), per_priority=1),
             requests=windows(0, 2)),
    Schedule("n1-five-retries-end-on-the-fallback", **two(BAD, Plan(500, 500, 200)),
             policy=retries(5, (500,), per_priority=1), requests=windows(0, 2)),
    Schedule("n1-three-priorities", refs=[Ref(0, [BAD]), Ref(1, [BAD]), Ref(2, [BAD])],
             policy=retries(6, (500,), per_priority=1), requests=windows(0, 2)),
    Schedule("n2-two-priorities", **two(BAD, BAD), policy=retries(5, (500,), per_priority=2),
             requests=windows(0, 2)),
    Schedule("n2-three-priorities", refs=[Ref(0, [BAD]), Ref(1, [BAD]), Ref(2, [BAD])],
             policy=retries(7, (500,), per_priority=2), requests=windows(0, 2)),
    Schedule("n3-two-priorities", **two(BAD, BAD), policy=retries(6, (500,), per_priority=3),
             requests=windows(0, 2)),
    Schedule("n1-skips-the-untried-host", refs=[Ref(0, [BAD]), Ref(0, [BAD]), Ref(1, [OK])],
             policy={**retries(5, (500,), per_priority=1), **ROUND_ROBIN}, compares="request",
             requests=windows(0, 3, 2)),
    Schedule("n1-two-hosts-each", refs=[Ref(0, [BAD, BAD]), Ref(1, [BAD, BAD])],
             policy={**retries(3, (500,), per_priority=1), **ROUND_ROBIN}, compares="request",
             requests=windows(0, 3, 2)),
    Schedule("n1-first-ejected-on-the-way", **two(BAD, BAD),
             policy={**retries(4, (500,), per_priority=1, **PATIENT),
                     "healthCheck": passive("1200ms", maxEjectionPercent=50)},
             requests=at(0.3, 1.3)),
    Schedule("n1-second-is-out", **two(BAD, Plan(503)),
             policy={**retries(3, (500,), per_priority=1, **PATIENT),
                     "healthCheck": passive("1200ms", consecutive5XxErrors=0,
                                            consecutiveGatewayErrors=1)},
             requests=at(0.3, 1.3, 2.3)),
    Schedule("n1-the-middle-is-out", refs=[Ref(0, [BAD]), Ref(1, [Plan(503)]), Ref(2, [BAD])],
             policy={**retries(4, (500,), per_priority=1, **PATIENT),
                     "healthCheck": passive("1200ms", consecutive5XxErrors=0,
                                            consecutiveGatewayErrors=1)},
             requests=at(0.3, 1.3, 2.3)),
    Schedule("no-steering-stays", refs=[Ref(0, [BAD]), Ref(1, [OK])],
             policy=retries(5, (500,)), requests=windows(0, 2)),
    Schedule("previous-hosts-two", **one(BAD, BAD), compares="request",
             policy={**retries(1, (500,)), **ROUND_ROBIN}, requests=windows(0, 3, 2)),
    Schedule("previous-hosts-three-addresses", refs=[Ref(0, [BAD, BAD, BAD])], compares="request",
             policy={**retries(2, (500,)), **ROUND_ROBIN}, requests=windows(0, 3, 2)),
    Schedule("round-robin-over-addresses", refs=[Ref(0, [OK, OK, OK])], compares="twins",
             policy={**retries(1, (500,)), **ROUND_ROBIN}, requests=windows(0, 4, 3)),
    Schedule("round-robin-over-refs", **one(OK, OK, OK), compares="twins",
             policy={**retries(1, (500,)), **ROUND_ROBIN}, requests=windows(0, 3, 3)),
    Schedule("weights-three-to-one", refs=[Ref(0, [OK], weight=3), Ref(0, [OK], weight=1)],
             policy=retries(1, (500,)), compares="counts", requests=windows(0, 4, 4)),
    Schedule("weights-count-refs-not-addresses", compares="counts",
             refs=[Ref(0, [OK], weight=1), Ref(0, [OK], weight=1), Ref(0, [OK], weight=2)],
             policy=retries(1, (500,)), requests=windows(0, 4, 4)),
    Schedule("weight-zero-takes-no-part", refs=[Ref(0, [BAD], weight=0), Ref(0, [OK])],
             policy=retries(1, (500,)), requests=windows(0, 2, 2)),
]

EJECTIONS = [
    Schedule("eject-after-five-in-a-row",
             **two(Plan(500, 500, 500, 500, 200, 500, 500, 500, 500, 500)),
             policy=ejects(consecutive5XxErrors=5), requests=windows(0, 6, 3)),
    Schedule("eject-mixed-failures", **two(Plan(500, "close", 503, "garbage", "reset")),
             policy=ejects(consecutive5XxErrors=5), requests=windows(0, 5, 2)),
    Schedule("eject-split-counts-apart", **two(Plan(500, 500, 500, "close", "reset", 500, 500)),
             policy=ejects(consecutive5XxErrors=5, consecutiveLocalOriginFailures=5,
                           splitExternalLocalOriginErrors=True), requests=windows(0, 5, 2)),
    Schedule("eject-split-local", **two(Plan("refuse")),
             policy=ejects(consecutiveLocalOriginFailures=2,
                           splitExternalLocalOriginErrors=True), requests=windows(0, 6, 2)),
    Schedule("eject-split-close-is-local", **two(Plan("close")),
             policy=ejects(consecutive5XxErrors=1, consecutiveLocalOriginFailures=1,
                           splitExternalLocalOriginErrors=True), requests=windows(0, 6)),
    Schedule("eject-split-connecting-resets", **two(Plan({0: "refuse", 1: 500, 2: "refuse", 3: 500})),
             policy=ejects(consecutive5XxErrors=9, consecutiveLocalOriginFailures=2,
                           splitExternalLocalOriginErrors=True), requests=windows(0, 4)),
    Schedule("eject-unsplit-local-is-inert", **two(Plan("refuse")),
             policy=ejects(consecutive5XxErrors=5, consecutiveLocalOriginFailures=1),
             requests=windows(0, 5)),
    Schedule("eject-not-for-4xx", **two(Plan(429, 404, 499, 400)), policy=ejects(),
             requests=windows(0, 3)),
    Schedule("eject-threshold-zero", **two(Plan(503)), policy=ejects(consecutive5XxErrors=0),
             requests=windows(0, 3, 3)),
    Schedule("eject-gateway", **two(Plan(502, 503, 504)),
             policy=ejects(consecutive5XxErrors=10, consecutiveGatewayErrors=3),
             requests=windows(0, 3, 2)),
    Schedule("eject-gateway-reset-by-500", **two(Plan(502, 500, 502, 503, 500, 504)),
             policy=ejects(consecutive5XxErrors=8, consecutiveGatewayErrors=3),
             requests=windows(0, 5, 2)),
    Schedule("eject-gateway-zero-or-absent", **two(Plan(503)),
             policy=ejects(consecutive5XxErrors=10), requests=windows(0, 5, 2)),
    Schedule("eject-in-the-middle-of-an-answer", **two(Plan("cut", 200)), policy=ejects(),
             kind="HTTPRoute",
             requests=[Request(0.3, lasts=2.7)] + windows(3, 4)),
    Schedule("eject-retried-attempts-count", **two(Plan(500, 500, 200)),
             policy={**retries(1, (500,), per_priority=1),
                     "healthCheck": passive(consecutive5XxErrors=2)}, requests=windows(0, 5)),
    Schedule("eject-cap-refuses", **two(BAD), policy=ejects(maxEjectionPercent=10),
             requests=windows(0, 4)),
    Schedule("eject-cap-zero-means-ten", **two(BAD), policy=ejects(maxEjectionPercent=0),
             requests=windows(0, 3)),
    Schedule("eject-cap-49", **two(BAD), policy=ejects(maxEjectionPercent=49),
             requests=windows(0, 3)),
    Schedule("eject-cap-50", **two(BAD, BAD), policy=ejects(maxEjectionPercent=50),
             requests=windows(0, 7)),
    Schedule("eject-always-one", **two(BAD, BAD),
             policy=ejects(maxEjectionPercent=10, alwaysEjectOneEndpoint=True),
             requests=windows(0, 7)),
    Schedule("eject-three-at-66", refs=[Ref(0, [BAD]), Ref(1, [BAD]), Ref(2, [BAD])],
             policy=ejects("1600ms", maxEjectionPercent=66), requests=windows(0, 3)),
    Schedule("eject-three-at-67", refs=[Ref(0, [BAD]), Ref(1, [BAD]), Ref(2, [BAD])],
             policy=ejects("1600ms", maxEjectionPercent=67), requests=windows(0, 3)),
    Schedule("eject-one-host-and-panic", **one(BAD), policy=ejects(), requests=windows(0, 9)),
    Schedule("eject-one-host-no-panic", **one(BAD), policy=ejects(panic=0), requests=windows(0, 9)),
    Schedule("eject-multiplier-grows", **two(BAD), policy=ejects("400ms"), requests=windows(0, 20)),
    Schedule("eject-multiplier-shrinks", **two(Plan({0: 500, 3.9: 200, 14: 500})),
             policy=ejects("800ms"), requests=windows(0, 19)),
    Schedule("eject-counter-survives-sweeps", **two(Plan(500, 500, 500, 200)),
             policy=ejects(consecutive5XxErrors=3), requests=windows(0, 6)),
    Schedule("eject-one-of-four-does-not-spill", compares="windows",
             refs=[Ref(0, [BAD]), Ref(0, [OK]), Ref(0, [OK]), Ref(0, [OK]), Ref(1, [Plan(201)])],
             policy={**ejects("1600ms"), **ROUND_ROBIN}, requests=windows(0, 4, 4)),
    Schedule("eject-last-priority-first", **two(Plan({0: 500, 1: 200}), Plan({0: 500, 1: 200})),
             policy={**retries(1, (500,), per_priority=1, **PATIENT),
                     "healthCheck": passive("800ms", panic=0)}, requests=at(0.3) + windows(1, 5)),
]

TIMEOUTS = [
    Schedule("per-try-not-retried", **two(Plan("hang", 200)),
             policy={**retries(3, (504,), ["retriable-status-codes"], per_try="200ms"),
                     "healthCheck": passive("800ms")},
             requests=[Request(0.23, lasts=0.5)] + windows(1, 4)),
    Schedule("per-try-5xx", **one(Plan("hang")),
             policy=retries(2, (), ["5xx"], per_try="400ms"), requests=at(0.45, lasts=3)),
    Schedule("per-try-reset", **two(Plan("hang"), OK),
             policy=retries(2, (), ["reset"], per_try="400ms", per_priority=1),
             requests=at(0.45, 1.45, lasts=1)),
    Schedule("per-try-gateway-error", **two(Plan("hang"), OK),
             policy=retries(2, (), ["gateway-error"], per_try="400ms", per_priority=1),
             requests=at(0.45, lasts=1)),
    Schedule("per-try-connect-failure-does-not", **two(Plan("hang"), OK),
             policy=retries(2, (), ["connect-failure"], per_try="400ms", per_priority=1),
             requests=at(0.45, lasts=1)),
    Schedule("per-try-at-the-global-timeout-is-dropped", **two(Plan("hang", 200)),
             policy={**retries(3, (), ["5xx"], per_try="400ms"), "healthCheck": passive("800ms")},
             rule={"timeouts": {"request": "400ms"}},
             requests=[Request(0.45, lasts=1)] + windows(2, 3)),
    Schedule("global-covers-all-attempts", **one(Plan("hang")),
             policy={**retries(9, (), ["5xx"], per_try="300ms"), "healthCheck": passive(
                 consecutive5XxErrors=9)},
             rule={"timeouts": {"request": "800ms"}}, requests=at(0.45, lasts=2)),
    Schedule("global-charges-the-host", **two(Plan("hang", 200)), policy=ejects("800ms"),
             rule={"timeouts": {"request": "400ms"}},
             requests=[Request(0.45, lasts=1)] + windows(2, 4)),
    Schedule("global-from-the-policy", **two(Plan("hang", 200)), kind="HTTPRoute",
             policy={**ejects("800ms"), "timeout": {"http": {"requestTimeout": "400ms"}}},
             requests=[Request(0.45, lasts=1)] + windows(2, 4)),
    Schedule("http-route-rule-retry-replaces-the-policys", **one(Plan(500, 502, 502, 200)),
             kind="HTTPRoute", policy=retries(5, (500,)),
             rule={"retry": {"attempts": 2, "codes": [502], "backoff": "1ms"}},
             requests=windows(0, 2)),
    Schedule("http-route-backend-request-is-per-try", **two(Plan("hang"), Plan(200)),
             kind="HTTPRoute", policy={"healthCheck": passive()},
             rule={"retry": {"attempts": 1, "codes": [504], "backoff": "1ms"},
                   "timeouts": {"request": "4s", "backendRequest": "200ms"}},
             requests=at(0.3, lasts=0.5)),
    Schedule("per-try-idle-before-the-head", **two(Plan("hang"), OK),
             policy=retries(2, (), ["reset"], per_priority=1),
             rule={"streamIdleTimeout": "400ms"}, requests=at(0.45, lasts=1)),
    Schedule("slow-but-in-time", **two(Plan("slow")),
             policy={**retries(3, (), ["5xx"], per_try="300ms"), "healthCheck": passive()},
             requests=at(0.3, 1.3)),
    Schedule("split-per-try-is-local", **two(Plan("hang")),
             policy={**retries(0, (), ["5xx"], per_try="200ms"), "healthCheck": passive(
                 "800ms", splitExternalLocalOriginErrors=True, consecutiveLocalOriginFailures=1)},
             requests=[Request(0.23, lasts=0.5)] + windows(1, 2)),
]

# Where understudy does something else on purpose: test_differential.DELIBERATE says what.
CONCURRENT = [
    Schedule("together-connect-timeout", **two(Plan("blackhole")), compares="windows",
             policy={**seed(), "timeout": {"tcp": {"connectTimeout": "120ms"}}},
             requests=at(0.3, 0.3, 0.3, lasts=0.3) + windows(1, 2)),
    Schedule("together-one-ejection-for-all", **two(Plan("slow-500")), policy=ejects(),
             compares="windows", requests=at(0.3, 0.3, 0.3) + windows(1, 2)),
    Schedule("together-counters-start-anew", compares="windows",
             **two(Plan("slow-500", "slow-500", "slow-500", 500, 200, 500, 500)),
             policy=ejects(consecutive5XxErrors=2),
             requests=at(0.3, 0.3, 0.3) + windows(1, 2) + windows(3, 3, 4) + windows(4, 8)),
    Schedule("together-one-parallel-retry", **one(Plan(500, 500, 200)), compares="windows",
             policy={**retries(1, (500,), base="300ms", maximum="300ms"),
                     "circuitBreaker": {"maxParallelRetries": 1}},
             requests=at(0.25, 0.25, lasts=0.8)),
    Schedule("together-one-parallel-request", **one(Plan("slow")), compares="windows",
             policy={**retries(2, (), ["5xx"]), "circuitBreaker": {"maxParallelRequests": 1}},
             requests=at(0.3, 0.32, 1.3, 1.3, 1.3)),
]

HEALTH = [
    # P0 all out, P1 half: everything goes to the usable half of P1.
    Schedule("load-second-priority-half-out", compares="windows",
             refs=[Ref(0, [Plan("slow-500")]), Ref(0, [Plan("slow-500")]),
                   Ref(1, [Plan("slow-500")]), Ref(1, [Plan("slow")])],
             policy={**ejects("2400ms"), **ROUND_ROBIN},
             requests=at(0.3, 0.3, 1.3, 1.3) + windows(2, 4)),
    Schedule("load-first-half-out-second-out", compares="windows",
             refs=[Ref(0, [BAD]), Ref(0, [OK]), Ref(1, [BAD])],
             policy={**retries(1, (500,), per_priority=1, **PATIENT), **ROUND_ROBIN,
                     "healthCheck": passive("2400ms")}, requests=windows(0, 4, 2)),
    Schedule("rate-of-success", refs=[Ref(0, [Plan(500, 200, cycles=True, keeps=True)])]
             + [Ref(0, [Plan(200, keeps=True)]) for _ in range(4)],
             policy={**ejects("2s", interval=RATE_S, consecutive5XxErrors=0), **ROUND_ROBIN},
             compares="counts", interval_s=RATE_S, tail=0.6,
             requests=at(*(0.15 + 0.7 * n / 500 for n in range(500)), 1.4, 1.45, 1.5, 1.55)),
    Schedule("rate-of-failures", refs=[Ref(0, [Plan(500, 200, cycles=True, keeps=True)])]
             + [Ref(0, [Plan(200, keeps=True)]) for _ in range(4)],
             policy={**ejects("2s", interval=RATE_S, consecutive5XxErrors=0,
                              failurePercentageThreshold=50), **ROUND_ROBIN},
             compares="counts", interval_s=RATE_S, tail=0.6,
             requests=at(*(0.15 + 0.7 * n / 250 for n in range(250)), 1.4, 1.45, 1.5, 1.55)),
]

APART = [
    # One request at a time meets a host that has just returned.
    Schedule("apart-volley-after-a-return", **two(Plan("slow-500")), policy=ejects(),
             compares="counts", requests=at(0.3) + windows(1, 2) + at(3.3, 3.31, 3.32)),
    Schedule("apart-no-retry-block-on-an-ai-route", **two(BAD),
             policy={"healthCheck": passive(consecutive5XxErrors=0)}, requests=at(0.25, lasts=2)),
    # What is held before the commit can still become an error instead of half an answer.
    Schedule("apart-dies-in-the-middle", **two(Plan("cut", 200)), policy=seed(),
             requests=[Request(0.3, lasts=2.7)] + windows(3, 5)),
    Schedule("apart-large-body-on-a-http-route", **two(Plan(500, 200)), kind="HTTPRoute",
             buffer_limit="32Ki", policy=retries(3, (500,)), requests=at(0.45, body_bytes=40_000)),
    Schedule("apart-stale-kept-connection", **one(Plan(200, "close", 200, keeps=True)),
             policy=retries(1, (500,)), requests=windows(0, 2)),
    Schedule("apart-backend-request-timeout", **two(Plan("hang")),
             policy=retries(2, (), ["5xx"], per_priority=1),
             rule={"timeouts": {"backendRequest": "400ms"}}, requests=at(0.45, lasts=1)),
    Schedule("apart-one-sweep-after-a-return", **two(Plan({0: 500, 0.9: 200, 4: 500, 4.9: 200})),
             policy=ejects(), requests=windows(0, 9)),
]

# Envoy is given another policy: the comparison must see it.
CONTROLS = [
    Schedule("control-threshold", **two(BAD), policy=ejects(), requests=windows(0, 1),
             tampered=('"consecutive5XxErrors": 1,', '"consecutive5XxErrors": 2,')),
    Schedule("control-ejection-time", **two(BAD), policy=ejects(), requests=windows(0, 4),
             tampered=('"800ms"', '"1200ms"')),
    Schedule("control-steering", **two(BAD, BAD), policy=retries(3, (500,), per_priority=1),
             requests=windows(0, 0),
             tampered=('"numAttemptsPerPriority": 1', '"numAttemptsPerPriority": 2')),
]

WRITTEN = SEED + RETRIES + PRIORITIES + EJECTIONS + TIMEOUTS + CONCURRENT + HEALTH + APART + CONTROLS
ALL = {s.name: s for s in WRITTEN + generated()}
assert len(ALL) == len(WRITTEN) + len(generated())
