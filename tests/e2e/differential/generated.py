"""Schedules drawn by seed: a policy, faults and their times. Only what chance cannot decide in Envoy
is drawn: one host a priority, no panic, one period of faults a host."""
import random

from differential.model import INTERVAL_S, Ref, Schedule, at, passive, retry
from differential.upstreams import Plan

SEEDS = range(1, 25)
WINDOWS = 13
FAULTS = (500, 500, 502, 503, 529, 429, "refuse", "refuse", "close", "reset", "garbage")
TRIGGERS = ("connect-failure", "retriable-status-codes", "retriable-status-codes", "5xx",
            "gateway-error", "reset", "reset-before-request", "retriable-4xx")
CODES = (429, 500, 502, 503, 529)


def plan(chance, is_first):
    if not is_first and chance.random() < 0.4:
        return Plan(200)
    fault = chance.choice(FAULTS)
    if chance.random() < 0.3:
        return Plan(fault)
    begin = chance.randrange(0, 4)
    end = begin + chance.randrange(1, 8)
    return Plan({0: fault, end: 200} if begin == 0 else {0: 200, begin: fault, end: 200})


def drawn_retry(chance):
    triggers = sorted(set(chance.choices(TRIGGERS, k=chance.randrange(1, 5))))
    codes = sorted(set(chance.choices(CODES, k=chance.randrange(1, 4))))
    count, per_priority = chance.choice((0, 1, 2, 3, 4, 5)), chance.choice((None, None, None, 1, 2))
    if per_priority is None:
        return retry(count, codes, triggers, base="15ms", maximum="15ms")
    # Here a retry that overtakes an ejection spoils the play: make that rare, and yet be done
    # before the next request.
    return retry(min(count, 2), codes, triggers, base="40ms", maximum="40ms",
                 per_priority=per_priority)


def drawn_passive(chance, is_retried):
    interval_ms = round(1000 * INTERVAL_S)
    # With retries one failure is enough, so that one that overtakes an ejection can be told.
    highest = 1 if is_retried else 2
    fields = {"consecutive5XxErrors": min(highest, chance.choice((0, 1, 1, 2))),
              "maxEjectionPercent": chance.choice((100, 100, 100, 67, 50)),
              "alwaysEjectOneEndpoint": chance.random() < 0.3}
    if chance.random() < 0.4:
        fields["consecutiveGatewayErrors"] = chance.randrange(0, highest + 1)
    if chance.random() < 0.4:
        fields["splitExternalLocalOriginErrors"] = True
        fields["consecutiveLocalOriginFailures"] = chance.randrange(1, highest + 1)
    return passive(f"{interval_ms * chance.randrange(1, 4)}ms", panic=0, **fields)


def drawn(seed):
    chance = random.Random(seed)
    refs = [Ref(priority, [plan(chance, priority == 0)])
            for priority in range(chance.choice((2, 2, 3)))]
    policy = {"retry": drawn_retry(chance)}
    if chance.random() < 0.85:
        policy["healthCheck"] = drawn_passive(chance, policy["retry"]["numRetries"] > 0)
    requests = at(*(window + place for window in range(WINDOWS) for place in (0.26, 0.52)))
    return Schedule(f"drawn-{seed:02}", refs, requests, policy)


def generated():
    return [drawn(seed) for seed in SEEDS]
