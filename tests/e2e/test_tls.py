"""HTTPS listeners and TLS towards providers."""
import json
import ssl
import warnings

import pytest

from harness import config, raw
from harness.daemon import wait_until
from harness.tls import Authority
from providers.server import no_tls_here

CHAT = "/v1/chat/completions"
JSON = [("content-type", "application/json")]
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'


def certificate_secret(name, chain, key):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "type": "kubernetes.io/tls", "stringData": {"tls.crt": chain, "tls.key": key}}


@pytest.fixture
def https(start, provider, authority):
    """A Gateway with one HTTPS listener and two certificates, a plain one beside it."""
    primary = provider()
    gateway = {
        "apiVersion": f"{config.GROUP}/v1", "kind": "Gateway", "metadata": {"name": "gw"},
        "spec": {"gatewayClassName": "understudy", "listeners": [
            {"name": "https", "protocol": "HTTPS", "port": 8443, "tls": {
                "mode": "Terminate", "certificateRefs": [{"name": "one"}, {"name": "two"}]}}]}}
    daemon = start(config.single(
        primary, gateway, certificate_secret("one", *authority.issue("one.example")),
        certificate_secret("two", *authority.issue("two.example", "*.two.example")),
        parentRefs=[{"name": "gw", "kind": "Gateway", "group": config.GROUP}]))
    daemon.primary = primary
    return daemon


def names_of(client):
    return {v for k, v in client.sock.getpeercert()["subjectAltName"] if k == "DNS"}


def test_the_certificate_follows_the_name_asked_for(https, authority):
    context = authority.client_context()
    for name, expected in {"one.example": {"one.example"},
                           "two.example": {"two.example", "*.two.example"},
                           "api.two.example": {"two.example", "*.two.example"}}.items():
        with raw.Client(https.port, tls=context, server_name=name) as client:
            assert names_of(client) == expected
            client.send(raw.request("POST", CHAT, BODY, JSON))
            assert client.response().status == 200


def test_an_unknown_name_gets_the_first_certificate(https, authority):
    context = authority.client_context()
    context.check_hostname = False
    with raw.Client(https.port, tls=context, server_name="else.example") as client:
        assert names_of(client) == {"one.example"}


def test_alpn_is_http_1_1(https, authority):
    context = authority.client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with raw.Client(https.port, tls=context, server_name="one.example") as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"


def test_tls_1_3_is_spoken_and_1_1_is_not(https, authority):
    with raw.Client(https.port, tls=authority.client_context(), server_name="one.example") as client:
        assert client.sock.version() == "TLSv1.3"
    old = authority.client_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, OSError)):
        raw.Client(https.port, tls=old, server_name="one.example")


def test_cleartext_on_the_https_port_does_no_harm(https, authority):
    with raw.Client(https.port, timeout=5) as client:
        client.send(raw.request("POST", CHAT, BODY, JSON))
        assert client.is_closed_by_peer()
    with raw.Client(https.port, tls=authority.client_context(), server_name="one.example") as client:
        client.send(raw.request("POST", CHAT, BODY, JSON))
        assert client.response().status == 200
    assert https.primary.count == 1


def test_a_large_stream_over_tls(https, authority):
    event = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n'
    pieces = [event % (b"x" * 20_000) for _ in range(100)]
    pieces.append(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')

    def script(exchange):
        exchange.head(200, [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")])
        for piece in pieces:
            exchange.chunk(piece)
        exchange.last_chunk()
    https.primary.always(script)
    with raw.Client(https.port, tls=authority.client_context(), server_name="one.example") as client:
        client.send(raw.request("POST", CHAT, BODY[:-1] + b',"stream":true}', JSON))
        assert client.response().body == b"".join(pieces)


# ---- towards providers --------------------------------------------------------------------------


def upstream(port, tls, hostname="provider.example"):
    return config.documents(config.route(["only"]),
                            *config.backend("only", port, hostname=hostname, tls=tls),
                            config.traffic_policy(retry={"numRetries": 0}))


def ask(daemon):
    return raw.ask(daemon.port, "POST", CHAT, BODY, JSON)


def test_a_provider_is_verified_against_the_ca_given(start, provider, authority):
    ca = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"},
          "data": {"ca.crt": authority.path.read_text()}}
    primary = provider(tls=authority.server_context("provider.example"))
    tls = {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}
    daemon = start(upstream(primary.port, tls) + "---\n" + json.dumps(ca))
    assert ask(daemon).status == 200
    assert primary.requests[0].header("host") == "provider.example"


def test_a_provider_is_verified_against_the_systems_cas(start, provider, authority):
    primary = provider(tls=authority.server_context("provider.example"))
    text = upstream(primary.port, {"wellKnownCACertificates": "System"})
    assert ask(start(text, env={"SSL_CERT_FILE": str(authority.path)})).status == 200
    distrusting = start(text)
    answer = ask(distrusting)
    assert answer.status == 503
    message = json.loads(answer.body)["error"]["message"]
    assert "certificate" in message.lower() or "tls" in message.lower(), message
    assert primary.count == 1


def test_a_name_that_is_not_in_the_certificate_is_refused(start, provider, authority):
    primary = provider(tls=authority.server_context("other.example"))
    daemon = start(upstream(primary.port, {"wellKnownCACertificates": "System"}),
                   env={"SSL_CERT_FILE": str(authority.path)})
    assert ask(daemon).status == 503 and primary.count == 0


def test_a_certificate_of_a_stranger_is_refused(start, provider, authority, tmp_path):
    stranger = Authority(tmp_path, "stranger")
    primary = provider(tls=stranger.server_context("provider.example"))
    daemon = start(upstream(primary.port, {"wellKnownCACertificates": "System"}),
                   env={"SSL_CERT_FILE": str(authority.path)})
    assert ask(daemon).status == 503 and primary.count == 0


def test_insecure_skip_verify_skips(start, provider, tmp_path):
    stranger = Authority(tmp_path, "stranger")
    primary = provider(tls=stranger.server_context("else.example"))
    assert ask(start(upstream(primary.port, {"insecureSkipVerify": True}))).status == 200


def test_tls_sessions_are_resumed(start, provider, authority):
    resumed = []

    def once_then_close(exchange):
        resumed.append(exchange.wire.sock.session_reused)
        exchange.reply(200, b"{}", [("connection", "close")])
        try:
            exchange.wire.sock.unwrap()  # close_notify, as a server does that ends in order
        except OSError:
            pass
        exchange.close()
    primary = provider(once_then_close, tls=authority.server_context("provider.example"))
    daemon = start(upstream(primary.port, {"wellKnownCACertificates": "System"}), workers=1,
                   env={"SSL_CERT_FILE": str(authority.path)})
    for _ in range(4):
        assert ask(daemon).status == 200
    assert resumed == [False, True, True, True]
    wait_until(lambda: sum(v for (n, _), v in daemon.metrics().items()
                           if n == "understudy_upstream_tls_resumptions_total") >= 2,
               what="resumed sessions")


def test_a_provider_without_tls_is_a_connect_failure(start, provider, authority):
    primary = provider()
    primary.on_accept = no_tls_here
    daemon = start(upstream(primary.port, {"insecureSkipVerify": True}))
    answer = ask(daemon)
    assert answer.status == 503 and answer.header("x-understudy-error-origin") == "proxy"


def test_a_tls_stream_that_is_cut_without_a_goodbye_is_an_error(start, provider, authority):
    """Without close_notify nothing tells an end from a cut: a body to the end is not trusted."""
    def cut(exchange):
        exchange.head(200, [("content-type", "text/event-stream"), ("content-length", "1000")])
        exchange.send(b"data: {}\n\n")
        exchange.close()
    primary = provider(cut, tls=authority.server_context("provider.example"))
    daemon = start(upstream(primary.port, {"insecureSkipVerify": True}))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, BODY, JSON))
        with pytest.raises((raw.EndOfStream, ValueError)):
            assert client.response().status >= 500
            raise raw.EndOfStream("told as an error")
