"""Which failures move a request on, which reach the client, and what is said when nothing is left."""
import json
import threading
import time

import pytest

from harness import config, raw
from harness.daemon import wait_until
from providers import openai_dialect
from providers.server import (close_before_head, garbage, half_a_head, hang, interim_then,
                              reads_body_itself, reset_before_head, reset_on_accept, status)

CHAT = "/v1/chat/completions"
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
STREAM = json.dumps({"model": "m", "stream": True,
                     "messages": [{"role": "user", "content": "hi"}]}).encode()
JSON = [("content-type", "application/json")]


def ask(daemon, body=BODY, headers=(), **how):
    return raw.ask(daemon.port, "POST", CHAT, body, [*JSON, *headers], **how)


def attempts(answer):
    return int(answer.header("x-understudy-attempts"))


# ---- no policy at all: understudy's own defaults ------------------------------------------------


@pytest.fixture(scope="module")
def silence(tmp_path_factory):
    """A streamed request to a primary that never answers, under the defaults: 30 s until it moves
    on. It waits beside the other tests of this file; the last one looks."""
    from harness.daemon import Daemon
    from providers.server import Provider
    primary, fallback = Provider(hang, "primary"), Provider(openai_dialect.chat(), "fallback")
    folder = tmp_path_factory.mktemp("silence")
    path = folder / "config.yaml"
    path.write_text(config.primary_and_fallback(primary, fallback))
    daemon = Daemon(folder, path)
    got = {"began": time.monotonic(), "daemon": daemon, "primary": primary}

    def body():
        try:
            got["answer"] = ask(daemon, STREAM, timeout=50)
        except Exception as error:
            got["answer"] = error
        got["ended"] = time.monotonic()
    thread = got["thread"] = threading.Thread(target=body)
    thread.start()
    yield got
    thread.join()
    daemon.stop()
    primary.stop()
    fallback.stop()


@pytest.fixture(autouse=True)
def _begins_first(silence):
    """So that the silent request waits while the others run."""


FAILING = {
    "500": status(500), "503": status(503), "529": status(529), "408": status(408),
    "409": status(409), "429": status(429),
    "closes before the head": close_before_head, "resets before the head": reset_before_head,
    "garbage": garbage,
}
EJECTING = {"500", "503", "529", "closes before the head", "resets before the head", "garbage"}


@pytest.mark.parametrize("failure", FAILING)
def test_without_a_policy_a_failing_primary_is_left(start, provider, failure):
    primary, fallback = provider(FAILING[failure], "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback))
    answer = ask(daemon)
    assert answer.status == 200, answer
    assert (primary.count, fallback.count) == (3, 1)
    assert attempts(answer) == 4 and answer.header("x-understudy-backend") == "fallback"
    again = ask(daemon)
    assert again.status == 200
    if failure in EJECTING:  # three in a row: the primary is out
        assert (attempts(again), primary.count) == (1, 3)


def test_without_a_policy_a_refusing_primary_is_left(start, provider):
    primary, fallback = provider(name="primary"), provider(name="fallback")
    primary.refuse()
    daemon = start(config.primary_and_fallback(primary, fallback))
    assert (ask(daemon).status, attempts(ask(daemon))) == (200, 1)
    assert fallback.count == 2 and primary.connections == 0


def test_without_a_policy_a_connection_reset_on_accept_is_left(start, provider):
    primary, fallback = provider(name="primary"), provider(name="fallback")
    primary.on_accept = reset_on_accept
    daemon = start(config.primary_and_fallback(primary, fallback))
    assert ask(daemon).status == 200
    assert fallback.count == 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_the_clients_own_mistakes_are_not_retried(start, provider, code):
    primary, fallback = provider(status(code), "primary"), provider(name="fallback")
    answer = ask(start(config.primary_and_fallback(primary, fallback)))
    assert (answer.status, attempts(answer)) == (code, 1)
    assert (primary.count, fallback.count) == (1, 0)
    assert answer.header("x-understudy-error-origin") == "upstream"


def test_num_retries_zero_turns_the_defaults_off(start, provider):
    primary, fallback = provider(status(503), "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry={"numRetries": 0})))
    assert (ask(daemon).status, primary.count, fallback.count) == (503, 1, 0)


# ---- a written policy acts as in Envoy ----------------------------------------------------------


def test_only_listed_codes_are_retried(start, provider):
    primary, fallback = provider(status(500), "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(3, [500], per_priority=1))))
    assert (ask(daemon).status, primary.count, fallback.count) == (200, 1, 1)
    primary.always(status(503, b"busy"))
    answer = ask(daemon)
    assert (answer.status, answer.body, attempts(answer)) == (503, b"busy", 1)


def test_without_steering_and_ejection_retries_stay_on_the_priority(start, provider):
    primary, fallback = provider(status(500), "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(5, [500]))))
    answer = ask(daemon)
    assert (answer.status, attempts(answer), primary.count, fallback.count) == (500, 6, 6, 0)


def test_attempts_per_priority_rotate(start, provider):
    primary, fallback = provider(status(500), "primary"), provider(status(500, b"last"), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(3, [500], per_priority=1))))
    answer = ask(daemon, headers=[("x-request-id", "rotate-0001")])
    assert (answer.status, answer.body, attempts(answer)) == (500, b"last", 4)
    line = daemon.access_line("rotate-0001")
    assert [a["backend"] for a in line["attempts"]] == ["primary", "fallback"] * 2
    assert "URX" in line["flags"]


@pytest.mark.parametrize("silence_of", [hang, half_a_head], ids=["hang", "half a head"])
def test_per_try_timeout_moves_on_where_reset_is_a_trigger(start, provider, silence_of):
    primary, fallback = provider(silence_of, "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(1, triggers=["reset"], per_try="200ms", per_priority=1))))
    began = time.monotonic()
    answer = ask(daemon, headers=[("x-request-id", "per-try-0001")])
    assert (answer.status, attempts(answer)) == (200, 2)
    assert time.monotonic() - began >= 0.2
    assert daemon.access_line("per-try-0001")["attempts"][0]["outcome"] == "per_try_timeout"


def test_per_try_timeout_is_not_a_status_nor_a_connect_failure(start, provider):
    primary, fallback = provider(hang, "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(3, [504], per_try="200ms", per_priority=1))))
    answer = ask(daemon)
    assert (answer.status, attempts(answer), fallback.count) == (504, 1, 0)
    assert json.loads(answer.body)["error"]["message"]
    assert answer.header("x-understudy-error-origin") == "proxy"


def test_a_slow_answer_within_the_per_try_timeout_is_taken(start, provider):
    release = threading.Event()

    def slow(exchange):
        assert release.wait(10)
        openai_dialect.chat()(exchange)
    primary = provider(slow)
    daemon = start(config.single(primary, config.traffic_policy(
        retry=config.retry(1, triggers=["reset"], per_try="20s"))))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, BODY, JSON))
        primary.wait_for_requests(1)
        release.set()
        assert client.response().status == 200


def test_request_timeout_covers_all_attempts(start, provider):
    primary = provider(hang)
    daemon = start(config.single(primary, rule={"timeouts": {"request": "300ms"}}))
    began = time.monotonic()
    answer = ask(daemon)
    assert answer.status == 504
    assert 0.25 <= time.monotonic() - began < 5
    assert json.loads(answer.body)["error"]["type"]


def test_a_request_timeout_cuts_a_running_stream(start, provider):
    gate = openai_dialect.Gated()
    gate.let(2)
    primary = provider(gate)
    daemon = start(config.single(primary, rule={"timeouts": {"request": "500ms"}}))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        assert client.head().status == 200
        got = b""
        with pytest.raises((raw.EndOfStream, ValueError)):
            while True:
                piece = client.chunk()
                assert piece, "a stream that was cut must not end as if it were whole"
                got += piece
    assert b"[DONE]" not in got
    gate.let_all()


def test_a_tls_handshake_that_never_answers_is_a_connect_timeout(start, provider):
    held = []
    primary, fallback = provider(name="primary"), provider(name="fallback")
    primary.on_accept = held.append
    daemon = start(config.documents(
        config.route([{"name": "primary", "priority": 0}, {"name": "fallback", "priority": 1}]),
        *config.backend("primary", primary.port, tls={"insecureSkipVerify": True}),
        *config.backend("fallback", fallback.port),
        config.traffic_policy(retry=config.retry(1, per_priority=1),
                              timeout={"tcp": {"connectTimeout": "200ms"}})))
    answer = ask(daemon, headers=[("x-request-id", "connect-timeout-1")])
    assert (answer.status, attempts(answer)) == (200, 2)
    assert daemon.access_line("connect-timeout-1")["attempts"][0]["outcome"] == "connect_timeout"
    for sock in held:
        sock.close()


def test_an_ejected_primary_returns(start, provider):
    primary, fallback = provider(name="primary"), provider(name="fallback")
    primary.once(status(500))
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(2, [500]),
        healthCheck=config.passive(consecutive5XxErrors=1, baseEjectionTime="300ms",
                                   interval="100ms"))))
    began = time.monotonic()
    assert attempts(ask(daemon)) == 2
    assert ask(daemon).header("x-understudy-backend") == "fallback"
    wait_until(lambda: ask(daemon).header("x-understudy-backend") == "primary",
               what="the return of the primary")
    assert time.monotonic() - began >= 0.3
    wait_until(lambda: "return" in daemon.stderr().lower(), what="a log line of the return")


def test_ejection_is_shared_by_all_workers(start, provider):
    """Four workers, one connection each and more: three failures in all are enough."""
    primary, fallback = provider(status(500), "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(1, [500], per_priority=1),
        healthCheck=config.passive(consecutive5XxErrors=3, baseEjectionTime="60s"))), workers=4)
    for _ in range(20):  # each on a fresh connection, so on whichever worker takes it
        assert ask(daemon).status == 200
    assert primary.count == 3


def test_weights_share_one_priority(start, provider):
    a, b, none = provider(name="a"), provider(name="b"), provider(name="none")
    daemon = start(config.documents(
        config.route([{"name": "a", "weight": 3}, {"name": "b", "weight": 1},
                      {"name": "none", "weight": 0}]),
        *config.backend("a", a.port), *config.backend("b", b.port),
        *config.backend("none", none.port)))
    with raw.Client(daemon.port) as client:
        for _ in range(200):
            client.send(raw.request("POST", CHAT, BODY, JSON))
            assert client.response().status == 200
    assert none.count == 0
    assert 115 <= a.count <= 185 and a.count + b.count == 200, (a.count, b.count)


# ---- connections --------------------------------------------------------------------------------


def test_a_stale_connection_is_replaced_at_no_cost(start, provider):
    primary = provider(name="only")
    primary.is_stale_after_one = True
    daemon = start(config.single(primary, config.traffic_policy(retry={"numRetries": 0})), workers=1)
    with raw.Client(daemon.port) as client:
        for _ in range(5):
            client.send(raw.request("POST", CHAT, BODY, JSON))
            answer = client.response()
            assert (answer.status, attempts(answer)) == (200, 1), answer
    assert primary.stale_hits == 4  # so the replay really took place


def test_a_connection_closed_while_idle_is_not_used(start, provider):
    primary = provider(name="only")
    daemon = start(config.single(primary, config.traffic_policy(retry={"numRetries": 0})), workers=1)
    with raw.Client(daemon.port) as client:
        for _ in range(3):
            client.send(raw.request("POST", CHAT, BODY, JSON))
            assert client.response().status == 200
            primary.close_idle()
    assert primary.count == 3


def test_a_fresh_connection_that_closes_is_not_replayed(start, provider):
    """Nothing proves that a provider which took the request on a fresh connection did nothing."""
    primary = provider(close_before_head)
    daemon = start(config.single(primary, config.traffic_policy(retry={"numRetries": 0})))
    assert (ask(daemon).status, primary.count) == (503, 1)


@pytest.mark.parametrize("code", [413, 429])
def test_an_answer_before_the_body_was_read(start, provider, code):
    @reads_body_itself
    def early(exchange):
        exchange.reply(code, b'{"error":{"message":"early"}}', [("connection", "close")])
        exchange.wire.sock.shutdown(1)
        try:
            exchange.wait_for_peer_to_leave(2)
        finally:
            exchange.close()
    primary = provider(early, "primary")
    daemon = start(config.single(primary, config.traffic_policy(retry={"numRetries": 0})))
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 8_000_000}]})
    answer = ask(daemon, body.encode())
    assert (answer.status, json.loads(answer.body)["error"]["message"]) == (code, "early")


def test_an_early_429_fails_over_with_the_whole_body(start, provider):
    @reads_body_itself
    def early(exchange):
        exchange.reply(429, b"{}", [("connection", "close")])
        exchange.wait_for_peer_to_leave(2)
        exchange.close()
    primary, fallback = provider(early, "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(1, [429], per_priority=1))))
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 4_000_000}]})
    assert ask(daemon, body.encode()).status == 200
    assert fallback.requests[0].body == body.encode()


@pytest.mark.parametrize("code", [100, 102, 103])
def test_interim_responses_of_the_provider_are_swallowed(start, provider, code):
    daemon = start(config.single(provider(interim_then(openai_dialect.chat(), code))))
    answer = ask(daemon)
    assert answer.status == 200 and answer.interim == []


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_cut_short_never_looks_complete(start, provider, framing):
    daemon = start(config.single(provider(openai_dialect.unary_cut(framing))))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, BODY, JSON))
        with pytest.raises((raw.EndOfStream, ValueError)):
            answer = client.response()
            # A proxy that had not begun its answer may have tried again and then say so.
            assert answer.status >= 500
            raise raw.EndOfStream("told as an error")


def test_a_body_that_ends_with_the_connection_is_whole(start, provider):
    answer = ask(start(config.single(provider(openai_dialect.until_close))))
    assert json.loads(answer.body)["choices"][0]["message"]["content"] == openai_dialect.TEXT


# ---- when nothing is left -----------------------------------------------------------------------


def test_the_last_error_says_what_was_tried(start, provider):
    primary, fallback = provider(name="primary"), provider(close_before_head, "fallback")
    primary.refuse()
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(1, per_priority=1))))
    answer = ask(daemon)
    assert answer.status == 503 and "json" in answer.header("content-type")
    error = json.loads(answer.body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    for word in ("primary", "fallback", "default/llm", "refused"):
        assert word in error["message"], error
    assert "127.0.0.1" not in error["message"] and str(primary.port) not in error["message"]
    assert answer.header("x-understudy-error-origin") == "proxy"
    assert answer.header("x-should-retry") == "false"
    assert attempts(answer) == 2
    assert answer.header("x-request-id")


def test_the_last_providers_own_answer_is_passed_on(start, provider):
    body = b'{"error":{"message":"out of order","type":"server_error","param":null,"code":null}}'
    primary = provider(status(500), "primary")
    fallback = provider(status(500, body, [("x-provider", "f")]), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(1, [500], per_priority=1))))
    answer = ask(daemon)
    assert (answer.status, answer.body, answer.header("x-provider")) == (500, body, "f")
    assert answer.header("x-understudy-error-origin") == "upstream"


def test_without_a_policy_a_silent_stream_gets_company_after_twelve_seconds(silence):
    silence["thread"].join()
    answer = silence["answer"]
    assert not isinstance(answer, Exception), f"{answer!r}\n{silence['daemon'].logs()}"
    assert answer.status == 200, answer
    assert answer.header("x-understudy-backend") == "fallback"
    assert 11 <= silence["ended"] - silence["began"] <= 25
    assert silence["primary"].count == 1  # a silent endpoint is not tried again by this request
