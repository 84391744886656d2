"""Streams: each piece at once, memory flat, a slow client slows the provider, a client that leaves ends
the provider's work."""
import gzip
import json
import threading
import time

import pytest

from harness import config, raw
from harness.daemon import total, wait_until
from providers import bedrock, openai_dialect
from providers.server import hang

CHAT = "/v1/chat/completions"
JSON = [("content-type", "application/json")]
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
STREAM = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}'


def test_every_piece_leaves_when_it_arrives(start, provider):
    """The provider sends the next piece only when the client has the last one."""
    gate = openai_dialect.Gated()
    daemon = start(config.single(provider(gate)))
    with raw.Client(daemon.port, timeout=10) as client:
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        gate.let()  # only the role: the head waits for the first content
        for number, piece in enumerate([gate.pieces[0] + gate.pieces[1], *gate.pieces[2:]]):
            gate.let()
            if number == 0:
                assert client.head().header("content-type") == "text/event-stream"
            got = b""
            while len(got) < len(piece):
                got += client.chunk()
            assert got == piece
        gate.let()
        assert client.chunk() == b""


def test_a_head_leaves_before_any_piece_where_nothing_holds_it(start, provider):
    """No FailoverPolicy holds the head here: it is not kept for the first piece for ever."""
    gate = openai_dialect.Gated()
    daemon = start(config.single(provider(gate), config.traffic_policy(retry={"numRetries": 0})))
    with raw.Client(daemon.port, timeout=10) as client:
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        assert gate.began.wait(10)
        gate.let_all()
        assert client.head().status == 200


def test_every_bedrock_frame_leaves_when_it_arrives(start, provider):
    credit = threading.Semaphore(0)
    frames = bedrock.text_frames("one two three")

    def gated(exchange):
        exchange.head(200, [("content-type", "application/vnd.amazon.eventstream"),
                            ("transfer-encoding", "chunked")])
        for one in frames:
            assert credit.acquire(timeout=20)
            exchange.chunk(one)
        exchange.last_chunk()
    daemon = start(config.documents(config.route(["only"]),
                                    *config.bedrock("only", provider(gated).port)),
                   env=bedrock.ENVIRONMENT)
    with raw.Client(daemon.port, timeout=10) as client:
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        credit.release(2)
        assert client.head().header("content-type") == "text/event-stream"
        got = client.chunk()
        for word in ("one ", "two ", "three"):
            credit.release(1)
            while json.dumps(word).encode() not in got:
                got += client.chunk()
        credit.release(len(frames))
        while piece := client.chunk():
            got += piece
    assert got.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_leaves_mid_stream_cancels_the_provider(start, provider, how):
    left = []
    gate = openai_dialect.Gated()

    def watched(exchange):
        exchange.head(200, openai_dialect.SSE)
        exchange.chunk(gate.pieces[0] + gate.pieces[1])
        left.append(exchange.wait_for_peer_to_leave(10))
    daemon = start(config.single(provider(watched)))
    client = raw.Client(daemon.port)
    client.send(raw.request("POST", CHAT, STREAM, [*JSON, ("x-request-id", "leaver-0001")]))
    assert client.head().status == 200 and client.chunk()
    client.reset() if how == "reset" else client.sock.close()
    went = time.monotonic()
    wait_until(lambda: left, what="the provider's connection to be closed")
    assert left[0] - went < 2
    line = daemon.access_line("leaver-0001")
    assert line["attempts"][0]["outcome"] == "cancelled" and line["origin"] != "upstream"


@pytest.mark.parametrize("prompt", [10, 7_000, 20_000, 300_000])
def test_a_client_that_leaves_before_the_head_cancels_the_provider(start, provider, prompt):
    primary, fallback = provider(hang, "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback))
    client = raw.Client(daemon.port)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * prompt}]})
    client.send(raw.request("POST", CHAT, body.encode(), [*JSON, ("x-request-id", "leaver-0002")]))
    primary.wait_for_requests(1)
    client.sock.close()
    line = daemon.access_line("leaver-0002")
    assert line["status"] == 0 and [a["outcome"] for a in line["attempts"]] == ["cancelled"]
    assert fallback.count == 0  # nobody is left to answer
    assert total(daemon.metrics(), "understudy_ejections_total") == 0  # and nobody is to blame


def test_a_slow_client_slows_the_provider_and_memory_stays_flat(start, provider):
    total = 64 * 1024 * 1024
    event = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n'
    piece = event % (b"x" * (16 * 1024 - len(event)))
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    wires = []

    def flood(exchange):
        wires.append(exchange.wire)
        exchange.head(200, openai_dialect.SSE)
        for _ in range(total // len(piece)):
            exchange.chunk(piece)
        exchange.chunk(end)
        exchange.last_chunk()
    daemon = start(config.single(provider(flood)), workers=1)
    with raw.Client(daemon.port, timeout=30, receive_buffer=64 * 1024) as client:
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        assert client.head().status == 200
        before = daemon.rss_bytes()
        wait_until(lambda: wires and wires[0].sent > 256 * 1024, what="the flood to begin")
        seen = []

        def is_stalled():
            seen.append(wires[0].sent)
            return len(seen) > 20 and len(set(seen[-20:])) == 1
        wait_until(is_stalled, timeout=20, what="the provider to be slowed down")
        # What the kernel holds in socket buffers on both sides, and a little of ours.
        assert wires[0].sent < 32 * 1024 * 1024
        assert daemon.rss_bytes() - before < 8 * 1024 * 1024
        received = 0
        while got := client.chunk():
            received += len(got)
        assert received == total // len(piece) * len(piece) + len(end)
        assert daemon.rss_bytes() - before < 8 * 1024 * 1024


def test_an_openai_stream_passes_byte_identical(start, provider):
    odd = (b": a comment\r\n\r\ndata:{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n"
           b"event: ping\ndata: {}\n\n"
           b"data: {\"choices\" : [ ],\"x\":\"\\u00e9\"}\n\n"
           b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")

    def script(exchange):
        exchange.head(200, openai_dialect.SSE)
        for at in range(0, len(odd), 7):
            exchange.chunk(odd[at:at + 7])
        exchange.last_chunk()
    answer = raw.ask(start(config.single(provider(script))).port, "POST", CHAT, STREAM, JSON)
    assert answer.body == odd


def test_a_unary_answer_passes_byte_identical(start, provider):
    odd = b'{ "id" : "x",\r\n\t"choices":[ {"message":{"content":"\\u00e9\xc3\xa9"}} ], "n":1.0e+2 }\n'

    def script(exchange):
        exchange.reply(200, odd, [("X-Odd-CASE", "Kept As It Is"), ("x-twice", "1"),
                                  ("x-twice", "2")])
    answer = raw.ask(start(config.single(provider(script))).port, "POST", CHAT, BODY, JSON)
    assert answer.body == odd
    assert answer.header("x-odd-case") == "Kept As It Is"
    assert [v for k, v in answer.headers if k.lower() == "x-twice"] == ["1", "2"]


def test_compressed_bytes_pass_as_they_are(start, provider):
    packed = gzip.compress(json.dumps(openai_dialect.completion("zipped")).encode())

    def script(exchange):
        assert exchange.request.header("accept-encoding") == "identity"
        exchange.reply(200, packed, [("content-encoding", "gzip")])
    answer = raw.ask(start(config.single(provider(script))).port, "POST", CHAT, BODY,
                     [*JSON, ("accept-encoding", "gzip, br")])
    assert answer.body == packed and answer.header("content-encoding") == "gzip"


def test_the_request_reaches_the_provider_byte_identical(start, provider):
    odd = (b'{ "messages" : [ {"role":"user","content":"\\u00e9 \xc3\xa9"} ],\r\n'
           b'  "unknown":{"model":"not this"}, "model" :"m","seed":1e3 }  ')
    primary = provider()
    answer = raw.ask(start(config.single(primary)).port, "POST", CHAT + "?a=b%20c", odd,
                     [*JSON, ("X-CuStom", "Va Lue"), ("accept", "*/*")])
    assert answer.status == 200
    request = primary.requests[0]
    assert request.body == odd
    assert request.header("x-custom") == "Va Lue"
    assert request.all("content-length") == [str(len(odd))]
    assert request.all("transfer-encoding") == []


def test_many_streams_at_once_do_not_mix(start, provider):
    def script(exchange):
        name = json.loads(exchange.body())["messages"][0]["content"]
        exchange.head(200, openai_dialect.SSE)
        for piece in openai_dialect.events(" ".join([name] * 20)):
            exchange.chunk(piece)
        exchange.last_chunk()
    daemon = start(config.single(provider(script)))
    clients = []
    for number in range(40):
        client = raw.Client(daemon.port)
        body = json.dumps({"model": "m", "stream": True,
                           "messages": [{"role": "user", "content": f"<{number}>"}]}).encode()
        client.send(raw.request("POST", CHAT, body, JSON))
        clients.append((number, client))
    for number, client in clients:
        with client:
            body = client.response().body
        assert body.count(f"<{number}>".encode()) == 20 and body.count(b"<") == 20
        assert body.endswith(openai_dialect.DONE)


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_broken_stream_ends_with_an_error_and_never_with_done(start, provider, ending):
    gate = openai_dialect.Gated(ending=lambda exchange: getattr(exchange, ending)())
    daemon = start(config.single(provider(gate)))
    gate.let(2)
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, STREAM, [*JSON, ("x-request-id", "broken-0001")]))
        assert client.head().status == 200
        got = client.chunk()
        gate.cut()
        is_clean = False
        try:
            while piece := client.chunk():
                got += piece
            is_clean = True
        except (raw.EndOfStream, ValueError):
            pass
    assert b"[DONE]" not in got
    events = [e for e in got.split(b"\n\n") if e.startswith(b"data: ")]
    last = json.loads(events[-1][6:])
    assert "error" in last or not is_clean, got  # the SDK raises on either
    assert daemon.access_line("broken-0001")["attempts"][-1]["outcome"] == "stream_broken"
