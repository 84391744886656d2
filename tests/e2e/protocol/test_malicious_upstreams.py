"""The proxy as a client: whatever an upstream says, each client gets its own answer, whole and once,
or is told that there is none."""
import socket

import pytest

from harness import config, raw
from harness.daemon import SLOWNESS, total, wait_until
from protocol import wire
from protocol.conftest import GATEWAY_REF, gateway, plain_route
from protocol.responses_table import POISON, TABLE, Cut, Failed, Whole
from protocol.strict_upstream import answer_to
from providers.server import LINGER_RESET

BY_NAME = {case.name: case for case in TABLE}
PATIENCE = f"{round(300 * SLOWNESS)}ms"


class Crooked:
    """Answers what has the tag `case` as the case wants it, and everything else honestly."""

    def __init__(self):
        self.case = None

    def __call__(self, connection, seen):
        case = self.case
        if seen.tag != "case":
            connection.sock.sendall(answer_to(seen.tag))
            return True
        connection.sock.sendall(case.sent)
        if case.then == "keep":
            return True
        if case.then == "silent":
            connection.fill()
        elif case.then == "forever":
            piece = case.sent if case.sent.startswith(b"HTTP/1.1 1") else b"x-more: again\r\n"
            while True:
                connection.sock.sendall(piece * 50)
        elif case.then == "reset":
            # Data before it is read first only when it is not overtaken: give it a head start.
            self.reset_when_read(connection.sock)
        return False

    @staticmethod
    def reset_when_read(sock):
        sock.settimeout(0.05)
        try:
            sock.recv(1)
        except TimeoutError:
            pass
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)


class Scene:
    def __init__(self, running, strict):
        self.crooked = Crooked()
        self.primary, self.fallback = strict(self.crooked), strict()
        never = {"consecutive5XxErrors": 1000, "consecutiveGatewayErrors": 1000}
        self.daemon = running(config.documents(
            *gateway(),
            config.route([{"name": "primary", "priority": 0}, {"name": "fallback", "priority": 1}],
                         parentRefs=[GATEWAY_REF]),
            *config.backend("primary", self.primary.port),
            *config.backend("fallback", self.fallback.port), plain_route("primary"),
            config.failover_policy(
                attempts={"perPriority": 1, "timeout": PATIENCE, "backoff": {"base": "1ms", "max": "1ms"}},
                stream={"idleTimeout": PATIENCE}, ejection=never),
            config.traffic_policy("plain", timeout={"http": {"requestTimeout": PATIENCE}},
                                  healthCheck=config.passive(**never))))


@pytest.fixture(scope="module")
def scene(running, strict):
    return Scene(running, strict)


def ask(client, case, target):
    body = wire.BODY if case.method == "POST" else b""
    client.send(wire.head(f"{case.method} {target} HTTP/1.1", wire.HOST, wire.JSON, "X-Tag: case",
                          f"Content-Length: {len(body)}") + body)


def read(client, case):
    """(answer, is it whole): an answer that began and was cut has what there was of it."""
    answer = client.head()
    try:
        client.buffer = b"HTTP/1.1 200 OK\r\n" + "".join(
            f"{k}: {v}\r\n" for k, v in answer.headers).encode("latin-1") + b"\r\n" + client.buffer
        has_end = answer.status in (204, 304) or answer.header("content-length") or \
            answer.header("transfer-encoding")
        assert has_end or case.method == "HEAD", answer
        whole = client.response(is_head=case.method == "HEAD" or answer.status in (204, 304))
        whole.status = answer.status
        return whole, True
    except raw.EndOfStream:
        answer.body = client.buffer
        return answer, False


def check(answer, is_whole, expected, is_ai):
    assert b"poison" not in answer.body or isinstance(expected, Cut), answer
    assert answer.header("set-cookie") is None and answer.header("x-injected") is None
    if isinstance(expected, Whole):
        assert (answer.status, answer.body, is_whole) == (expected.status, expected.body, True)
        assert not [n for n in expected.absent if answer.header(n) is not None], answer
        assert answer.header("x-understudy-attempts") != "77"
        return
    if isinstance(expected, Cut) and not is_whole:
        return  # seen as what it is: no end
    assert is_whole, answer
    if is_ai:  # nobody has seen the first attempt
        assert answer.status == 200 and b"answer to case" in answer.body, answer
        assert answer.header("x-understudy-backend") == "fallback"
    else:
        assert answer.status in (502, 503, 504) and b"error" in answer.body, answer


def play(scene, case, target):
    scene.crooked.case = case
    is_ai = target == wire.CHAT
    with raw.Client(scene.daemon.port, timeout=8) as client:
        ask(client, case, target)
        answer, is_whole = read(client, case)
        check(answer, is_whole, case.expected, is_ai)
        closes = answer.header("connection", "").lower() == "close" or not is_whole
        if not closes:
            check_own_answer(client, "second", target)
    with raw.Client(scene.daemon.port, timeout=8) as client:
        for tag in ("third", "fourth"):
            check_own_answer(client, tag, target)
    for one in (scene.primary, scene.fallback):
        assert not one.violations, one.violations


def check_own_answer(client, tag, target):
    client.send(wire.marker(tag, target))
    answer = client.response()
    assert (answer.status, answer.header("x-answer-to")) == (200, tag), answer


@pytest.mark.parametrize("name", BY_NAME)
def test_an_answer_to_a_plain_route(scene, name):
    play(scene, BY_NAME[name], wire.PLAIN)


# A 204 or 304 is no chat completion, so what it becomes there is the failover suite's business.
@pytest.mark.parametrize("name", [c.name for c in TABLE if c.method == "POST" and not (
    isinstance(c.expected, Whole) and c.expected.status != 200)])
def test_an_answer_to_an_ai_route(scene, name):
    play(scene, BY_NAME[name], wire.CHAT)


# ---- answers that come when nobody asked -------------------------------------------------------


def idle_connections(daemon):
    return total(daemon.metrics(), "understudy_upstream_connections_idle")


def test_what_comes_on_an_idle_connection_answers_nobody(running, strict):
    held = []

    def script(connection, seen):
        held.append(connection.sock)
        connection.sock.sendall(answer_to(seen.tag))
        return True
    upstream = strict(script)
    daemon = running(config.documents(*gateway(), *config.backend("only", upstream.port),
                                      plain_route("only")))
    with raw.Client(daemon.port, timeout=5) as client:
        for tag in ("one", "two", "three"):
            check_own_answer(client, tag, wire.PLAIN)
            wait_until(lambda: idle_connections(daemon) == 1, what="the return of the connection")
            held.pop().sendall(POISON)
            wait_until(lambda: idle_connections(daemon) == 0, what="the end of the connection")
    assert upstream.connections == 3


def test_an_upstream_that_speaks_first_mixes_up_nobody_else(running, strict):
    upstream = strict()
    upstream.on_accept = lambda connection: connection.sock.sendall(answer_to("unasked"))
    daemon = running(config.documents(*gateway(), *config.backend("only", upstream.port),
                                      plain_route("only")))
    for tag in ("one", "two", "three"):
        with raw.Client(daemon.port, timeout=5) as client:
            client.send(wire.marker(tag))
            answer = client.response()
            # Its own words for its own request, or ours; the late answer finds nobody.
            assert answer.header("x-answer-to") in ("unasked", tag) or answer.status == 502
        wait_until(lambda: idle_connections(daemon) == 0, what="the end of the connection")


# ---- answers that come before the request has been read ---------------------------------------


def early(then):
    """Answers on the head alone, with megabytes of the body still to come."""
    def script(connection):
        while b"\r\n\r\n" not in connection.buffer:
            connection.fill()
        if b"x-tag: case" not in connection.buffer.lower():
            return
        connection.sock.sendall(answer_to("case"))
        if then == "reads on":
            connection.read_request()
        elif then == "stalls":
            connection.sock.settimeout(5)
            connection.wait_for_close()
            raise EOFError
        elif then == "closes":
            raise EOFError
        elif then == "resets":
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
            raise EOFError
    return script


@pytest.mark.parametrize("then", ["reads on", "stalls", "closes", "resets"])
@pytest.mark.parametrize("target", [wire.PLAIN, wire.CHAT])
def test_an_answer_before_the_body_was_read(running, strict, then, target):
    upstream, fallback = strict(), strict()
    upstream.on_accept = early(then)
    daemon = running(config.documents(
        *gateway(), config.route([{"name": "only", "priority": 0}, {"name": "other", "priority": 1}],
                                 parentRefs=[GATEWAY_REF]),
        *config.backend("only", upstream.port), *config.backend("other", fallback.port),
        plain_route("only")))
    body = wire.BODY[:-1] + b" " * 8_000_000 + b"}"
    with raw.Client(daemon.port, timeout=10) as client:
        client.send(wire.head(f"POST {target} HTTP/1.1", wire.HOST, wire.JSON, "X-Tag: case",
                              f"Content-Length: {len(body)}") + body)
        answer = client.response()
        assert answer.status in (200, 502, 503), answer
        assert answer.status != 200 or answer.header("x-answer-to") == "case"
        if answer.header("connection", "") != "close":
            check_own_answer(client, "second", target)
    with raw.Client(daemon.port, timeout=10) as client:
        check_own_answer(client, "third", target)
