"""The schedules that both proxies play. A name says what is looked at."""
from differential.generated import generated
from differential.model import Ref, Request, Schedule, at, passive, retry, windows
from differential.upstreams import Plan

OK = Plan(200)


def two(first, second=OK, **fields):
    """One host in priority 0, one in priority 1."""
    return {"refs": [Ref(0, [first]), Ref(1, [second])], **fields}


def seed(**fields):
    """The policy of Agent Router's provider-fallback example, its times scaled down."""
    return {"retry": retry(base="40ms", maximum="40ms"), "healthCheck": passive("1s", consecutiveGatewayErrors=0,
                                                     consecutiveLocalOriginFailures=1, **fields)}


WRITTEN = [
    # ---- the seed's policy: one host fails for ever, or in another way ----
    Schedule("seed-500", **two(Plan(500)), policy=seed(), requests=windows(0, 17)),
    Schedule("seed-503-is-shown-once-a-window", **two(Plan(503)), policy=seed(), requests=windows(0, 10)),
    Schedule("seed-refused", **two(Plan("refuse")), policy=seed(), requests=windows(0, 10)),
    Schedule("seed-closes", **two(Plan("close")), policy=seed(), requests=windows(0, 10)),
    Schedule("seed-reset", **two(Plan("reset")), policy=seed(), requests=windows(0, 10)),
    Schedule("seed-garbage", **two(Plan("garbage")), policy=seed(), requests=windows(0, 10)),
    Schedule("seed-429-never-fails-over", **two(Plan(429)), policy=seed(), requests=windows(0, 4)),
    Schedule("seed-recovers", **two(Plan({0: 500, 3.9: 200})), policy=seed(), requests=windows(0, 8)),
    Schedule("no-policy-for-retries", **two(Plan(500)),
             policy={"retry": {"numRetries": 0}, "healthCheck": passive()}, requests=windows(0, 6)),
    Schedule("n1-two-priorities", **two(Plan(500), Plan(500)),
             policy={"retry": retry(5, per_priority=1)}, requests=windows(0, 3)),
]

ALL = {s.name: s for s in WRITTEN + generated()}
assert len(ALL) == len(WRITTEN) + len(generated())
