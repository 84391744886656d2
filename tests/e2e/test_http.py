"""HTTP/1.1 as a strict and polite server speaks it: framing, limits, connections, methods."""
import json

import pytest

from harness import config, raw
from harness.daemon import wait_until
from providers.server import status

CHAT = "/v1/chat/completions"
JSON = [("content-type", "application/json")]
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
CHUNKED_BODY = b"5\r\n" + BODY[:5] + b"\r\n%x\r\n" % (len(BODY) - 5) + BODY[5:] + b"\r\n0\r\n\r\n"


@pytest.fixture
def primary(provider):
    return provider()


@pytest.fixture
def daemon(start, primary):
    return start(config.single(primary), workers=1)


def error_of(answer):
    error = json.loads(answer.body)["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["message"]
    return error


def head(*lines):
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


POST = f"POST {CHAT} HTTP/1.1"
HOST = "Host: x"
LENGTH = f"Content-Length: {len(BODY)}"

# Everything here is answered 400 and the connection is closed: what follows cannot be trusted.
AMBIGUOUS = {
    "TE and CL": head(POST, HOST, LENGTH, "Transfer-Encoding: chunked") + CHUNKED_BODY,
    "CL and TE": head(POST, HOST, "Transfer-Encoding: chunked", LENGTH) + CHUNKED_BODY,
    "two different CL": head(POST, HOST, LENGTH, "Content-Length: 3") + BODY,
    "two equal CL": head(POST, HOST, LENGTH, LENGTH) + BODY,
    "comma CL": head(POST, HOST, f"Content-Length: {len(BODY)}, {len(BODY)}") + BODY,
    "signed CL": head(POST, HOST, f"Content-Length: +{len(BODY)}") + BODY,
    "negative CL": head(POST, HOST, "Content-Length: -1"),
    "hex CL": head(POST, HOST, "Content-Length: 0x10") + BODY,
    "huge CL": head(POST, HOST, "Content-Length: 99999999999999999999999") + BODY,
    "TE not ending in chunked": head(POST, HOST, "Transfer-Encoding: chunked, gzip") + CHUNKED_BODY,
    "TE unknown": head(POST, HOST, "Transfer-Encoding: xchunked") + CHUNKED_BODY,
    "TE twice": head(POST, HOST, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked")
    + CHUNKED_BODY,
    "TE with a vertical tab": head(POST, HOST, "Transfer-Encoding: \x0bchunked") + CHUNKED_BODY,
    "chunked in HTTP/1.0": head(f"POST {CHAT} HTTP/1.0", HOST, "Transfer-Encoding: chunked")
    + CHUNKED_BODY,
    "space before the colon": head(POST, HOST, f"Content-Length : {len(BODY)}") + BODY,
    "folded field": head(POST, HOST, "X-Folded: a", " b", LENGTH) + BODY,
    "no colon": head(POST, HOST, "nonsense", LENGTH) + BODY,
    "control in a value": head(POST, HOST, "X-Bad: a\x00b", LENGTH) + BODY,
    "control in the target": head("POST /v1/\x01 HTTP/1.1", HOST, LENGTH) + BODY,
    "bare LF": head(POST, HOST, LENGTH).replace(b"\r\n", b"\n") + BODY,
    "no Host": head(POST, LENGTH) + BODY,
    "two Hosts": head(POST, HOST, "Host: y", LENGTH) + BODY,
    "bad chunk size": head(POST, HOST, "Transfer-Encoding: chunked") + b"zz\r\n\r\n0\r\n\r\n",
    "no CRLF after a chunk": head(POST, HOST, "Transfer-Encoding: chunked") + b"3\r\nabcXX0\r\n\r\n",
    "HTTP/3.0": head(f"POST {CHAT} HTTP/3.0", HOST, LENGTH) + BODY,
    "no request line": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_ambiguous_requests_are_refused_and_closed(daemon, primary, case):
    smuggled = raw.request("POST", CHAT, BODY, [*JSON, ("x-smuggled", "yes")])
    with raw.Client(daemon.port, timeout=5) as client:
        client.send(AMBIGUOUS[case] + smuggled)
        answer = client.response()
        allowed = {"HTTP/3.0": (400, 505), "chunked in HTTP/1.0": (400, 426),
                   "TE unknown": (400, 501), "TE not ending in chunked": (400, 501)}
        assert answer.status in allowed.get(case, (400,)), answer
        assert answer.header("connection", "").lower() == "close"
        assert client.is_closed_by_peer()
    assert primary.count == 0  # neither it nor what came behind it went on


def test_keep_alive_and_pipelining_keep_the_order(daemon, primary):
    def echo(exchange):
        name = json.loads(exchange.body())["user"]
        exchange.reply(200, json.dumps({"user": name}).encode())
    primary.always(echo)
    with raw.Client(daemon.port) as client:
        bodies = [json.dumps({"model": "m", "user": f"u{i}", "messages": []}).encode()
                  for i in range(8)]
        client.send(b"".join(raw.request("POST", CHAT, body, JSON) for body in bodies))
        for i in range(8):
            assert json.loads(client.response().body) == {"user": f"u{i}"}


def test_requests_behind_a_chunked_body_keep_their_bytes(daemon, primary):
    """The end of the first body and the next requests come in one read, others while it is served."""
    def echo(exchange):
        exchange.reply(200, json.dumps({"user": json.loads(exchange.body())["user"]}).encode())
    primary.always(echo)
    bodies = [json.dumps({"model": "m", "user": f"u{i}", "messages": []}).encode() for i in range(4)]
    with raw.Client(daemon.port) as client:
        client.send(head(POST, HOST, "Transfer-Encoding: chunked"))
        client.send(b"%x\r\n" % len(bodies[0]) + bodies[0][:5])
        second = raw.request("POST", CHAT, bodies[1], JSON)
        client.send(bodies[0][5:] + b"\r\n0\r\n\r\n" + second[:-9])
        client.send(second[-9:] + raw.request("POST", CHAT, bodies[2], JSON))
        client.send(raw.request("POST", CHAT, bodies[3], JSON))
        for i in range(4):
            assert json.loads(client.response().body) == {"user": f"u{i}"}


def test_an_empty_line_before_a_request_is_ignored(daemon):
    with raw.Client(daemon.port) as client:
        for _ in range(2):
            client.send(raw.request("POST", CHAT, BODY, JSON) + b"\r\n")
            assert client.response().status == 200


def test_a_request_in_single_bytes(daemon):
    with raw.Client(daemon.port) as client:
        for byte in raw.request("POST", CHAT, BODY, JSON):
            client.send(bytes([byte]))
        assert client.response().status == 200


def test_a_chunked_request_with_extensions_and_trailers(daemon, primary):
    with raw.Client(daemon.port) as client:
        client.send(head(POST, HOST, "Transfer-Encoding: chunked", "Content-Type: application/json")
                    + b"5;name=value\r\n" + BODY[:5] + b"\r\n%X\r\n" % (len(BODY) - 5) + BODY[5:]
                    + b"\r\n0\r\nX-Trailer: dropped\r\n\r\n")
        assert client.response().status == 200
        client.send(raw.request("POST", CHAT, BODY, JSON))
        assert client.response().status == 200
    first = primary.requests[0]
    assert first.body == BODY and first.all("content-length") == [str(len(BODY))]
    assert not first.all("transfer-encoding") and not first.all("x-trailer")


def test_expect_100_continue(daemon):
    with raw.Client(daemon.port, timeout=5) as client:
        client.send(head(POST, HOST, LENGTH, "Content-Type: application/json",
                         "Expect: 100-continue"))
        assert client.head().status == 100  # sent before a byte of the body
        client.send(BODY)
        assert client.response().status == 200


def test_the_provider_is_not_asked_to_expect(daemon, primary):
    with raw.Client(daemon.port, timeout=5) as client:
        client.send(head(POST, HOST, LENGTH, "Content-Type: application/json",
                         "Expect: 100-continue") + BODY)
        answer = client.response()
        assert answer.status == 200
    assert not primary.requests[0].all("expect")


def test_an_unknown_expectation_is_417(daemon):
    answer = raw.ask(daemon.port, "POST", CHAT, BODY, [*JSON, ("expect", "miracles")])
    assert answer.status == 417


def test_connection_close_is_honoured(daemon):
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, BODY, [*JSON, ("connection", "close")]))
        answer = client.response()
        assert answer.status == 200 and answer.header("connection", "").lower() == "close"
        assert client.is_closed_by_peer()


def test_http_1_0_is_426_as_in_envoy(daemon, primary):
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, BODY, [*JSON, ("connection", "keep-alive")],
                                version="HTTP/1.0"))
        answer = client.response()
        assert answer.status == 426 and answer.header("transfer-encoding") is None
        assert client.is_closed_by_peer()
    assert primary.count == 0


def test_head_has_the_head_of_get_and_no_body(daemon):
    get = raw.ask(daemon.port, "GET", "/v1/models")
    with raw.Client(daemon.port) as client:
        client.send(raw.request("HEAD", "/v1/models"))
        answer = client.response(is_head=True)
        assert answer.status == 200
        assert answer.header("content-length") in (None, str(len(get.body)))
        client.send(raw.request("GET", "/v1/models"))
        assert client.response().body == get.body  # no body bytes of the HEAD were in between


def test_options_does_not_hang_or_break_the_connection(daemon, primary):
    primary.once(status(204, b""))
    with raw.Client(daemon.port, timeout=5) as client:
        client.send(raw.request("OPTIONS", CHAT))
        assert client.response().status in (200, 204, 404, 405)
        client.send(raw.request("POST", CHAT, BODY, JSON))
        assert client.response().status == 200


def test_hop_by_hop_fields_do_not_travel(daemon, primary):
    def script(exchange):
        exchange.reply(200, b"{}", [("connection", "x-hop-response"), ("x-hop-response", "1"),
                                    ("keep-alive", "timeout=5"), ("x-end", "1")])
    primary.always(script)
    answer = raw.ask(daemon.port, "POST", CHAT, BODY, [
        *JSON, ("connection", "x-hop, keep-alive"), ("x-hop", "1"), ("keep-alive", "300"),
        ("te", "trailers"), ("upgrade", "websocket"), ("proxy-connection", "keep-alive"),
        ("proxy-authorization", "Basic x"), ("x-end-to-end", "1")])
    assert answer.status == 200
    got = primary.requests[0]
    for name in ("x-hop", "keep-alive", "te", "upgrade", "proxy-connection", "proxy-authorization"):
        assert not got.all(name), name
    assert got.header("x-end-to-end") == "1"
    assert answer.header("x-hop-response") is None and answer.header("x-end") == "1"


# ---- local answers ------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{", b"not json", b"[1,2]", b'{"model":"m"', b'{"model":',
                                  b'{"model":"m"} trailing', b"\xff\xfe"])
def test_malformed_json_is_400(daemon, primary, body):
    answer = raw.ask(daemon.port, "POST", CHAT, body, JSON)
    assert answer.status == 400, answer
    error = error_of(answer)
    assert "JSON" in error["message"] and error["type"] == "invalid_request_error"
    assert answer.header("x-understudy-error-origin") == "client"
    assert answer.header("content-type").startswith("application/json")
    assert primary.count == 0


def test_a_body_over_the_limit_is_413(start, primary):
    policy = {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "ClientTrafficPolicy",
              "metadata": {"name": "limits"},
              "spec": {"connection": {"bufferLimit": "64Ki"},
                       "targetRefs": [{"group": config.GROUP, "kind": "Gateway", "name": "gw"}]}}
    gateway = {"apiVersion": f"{config.GROUP}/v1", "kind": "Gateway", "metadata": {"name": "gw"},
               "spec": {"gatewayClassName": "understudy",
                        "listeners": [{"name": "http", "protocol": "HTTP", "port": 8080}]}}
    daemon = start(config.single(primary, gateway, policy,
                                 parentRefs=[{"name": "gw", "kind": "Gateway",
                                              "group": config.GROUP}]))
    check_413(daemon, primary, 64 * 1024)


def check_413(daemon, primary, limit):
    def sized(size):
        shell = b'{"model":"m","messages":[],"pad":""}'
        return shell.replace(b'""', b'"' + b"x" * (size - len(shell)) + b'"')
    assert raw.ask(daemon.port, "POST", CHAT, sized(limit), JSON).status == 200
    assert primary.count == 1
    with raw.Client(daemon.port) as client:  # told by the length alone, before a byte of it
        client.send(head(POST, HOST, f"Content-Length: {limit + 1}"))
        answer = client.response()
        assert answer.status == 413 and error_of(answer)
        assert client.is_closed_by_peer()
    with raw.Client(daemon.port) as client:  # and in chunks, as soon as there is one byte more
        client.send(head(POST, HOST, "Transfer-Encoding: chunked"))
        client.send(b"%x\r\n%s\r\n" % (limit + 1, b"x" * (limit + 1)))
        assert client.response().status == 413
    assert primary.count == 1


def test_the_default_body_limit_is_fifty_mebibytes(daemon, primary):
    with raw.Client(daemon.port) as client:
        client.send(head(POST, HOST, f"Content-Length: {50 * 1024 * 1024 + 1}"))
        assert client.response().status == 413
    assert primary.count == 0


def test_too_large_a_head_is_431(daemon):
    with raw.Client(daemon.port) as client:
        client.send(head(POST, HOST, "X-Large: " + "x" * (61 * 1024), LENGTH))
        assert client.response().status == 431
        assert client.is_closed_by_peer()


def test_too_many_fields_are_431(daemon):
    with raw.Client(daemon.port) as client:
        client.send(head(POST, HOST, *(f"X-{i}: 1" for i in range(200)), LENGTH))
        assert client.response().status == 431


def test_request_id_is_kept_where_well_formed_and_made_where_not(daemon, primary):
    kept = raw.ask(daemon.port, "POST", CHAT, BODY, [*JSON, ("x-request-id", "abc-123_x.Y")])
    assert kept.header("x-request-id") == "abc-123_x.Y"
    assert primary.requests[0].header("x-request-id") == "abc-123_x.Y"
    for bad in (None, "", "a b", "x" * 5000, 'quo"te'):
        fields = [*JSON] if bad is None else [*JSON, ("x-request-id", bad)]
        made = raw.ask(daemon.port, "POST", CHAT, BODY, fields).header("x-request-id")
        assert len(made) == 36 and made != bad, (bad, made)
        assert primary.requests[-1].all("x-request-id") == [made]


def test_every_answer_of_a_route_says_how_it_was_made(daemon):
    answer = raw.ask(daemon.port, "POST", CHAT, BODY, JSON)
    assert answer.header("x-understudy-attempts") == "1"
    assert answer.header("x-understudy-backend") == "only"
    assert answer.header("x-understudy-error-origin") is None


def test_clients_cannot_forge_what_the_proxy_says(daemon, primary):
    answer = raw.ask(daemon.port, "POST", CHAT, BODY, [
        *JSON, ("x-ai-eg-model", "forged"), ("x-ai-eg-original-path", "/x"),
        ("x-envoy-max-retries", "9"), ("x-envoy-retry-on", "5xx"),
        ("x-envoy-upstream-rq-timeout-ms", "1")])
    assert answer.status == 200
    got = primary.requests[0]
    assert not [k for k, _ in got.headers if k.lower().startswith(("x-ai-eg-", "x-envoy-"))]


def test_a_thousand_connections_come_and_go(daemon):
    for _ in range(20):
        clients = [raw.Client(daemon.port) for _ in range(50)]
        for client in clients:
            client.sock.close()
    assert raw.ask(daemon.port, "POST", CHAT, BODY, JSON).status == 200
    wait_until(lambda: sum(v for (n, _), v in daemon.metrics().items()
                           if n == "understudy_downstream_connections_active") <= 1,
               what="the end of the abandoned connections")
