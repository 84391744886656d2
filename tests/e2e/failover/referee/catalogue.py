"""The sixteen faults of Failover Bench (methodology 0.1): which checks a system has to stand, and how they
add up to a verdict. Facts and thresholds are the referee's, every line here is ours."""
import dataclasses

ANSWER = ("A gateway is trusted on the day its provider fails, not on the days when all is well. It waits no "
          "longer than it promised, asks somebody else before the caller has noticed anything, keeps half an "
          "answer from passing as a whole one, and says plainly what went wrong when nobody can help. Quiet "
          "recovery, honest errors, nothing more.")
WORDS = ANSWER.split()
PROMPT = "Say in sixty words what makes a gateway worth its trust."
FALLBACK = "fb-ok"


@dataclasses.dataclass
class Check:
    name: str
    holds: object  # a function of the Facts; None means: does not apply
    severity: str = "required"  # "advisory": a failure costs the pass; "info": it costs nothing


@dataclasses.dataclass
class Scenario:
    id: str
    title: str
    model: str
    limit: float  # seconds until it counts as a hang
    checks: tuple = ()
    ideal: str = "success"
    fallback: str = FALLBACK
    is_sequence: bool = False


def most_attempts(count):
    return Check(f"at most {count} attempts on the primary", lambda f: len(f.primary) <= count)


def one_attempt():
    return Check("one attempt on the primary", lambda f: len(f.primary) == 1)


def no_volley(count, seconds):
    return Check(f"at most {count} attempts in the first {seconds} s",
                 lambda f: sum(t - f.primary[0] < seconds for t in f.primary) <= count)


def within(seconds, severity="required"):
    return Check(f"over within {seconds} s", lambda f: f.seconds <= seconds, severity)


def usage(severity="advisory"):
    return Check("usage reported", lambda f: bool(f.usage), severity)


ALIVE = Check("a healthy call succeeds afterwards", lambda f: f.is_alive)

SCENARIOS = (
    Scenario("S01", "429 with Retry-After: 2, once", "fb-s01", 20, (
        Check("tried again", lambda f: len(f.primary) >= 2, "advisory"),
        Check("Retry-After kept", lambda f: len(f.primary) >= 2 and f.primary[1] - f.primary[0] >= 1.8,
              "advisory"),
        no_volley(2, 1.5))),
    Scenario("S02", "429 without Retry-After, always", "fb-s02", 40,
             (no_volley(4, 3), most_attempts(6))),
    Scenario("S03", "500 once, then healthy", "fb-s03", 20, (
        Check("tried again on the same provider", lambda f: len(f.primary) >= 2, "advisory"),)),
    Scenario("S04", "503 always", "fb-s04", 40, (most_attempts(6),)),
    Scenario("S05", "connection reset before the head, once", "fb-s05", 20),
    Scenario("S06", "request taken, no response at all", "fb-s06", 130, (
        within(100),
        Check("silent endpoint not tried again", lambda f: len(f.primary) <= 1, "advisory"))),
    Scenario("S07", "head at once, first token after 20 s", "fb-s07", 60, (within(15, "advisory"),)),
    Scenario("S08", "stream cut after 40 of 60 tokens", "fb-s08", 40),
    Scenario("S09", "stream silent for 30 s after 20 tokens, then closed", "fb-s09", 70, (
        within(45), ALIVE)),
    Scenario("S10", "one malformed event in a stream that is whole otherwise", "fb-s10", 30, (
        ALIVE, Check("recovered in place", lambda f: f.outcome == "success" and f.is_whole, "advisory"))),
    Scenario("S11", "whole stream without [DONE]", "fb-s11", 30, (within(8), usage())),
    Scenario("S12", "400 context_length_exceeded", "fb-s12", 20, (one_attempt(),)),
    Scenario("S13", "400 content_policy_violation", "fb-s13", 20, (
        one_attempt(), Check("fallback used", lambda f: bool(f.fallback), "info")), ideal="error"),
    Scenario("S14", "stream cut, and the fallback refuses an assistant prefill", "fb-s14", 40, (
        Check("the prefill refusal does not mask the failure",
              lambda f: not (f.outcome == "error" and f.prefill_refusals)),), fallback="fb-ok-noprefill"),
    Scenario("S15", "503 for 60 s, then healthy: 20 requests, one every 4 s", "fb-s15", 200, (
        Check("every request of the outage served", lambda f: f.served_in_outage == f.asked_in_outage > 0),
        Check("back on the primary within 30 s", lambda f: f.back_after is not None and f.back_after <= 30),
        Check("at most one probe a request", lambda f: f.probes <= f.asked_in_outage, "info")),
        is_sequence=True),
    Scenario("S16", "503 always: who is named, what is billed", "fb-s16", 40, (
        Check("the fallback's model is reported", lambda f: not f.fallback or f.model == FALLBACK),
        usage(), most_attempts(6))),
)


@dataclasses.dataclass
class Facts:
    """What the caller saw and what the provider saw."""
    outcome: str  # success, error, hang
    is_whole: bool
    seconds: float
    error: str = ""
    model: str | None = None
    usage: dict | None = None
    primary: list = dataclasses.field(default_factory=list)  # seconds since the start, each attempt
    fallback: list = dataclasses.field(default_factory=list)
    prefill_refusals: int = 0
    is_alive: bool = True
    asked_in_outage: int = 0
    served_in_outage: int = 0
    back_after: float | None = None
    probes: int = 0


@dataclasses.dataclass
class Verdict:
    word: str  # pass, partial, safe, fail
    why: str
    facts: Facts

    def __str__(self):
        facts = self.facts
        return (f"{self.word}: {self.why} ({len(facts.primary)} primary, {len(facts.fallback)} fallback, "
                f"{facts.seconds:.1f} s) {facts.error}")


def judge(scenario, facts):
    if facts.outcome == "hang":
        return Verdict("fail", "hang", facts)
    if facts.outcome == "success" and not facts.is_whole and scenario.ideal == "success":
        return Verdict("fail", "a truncated answer passed as a success", facts)
    failed = {"required": [], "advisory": [], "info": []}
    for check in scenario.checks:
        if not check.holds(facts):
            failed[check.severity].append(check.name)
    if failed["required"]:
        return Verdict("fail", "not: " + ", ".join(failed["required"]), facts)
    if scenario.ideal == "error":
        if facts.outcome == "success":
            return Verdict("partial", "answered around the refusal", facts)
    elif facts.outcome != "success":
        return Verdict("safe", "not rescued, a clean error", facts)
    if failed["advisory"]:
        return Verdict("partial", "not: " + ", ".join(failed["advisory"]), facts)
    return Verdict("pass", "", facts)
