"""Clients that are slow on purpose, and clients that are many: each is let go in its time, memory
stays within a bound, and whoever is honest is served meanwhile."""
import contextlib
import itertools
import socket
import ssl
import threading
import time

import pytest

from harness import config, raw
from harness.daemon import SLOWNESS, total, wait_until
from protocol import wire
from protocol.conftest import GATEWAY_REF, gateway, plain_route
from protocol.strict_upstream import answer_to

MIB = 1024 * 1024
SHORT = f"{round(300 * SLOWNESS)}ms"
LIMITS = {"timeout": {"http": {"requestHeadersReceivedTimeout": SHORT, "requestReceivedTimeout": SHORT,
                               "idleTimeout": SHORT, "streamIdleTimeout": SHORT}}}


def honest(daemon, tag="honest"):
    with raw.Client(daemon.port, timeout=10) as client:
        client.send(wire.marker(tag))
        assert client.response().header("x-answer-to") == tag


def daemon_for(running, upstream, *limits, workers=1, flags=(), tls=()):
    return running(config.documents(
        *(tls or gateway(**(limits[0] if limits else {}))),
        config.route(["only"], parentRefs=[GATEWAY_REF]), *config.backend("only", upstream.port),
        plain_route("only")), workers=workers, flags=flags)


@pytest.fixture(scope="module")
def hasty(running, strict):
    """With little patience."""
    return daemon_for(running, strict(), LIMITS)


def open_connections(daemon):
    return total(daemon.metrics(), "understudy_downstream_connections_active")


def is_ended(client, timeout=10):
    """(status of the last answer or None) once the peer has closed."""
    client.sock.settimeout(timeout * SLOWNESS)
    with contextlib.suppress(raw.EndOfStream):
        while True:
            client.fill()
    head = client.buffer.partition(b"\r\n")[0].split(b" ")
    return int(head[1]) if head[0] == b"HTTP/1.1" else None


# ---- slow on purpose ----------------------------------------------------------------------------

SLOW = {
    "nothing": (b"", None),
    "half a request line": (b"POST /pl", 408),
    "a head without an end": (wire.marker("never")[:60], 408),
    "a body without an end": (wire.marker("never")[:-5], 408),
    "a chunk without an end": (wire.head(f"POST {wire.PLAIN} HTTP/1.1", wire.HOST, wire.CHUNKED)
                               + b"ff\r\nbegin", 408),
    "a chunk size without an end": (wire.head(f"POST {wire.PLAIN} HTTP/1.1", wire.HOST, wire.CHUNKED)
                                    + b"f", 408),
    "trailers without an end": (wire.head(f"POST {wire.PLAIN} HTTP/1.1", wire.HOST, wire.CHUNKED)
                                + b"0\r\nX-A: b", 408),
    "an expectation and no body": (wire.head(f"POST {wire.PLAIN} HTTP/1.1", wire.HOST, wire.LENGTH,
                                             "Expect: 100-continue"), None),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_client_that_stops_in(hasty, name):
    sent, status = SLOW[name]
    clients = [raw.Client(hasty.port) for _ in range(20)]
    for client in clients:
        client.send(sent)
    honest(hasty)
    for client in clients:
        answered = is_ended(client)
        assert status is None or answered == status, client.buffer
        client.sock.close()


@pytest.mark.parametrize("piece", [b"x", b"X-A: b\r\n"])
def test_a_head_that_trickles_has_no_longer_than_a_head(hasty, piece):
    with raw.Client(hasty.port) as client:
        client.send(f"GET {wire.PLAIN} HTTP/1.1\r\nHost: x\r\n".encode())
        assert trickle(client, piece)
        honest(hasty)


def test_a_body_that_trickles_has_no_longer_than_a_body(hasty):
    with raw.Client(hasty.port) as client:
        client.send(wire.head(f"POST {wire.PLAIN} HTTP/1.1", wire.HOST, "Content-Length: 1000000"))
        assert trickle(client, b"x")
    with raw.Client(hasty.port) as client:
        client.send(wire.head(f"POST {wire.PLAIN} HTTP/1.1", wire.HOST, wire.CHUNKED))
        assert trickle(client, b"1\r\nx\r\n")


def trickle(client, piece):
    """True once the peer has had enough of a piece every 20 ms."""
    client.sock.settimeout(0.02)
    deadline = time.monotonic() + 10 * SLOWNESS
    while time.monotonic() < deadline:
        try:
            client.send(piece)
            client.fill()
        except TimeoutError:
            continue
        except (raw.EndOfStream, OSError):
            return True
    return False


def test_an_idle_connection_is_closed(hasty):
    with raw.Client(hasty.port) as client:
        client.send(wire.marker("one"))
        assert client.response().status == 200
        assert client.is_closed_by_peer(10 * SLOWNESS)


def test_a_handshake_has_its_time(running, strict, authority):
    certificate, key = authority.issue("gateway.example")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cert"},
              "stringData": {"tls.crt": certificate, "tls.key": key}}
    objects = gateway(**LIMITS)
    objects[0]["spec"]["listeners"] = [{"name": "https", "protocol": "HTTPS", "port": 8443,
                                        "tls": {"certificateRefs": [{"name": "cert"}]}}]
    daemon = daemon_for(running, strict(), tls=[*objects, secret])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    outgoing = ssl.MemoryBIO()
    shake = context.wrap_bio(ssl.MemoryBIO(), outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        shake.do_handshake()
    hello = outgoing.read()
    clients = []
    for sent in (b"", hello[:3], hello[:-1], hello, b"\x16\x03\x01\xff\xff" + b"x" * 100):
        clients += [raw.Client(daemon.port) for _ in range(10)]
        for client in clients[-10:]:
            client.send(sent)
    with raw.Client(daemon.port, tls=context) as client:
        client.send(wire.marker("honest"))
        assert client.response().header("x-answer-to") == "honest"
    for client in clients:
        is_ended(client)
        client.sock.close()


def endless(size):
    """An upstream whose answer has no end, in pieces of that size, as fast as it is taken."""
    def script(connection, seen):
        if seen.tag != "slow":
            connection.sock.sendall(answer_to(seen.tag))
            return True
        connection.sock.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
                                b"transfer-encoding: chunked\r\n\r\n")
        while True:
            connection.sock.sendall((b"%x\r\n%s\r\n" % (size, b"x" * size)) * max(1, 8000 // size))
    return script


def test_a_client_that_takes_nothing_is_let_go(running, strict):
    upstream = strict(endless(8000))
    daemon = daemon_for(running, upstream, LIMITS)
    clients = [raw.Client(daemon.port, receive_buffer=4096) for _ in range(10)]
    for client in clients:
        client.send(wire.marker("slow"))
    wait_until(lambda: len(upstream.requests) == 10)
    honest(daemon)
    wait_until(lambda: open_connections(daemon) == 0, 20, what="the end of those who take nothing")
    for client in clients:
        client.sock.close()


def test_a_client_that_takes_little_is_served(running, strict):
    """Slower than the limit for silence would allow for all of it, but never silent."""
    body = b"y" * 3 * MIB
    upstream = strict(lambda connection, seen: connection.sock.sendall(
        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)))
    limit = {"timeout": {"http": {"streamIdleTimeout": "1s"}}}
    daemon = daemon_for(running, upstream, limit)
    with raw.Client(daemon.port, receive_buffer=65536) as client:
        client.send(wire.marker("slow"))
        head = client.head()
        got = len(client.buffer)
        began = time.monotonic()
        while got < len(body):
            # At this pace all of it takes twice the limit.
            lag = got / len(body) * 2.0 - (time.monotonic() - began)
            if lag > 0:
                time.sleep(min(lag, 0.05))
            client.buffer = b""
            client.fill()
            got += len(client.buffer)
        assert head.status == 200 and got == len(body)


# ---- many ---------------------------------------------------------------------------------------


class Memory:
    """What the daemon has grown by since it was warm."""

    def __init__(self, daemon):
        self.daemon = daemon
        for i in range(50):
            honest(daemon, f"warm-{i}")
        self.base = daemon.rss_bytes()
        self.most = self.base
        self._ends = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while not self._ends.wait(0.01):
            with contextlib.suppress(OSError, TypeError):
                self.most = max(self.most, self.daemon.rss_bytes())

    def assert_below(self, limit):
        self._ends.set()
        grown = max(self.most, self.daemon.rss_bytes()) - self.base
        assert grown < limit, f"{grown / MIB:.1f} MiB more, {limit / MIB:.1f} are allowed"


@contextlib.contextmanager
def crowd(daemon, count, **how):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(raw.Client(daemon.port, **how)) for _ in range(count)]


@pytest.fixture(scope="module")
def patient(running, strict):
    return daemon_for(running, strict(), {"connection": {"connectionLimit": {"value": 600}}})


@pytest.mark.parametrize("workers", [1, 2])
def test_connections_beyond_the_limit_are_closed_at_once(running, strict, workers):
    daemon = daemon_for(running, strict(), {"connection": {"connectionLimit": {"value": 50}}},
                        workers=workers)
    memory = Memory(daemon)
    wait_until(lambda: open_connections(daemon) == 0)
    with crowd(daemon, 50) as inside:
        for client in inside:
            client.send(wire.marker("in"))
            assert client.response().status == 200
        for _ in range(20):
            with crowd(daemon, 50) as outside:
                for client in outside:
                    assert client.is_closed_by_peer()
        assert open_connections(daemon) == 50
        inside[0].send(wire.marker("still in"))
        assert inside[0].response().status == 200
    wait_until(lambda: open_connections(daemon) == 0)
    honest(daemon)
    memory.assert_below(50 * 128 * 1024)


def test_a_flood_of_heads(patient):
    """Each as large as it may be, and none with an end."""
    memory = Memory(patient)
    part = wire.head(f"GET {wire.PLAIN} HTTP/1.1", wire.HOST, "X-Large: " + "x" * 50000)[:-4]
    for _ in range(3):
        with crowd(patient, 200) as clients:
            for client in clients:
                client.send(part)
            honest(patient)
        wait_until(lambda: open_connections(patient) <= 1)
    memory.assert_below(200 * 200 * 1024)


def test_a_flood_of_announced_bodies(patient):
    """Announced is little; only what has come takes memory."""
    memory = Memory(patient)
    for _ in range(3):
        with crowd(patient, 100) as clients:
            for client in clients:
                client.send(wire.head(f"POST {wire.PLAIN} HTTP/1.1", wire.HOST,
                                      f"Content-Length: {50 * MIB}") + b"x" * 20000)
            honest(patient)
        wait_until(lambda: open_connections(patient) <= 1)
    memory.assert_below(100 * 200 * 1024)


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_flood_of_bodies_stays_within_the_memory_for_requests(running, strict, is_chunked):
    """Each is within its own limit, all of them are not: some are told so, and it is over after them."""
    daemon = daemon_for(running, strict(), {"connection": {"bufferLimit": "50Mi"}},
                        flags=["--request-memory", "16Mi"])
    memory = Memory(daemon)
    size = 4 * MIB
    framing = wire.CHUNKED if is_chunked else f"Content-Length: {size}"
    body = b"%x\r\n" % size + b"x" * size if is_chunked else b"x" * size
    with crowd(daemon, 24) as clients:
        refused = 0
        for client in clients:
            with contextlib.suppress(OSError):
                client.send(wire.head(f"POST {wire.PLAIN} HTTP/1.1", wire.HOST, framing, "X-Tag: big")
                            + body[:-1])
            client.sock.settimeout(0.02)
            with contextlib.suppress(TimeoutError, raw.EndOfStream):
                answer = client.response()
                assert answer.status == 503 and b"request bodies" in answer.body, answer
                assert answer.header("retry-after") == "1"
                refused += 1
        honest(daemon)
        assert 24 - 16 * MIB // size <= refused < 24
    wait_until(lambda: open_connections(daemon) == 0)
    with raw.Client(daemon.port) as client:  # what they held is there again
        client.send(wire.head(f"POST {wire.PLAIN} HTTP/1.1", wire.HOST, framing, "X-Tag: last") + body
                    + (b"\r\n0\r\n\r\n" if is_chunked else b""))
        assert client.response().header("x-answer-to") == "last"
    memory.assert_below(48 * MIB)


def test_a_flood_of_streams_that_nobody_takes(running, strict):
    upstream = strict(endless(8000))
    daemon = daemon_for(running, upstream)
    memory = Memory(daemon)
    with crowd(daemon, 50, receive_buffer=4096) as clients:
        for client in clients:
            client.send(wire.marker("slow"))
        wait_until(lambda: upstream.tags().count("slow") == 50, 30)
        honest(daemon)
        for client in clients:  # each has begun, and takes no more
            assert client.head().status == 200
        honest(daemon)
    wait_until(lambda: open_connections(daemon) == 0)
    memory.assert_below(50 * 300 * 1024)


def test_a_flood_of_requests_of_every_kind(patient):
    """Small and many: nothing of them stays."""
    kinds = [wire.marker("x"), wire.head("GET /nowhere HTTP/1.1", wire.HOST),
             wire.head("POST /v1/chat/completions HTTP/1.1", wire.HOST, "Content-Length: 2") + b"{}",
             wire.head(f"POST {wire.PLAIN} HTTP/1.1", wire.HOST, wire.CHUNKED, "X-Tag: c")
             + wire.chunks(*(b"y" for _ in range(50)))]
    one = b"".join(kinds) * 25
    memory = Memory(patient)
    with crowd(patient, 4) as clients:
        for _ in range(10):
            for client in clients:
                client.send(one)
            for client in clients:
                for _ in range(100):
                    client.response()
    memory.assert_below(24 * MIB)  # the allocator may keep 16 of them


def test_a_flood_of_refusals(patient):
    memory = Memory(patient)
    bad = itertools.cycle([b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x00\r\n\r\n", b"GET /../ HTTP/1.1\r\n"
                           b"Host: x\r\n\r\n", wire.head("GET / HTTP/1.1", "Host: a b"), b"\n"])
    for _ in range(300):
        with raw.Client(patient.port) as client:
            client.send(next(bad))
            assert client.head().status in (400, 505)
    memory.assert_below(24 * MIB)  # the allocator may keep 16 of them


def test_five_hundred_who_leave_in_the_middle(patient):
    memory = Memory(patient)
    whole = wire.marker("gone")
    for i in range(500):
        with raw.Client(patient.port) as client:
            client.send(whole[:i % len(whole)])
            if i % 2:
                client.reset()
    wait_until(lambda: open_connections(patient) == 0)
    honest(patient)
    memory.assert_below(24 * MIB)  # the allocator may keep 16 of them
