"""What a request is told about itself: server-timing, /requests with the lines that decided, the
origins in /config, and the operator's actions in the log."""
import json
import re

from harness import config, raw
from harness.daemon import wait_until
from providers import openai_dialect
from providers.server import status

CHAT = "/v1/chat/completions"
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
STREAM = json.dumps({"model": "m", "stream": True,
                     "messages": [{"role": "user", "content": "hi"}]}).encode()
JSON = [("content-type", "application/json")]
EXPLAIN = [*JSON, ("x-understudy-explain", "1")]
KEY = "sk-not-to-be-seen"

CONFIG = """\
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {{name: llm}}
spec:
  rules:
    - backendRefs:
        - name: primary
          priority: 0
        - name: fallback
          priority: 1
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: BackendTrafficPolicy
metadata: {{name: policy}}
spec:
  targetRefs: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, name: llm}}]
  retry:
    numRetries: 3
    perRetry:
      backOff: {{baseInterval: 1ms, maxInterval: 2ms}}
    retryOn:
      triggers: [retriable-status-codes]
      httpStatusCodes: [503]
  healthCheck:
    passive:
      consecutive5XxErrors: 1
      baseEjectionTime: 60s
      maxEjectionPercent: 100
---
{more}"""


def two(start, primary, fallback, **how):
    more = config.documents(
        *config.backend("primary", primary.port, security=("APIKey", KEY)),
        *config.backend("fallback", fallback.port))
    return start(CONFIG.format(more=more), **how)


def line_of(text):
    return next(n for n, line in enumerate(CONFIG.splitlines(), 1) if text in line)


def document(daemon, path):
    code, text = daemon.admin(path)
    assert code == 200, text
    assert KEY not in text
    return json.loads(text)


def story_of(daemon, request_id):
    """The record is written after the answer, so it may be a moment behind it."""
    def find():
        code, text = daemon.admin(f"/requests/{request_id}")
        return json.loads(text) if code == 200 else None
    return wait_until(find, what=f"the story of {request_id}")


def test_server_timing_has_an_entry_for_each_attempt(start, provider):
    daemon = two(start, provider(status(503), "primary"), provider(name="fallback"))
    entry = r'attempt-1;dur=\d+\.\d;desc="primary status 503", attempt-2;dur=\d+\.\d;desc="fallback ok 200"'
    answer = raw.ask(daemon.port, "POST", CHAT, BODY, EXPLAIN)
    assert re.fullmatch(entry, answer.header("server-timing")), answer.header("server-timing")
    for body in (BODY, STREAM):  # the primary is out by now
        timing = raw.ask(daemon.port, "POST", CHAT, body, EXPLAIN).header("server-timing")
        assert re.fullmatch(r'attempt-1;dur=\d+\.\d;desc="fallback ok 200"', timing), timing
    assert raw.ask(daemon.port, "POST", CHAT, BODY, JSON).header("server-timing") is None


def test_server_timing_on_an_answer_of_the_proxy(start, provider):
    daemon = start(config.single(provider(status(503), "only"),
                                 config.traffic_policy(retry=config.retry(1, triggers=("reset",)))))
    answer = raw.ask(daemon.port, "POST", CHAT, BODY, EXPLAIN)
    assert answer.status == 503
    assert 'desc="only status 503"' in answer.header("server-timing")


def test_a_failover_is_told_with_the_lines_that_made_it(start, provider):
    daemon = two(start, provider(status(503), "primary"), provider(name="fallback"))
    raw.ask(daemon.port, "POST", CHAT, BODY, [*JSON, ("x-request-id", "told-1")])
    story = story_of(daemon, "told-1")
    assert story["status"] == 200 and story["commit_ms"] is not None
    assert [(a["backend"], a["priority"], a["outcome"]) for a in story["attempts"]] == [
        ("primary", 0, "status"), ("fallback", 1, "ok")]
    assert story["attempts"][0]["endpoint"].startswith("127.0.0.1:")
    decided = {line["setting"]: line for step in story["story"] for line in step["decided_by"]}
    for setting, text in (("retry.status_codes", "httpStatusCodes"),
                          ("ejection.consecutive_5xx", "consecutive5XxErrors"),
                          ("ejection.base_ejection_time", "baseEjectionTime"),
                          ("retry.backoff_base", "baseInterval")):
        line = decided[setting]
        assert re.search(rf"config-0\.yaml:{line_of(text)}:\d+$", line["at"]), line
        assert line["object"] == "BackendTrafficPolicy default/policy"
        assert not line["default"]
    whats = [step["what"] for step in story["story"]]
    for what in ("attempt", "outcome", "ejection", "wait", "commit", "completed"):
        assert what in whats, whats
    assert [s["at_ms"] for s in story["story"]] == sorted(s["at_ms"] for s in story["story"])


def test_a_request_that_failed_says_why_no_more_was_tried(start, provider):
    daemon = two(start, provider(status(503), "primary"), provider(status(503), "fallback"))
    answer = raw.ask(daemon.port, "POST", CHAT, BODY, [*JSON, ("x-request-id", "lost")])
    assert answer.status == 503
    story = story_of(daemon, "lost")
    assert len(story["attempts"]) == 4
    last = [s for s in story["story"] if s["what"] == "outcome"][-1]
    assert "all 4 attempts are used up" in last["text"]
    assert last["decided_by"][-1]["setting"] == "retry.num_retries"
    assert last["decided_by"][-1]["at"].endswith(f":{line_of('numRetries')}:17")


def test_streams_and_clients_that_leave_have_stories_too(start, provider):
    def begins(exchange):
        exchange.head(200, [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")])
        for event in openai_dialect.events("hello there")[:2]:  # up to the first content
            exchange.chunk(event)
        exchange.wait_for_peer_to_leave()
    daemon = start(config.single(provider(begins, "only")))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, STREAM, [*JSON, ("x-request-id", "left")]))
        assert client.head().status == 200
    story = story_of(daemon, "left")
    assert story["details"] == "downstream_gone"
    assert story["story"][-1]["what"] == "client_left"


def test_the_list_of_requests_and_its_filters(start, provider):
    daemon = two(start, provider(status(503), "primary"), provider(name="fallback"))
    for n in range(3):
        raw.ask(daemon.port, "POST", CHAT, BODY, [*JSON, ("x-request-id", f"r{n}")])
    raw.ask(daemon.port, "GET", "/nowhere", b"", [("x-request-id", "nowhere")])
    story_of(daemon, "nowhere")

    def ids(query=""):
        return {r["id"] for r in document(daemon, f"/requests{query}")["requests"]}
    assert ids() == {"r0", "r1", "r2", "nowhere"}
    assert ids("?only=failovers") == {"r0"}
    assert ids("?only=errors") == {"nowhere"}
    assert ids("?status=4xx") == {"nowhere"}
    assert ids("?backend=primary") == {"r0"}
    assert ids("?route=default%2Fllm&min_attempts=2") == {"r0"}
    assert len(ids("?limit=2")) == 2
    code, text = daemon.admin("/requests?color=red")
    assert code == 400 and "only (errors or failovers)" in text
    code, text = daemon.admin("/requests/never-seen")
    assert code == 404 and "last 1000" in text


def test_the_ring_keeps_the_last_thousand(start, provider):
    daemon = start(config.single(provider(name="only")), workers=1)
    with raw.Client(daemon.port) as client:
        for n in range(1_010):
            client.send(raw.request("GET", "/nowhere", b"", [("x-request-id", f"n{n}")]))
            assert client.response().status == 404
    story_of(daemon, "n1009")
    requests = document(daemon, "/requests?limit=1000")
    assert requests["kept"] == 1_000
    assert [r["id"] for r in requests["requests"]] == [f"n{n}" for n in range(1_009, 9, -1)]


def test_config_says_where_each_value_comes_from(start, provider):
    daemon = two(start, provider(name="primary"), provider(name="fallback"))
    shown = document(daemon, "/config")
    assert shown["generation"] == 1
    rule = shown["routes"][0]["rules"][0]
    origins = rule["origins"]
    assert rule["retry"]["num_retries"] == 3
    assert origins["retry.num_retries"]["at"].endswith(f"config-0.yaml:{line_of('numRetries')}:17")
    assert origins["retry.num_retries"]["field"] == "spec.retry.numRetries"
    assert origins["timeouts.request"]["default"] and origins["timeouts.request"]["object"] is None
    assert origins["ejection.interval"]["default"]  # of a block that somebody has written
    assert origins["ejection.interval"]["object"] == "BackendTrafficPolicy default/policy"


def test_operator_actions_are_in_the_log(start, provider):
    daemon = two(start, provider(name="primary"), provider(name="fallback"),
                 flags=("--admin-token", "let-me-in"), wait=False)
    token = {"authorization": "Bearer let-me-in"}
    wait_until(lambda: daemon.admin("/ready", quiet=True, headers=token)[0] == 200, what="readiness")
    status_page = json.loads(daemon.admin("/status", headers=token)[1])
    backend = status_page["routes"][0]["rules"][0]["priorities"][0]["backends"][0]
    address = backend["endpoints"][0]["address"]
    path = f"/endpoints/default/llm/primary/{address}/eject"
    assert daemon.admin(path, "POST")[0] == 401
    assert daemon.admin(path, "POST", headers=token)[0] == 200
    assert daemon.admin(path, "POST", headers=token)[0] == 200  # as it is already: no error
    assert daemon.admin("/endpoints/default/llm/primary/nowhere/eject", "POST", headers=token)[0] == 404
    assert daemon.admin("/reload", "POST", headers=token)[0] == 200

    def audited():
        return [json.loads(line) for line in daemon.stderr().splitlines() if "operator action" in line]

    wait_until(lambda: len(audited()) >= 5, what="five audit lines")
    lines = audited()
    target = f"default/llm/primary/{address}"
    assert [(e["client"], e["action"], e["target"], e["status"]) for e in lines] == [
        ("127.0.0.1", "eject", target, "401"), ("127.0.0.1", "eject", target, "200"),
        ("127.0.0.1", "eject", target, "200"),
        ("127.0.0.1", "eject", "default/llm/primary/nowhere", "404"),
        ("127.0.0.1", "reload", "", "200")]
    assert "let-me-in" not in daemon.stderr()
