"""The proxy as a server: what two readers could take in two ways is refused, and never goes on."""
import contextlib
import itertools

import pytest

from harness import config, raw
from protocol import wire
from protocol.conftest import GATEWAY_REF, gateway, plain_route
from protocol.requests_table import TABLE
from protocol.wire import CHAT, PLAIN, SMUGGLED, Answered, Refused, Served

BY_NAME = {case.name: case for case in TABLE}
TAGS = itertools.count(1)


class Scene:
    def __init__(self, daemon, upstream):
        self.daemon, self.upstream = daemon, upstream
        self.witness = raw.Client(daemon.port, timeout=10)

    def settle(self):
        """Whatever came before has been dealt with once this has: one worker, one upstream."""
        tag = f"witness-{next(TAGS)}"
        self.witness.send(wire.marker(tag))
        assert self.witness.response().header("x-answer-to") == tag
        tags = [one for one in self.upstream.tags() if one != tag]
        assert not self.upstream.violations, self.upstream.violations
        return tags


@pytest.fixture(scope="module")
def scene(running, strict):
    upstream = strict()
    return Scene(running(config.documents(
        *gateway(timeout={"http": {"requestHeadersReceivedTimeout": "2s",
                                   "requestReceivedTimeout": "2s"}}),
        config.route(["only"], parentRefs=[GATEWAY_REF]), *config.backend("only", upstream.port),
        plain_route("only"))), upstream)


def deliver(client, data, is_in_bytes):
    """A peer that has been refused does not have to take the rest."""
    with contextlib.suppress(OSError):
        if not is_in_bytes:
            return client.send(data)
        for byte in data:
            client.send(bytes([byte]))


def check_refused(client, case, expected):
    answer = client.response()
    assert answer.status in expected.statuses, (answer, case.sent)
    assert answer.header("connection", "").lower() == "close"
    assert client.is_closed_by_peer() and not client.buffer, client.buffer


def check_next(client, tag):
    client.send(wire.marker(tag))
    answer = client.response()
    assert (answer.status, answer.header("x-answer-to")) == (200, tag), answer


def check_served(client, case, expected, seen, target):
    assert seen.target == (expected.target or "@T").replace("@T", target)
    assert seen.body == expected.body and seen.header("host") == expected.host, seen
    assert not [name for name in expected.absent if seen.header(name) is not None], seen


def play(scene, case, target, is_in_bytes=False):
    expected = case.expected
    scene.upstream.forget()
    with raw.Client(scene.daemon.port, timeout=5) as client:
        if isinstance(expected, Refused):
            deliver(client, case.bytes_for(target) + SMUGGLED, is_in_bytes)
            check_refused(client, case, expected)
            assert scene.settle() == []
            return
        deliver(client, case.bytes_for(target), is_in_bytes)
        answer = client.response()
        if isinstance(expected, Answered):
            assert answer.status in expected.statuses, answer
        else:
            assert (answer.status, answer.header("x-answer-to")) == (200, "case"), answer
        if getattr(expected, "closes", False):
            assert client.is_closed_by_peer()
        else:
            check_next(client, "next")
        came = ["case"] if isinstance(expected, Served) else []
        assert scene.settle() == came + ([] if expected.closes else ["next"])
        if isinstance(expected, Served):
            check_served(client, case, expected, scene.upstream.requests[0], target)


@pytest.mark.parametrize("name", BY_NAME)
def test_a_request(scene, name):
    play(scene, BY_NAME[name], PLAIN)


@pytest.mark.parametrize("name", [c.name for c in TABLE if len(c.sent) < 1500])
def test_a_request_in_single_bytes(scene, name):
    play(scene, BY_NAME[name], PLAIN, is_in_bytes=True)


@pytest.mark.parametrize("name", [c.name for c in TABLE if b"POST @T" in c.sent])
def test_a_request_of_an_ai_route(scene, name):
    play(scene, BY_NAME[name], CHAT)


# ---- one after the other ------------------------------------------------------------------------


def answers(client, count):
    return [client.response() for _ in range(count)]


@pytest.mark.parametrize("name", [c.name for c in TABLE
                                  if isinstance(c.expected, Refused) and len(c.sent) < 1500])
def test_a_request_behind_an_honest_one(scene, name):
    """The answer of the honest one is its own, and the error comes behind it."""
    scene.upstream.forget()
    with raw.Client(scene.daemon.port, timeout=5) as client:
        client.send(wire.marker("first") + BY_NAME[name].bytes_for(PLAIN) + SMUGGLED)
        assert client.response().header("x-answer-to") == "first"
        check_refused(client, BY_NAME[name], BY_NAME[name].expected)
    assert scene.settle() == ["first"]


@pytest.mark.parametrize("bad, status", [
    (wire.head("GET /nowhere HTTP/1.1", wire.HOST), 404),
    (wire.head("POST /v1/chat/completions HTTP/1.1", wire.HOST, wire.JSON, "Content-Length: 1") + b"{",
     400),
    (wire.head("POST /v1/chat/completions HTTP/1.1", wire.HOST, wire.JSON, wire.CHUNKED)
     + b"1\r\n{\r\n0\r\n\r\n", 400),
    (wire.head("OPTIONS * HTTP/1.1", wire.HOST), 404),
    (wire.head("HEAD /nowhere HTTP/1.1", wire.HOST), 404),
])
def test_an_error_of_ours_keeps_the_connection_in_step(scene, bad, status):
    scene.upstream.forget()
    with raw.Client(scene.daemon.port, timeout=5) as client:
        client.send(wire.marker("one") + bad + wire.marker("two") + bad + wire.marker("three"))
        for tag in ("one", None, "two", None, "three"):
            answer = client.response(is_head=tag is None and bad.startswith(b"HEAD"))
            assert (answer.status, answer.header("x-answer-to")) == (
                (200, tag) if tag else (status, None)), answer
    assert scene.settle() == ["one", "two", "three"]


def large(tag, size, is_chunked):
    if is_chunked:
        return wire.head(f"POST {PLAIN} HTTP/1.1", wire.HOST, wire.CHUNKED, f"X-Tag: {tag}") + \
            wire.chunks(*(b"x" * 60000 for _ in range(size // 60000)))
    return wire.head(f"POST {PLAIN} HTTP/1.1", wire.HOST, f"Content-Length: {size}",
                     f"X-Tag: {tag}") + b"x" * size


@pytest.mark.parametrize("is_chunked", [False, True])
def test_pipelining_across_large_bodies(scene, is_chunked):
    scene.upstream.forget()
    with raw.Client(scene.daemon.port, timeout=10) as client:
        client.send(large("one", 1_200_000, is_chunked) + wire.marker("two")
                    + large("three", 300_000, not is_chunked) + SMUGGLED.replace(b"smuggled", b"four")
                    + wire.marker("five"))
        assert [a.header("x-answer-to") for a in answers(client, 5)] == \
            ["one", "two", "three", "four", "five"]
    assert scene.settle() == ["one", "two", "three", "four", "five"]
    assert [len(seen.body) for seen in scene.upstream.requests[:3]] == \
        [1_200_000, len(wire.BODY), 300_000]


def test_a_hundred_requests_in_one_write(scene):
    scene.upstream.forget()
    tags = [f"t{i}" for i in range(100)]
    with raw.Client(scene.daemon.port, timeout=10) as client:
        client.send(b"".join(wire.marker(tag) for tag in tags))
        assert [a.header("x-answer-to") for a in answers(client, 100)] == tags
    assert scene.settle() == tags


def test_a_body_that_looks_like_requests_is_a_body(scene):
    scene.upstream.forget()
    body = SMUGGLED * 5
    with raw.Client(scene.daemon.port, timeout=5) as client:
        for field, sent in ((f"Content-Length: {len(body)}", body), (wire.CHUNKED, wire.chunks(body))):
            client.send(wire.head(f"POST {PLAIN} HTTP/1.1", wire.HOST, field, "X-Tag: case") + sent)
            assert client.response().header("x-answer-to") == "case"
    assert scene.settle() == ["case", "case"]
    assert [seen.body for seen in scene.upstream.requests[:2]] == [body, body]


def test_a_body_beyond_the_limit_ends_the_connection_behind_it(scene):
    scene.upstream.forget()
    with raw.Client(scene.daemon.port, timeout=5) as client:
        client.send(wire.marker("first") + wire.head(
            f"POST {PLAIN} HTTP/1.1", wire.HOST, f"Content-Length: {2**40}") + SMUGGLED)
        assert client.response().header("x-answer-to") == "first"
        assert client.response().status == 413 and client.is_closed_by_peer()
    assert scene.settle() == ["first"]


def test_a_body_that_was_not_sent_is_no_next_request(scene):
    """`Expect` and no body: what comes is the body, however it looks."""
    scene.upstream.forget()
    with raw.Client(scene.daemon.port, timeout=5) as client:
        client.send(wire.head(f"POST {PLAIN} HTTP/1.1", wire.HOST, "X-Tag: case",
                              f"Content-Length: {len(SMUGGLED)}", "Expect: 100-continue"))
        assert client.head().status == 100
        client.send(SMUGGLED)
        assert client.response().header("x-answer-to") == "case"
        check_next(client, "next")
    assert scene.settle() == ["case", "next"]


def test_a_client_that_leaves_within_its_request_sends_nothing_on(scene):
    scene.upstream.forget()
    whole = wire.marker("never")
    for cut in (1, 20, whole.index(b"\r\n\r\n") + 2, whole.index(b"\r\n\r\n") + 4, len(whole) - 1):
        with raw.Client(scene.daemon.port) as client:
            client.send(whole[:cut])
    assert scene.settle() == []
