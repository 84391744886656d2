"""Active health checks: who is asked, what counts as an answer, and who gets the requests."""
import json
import threading

import pytest

from harness import config, raw
from harness.daemon import total, wait_until
from providers import openai_dialect

CHAT = "/v1/chat/completions"
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
JSON = [("content-type", "application/json")]
ENVOY = {"retry": {"numRetries": 0}}  # what a check does must not be hidden by a retry


def ask(daemon, headers=()):
    return raw.ask(daemon.port, "POST", CHAT, BODY, [*JSON, *headers])


class Checked:
    """A provider with a health page whose answer the test sets."""

    def __init__(self, provider, name, status=200, body=b"fine"):
        self.status, self.body, self.headers = status, body, []
        self.hosts = set()
        chat = openai_dialect.chat()

        def script(exchange):
            if exchange.request.target != "/health":
                return chat(exchange)
            self.hosts.add(exchange.request.header("host"))
            if self.status is None:  # silence
                return exchange.wait_for_peer_to_leave()
            return exchange.reply(self.status, self.body, self.headers, content_type="text/plain")

        self.provider = provider(script, name)

    @property
    def port(self):
        return self.provider.port

    def checks(self):
        return [r for r in self.provider.requests if r.target == "/health"]

    def chats(self):
        return [r for r in self.provider.requests if r.target != "/health"]


def http_check(**fields):
    active = {"type": "HTTP", "interval": "50ms", "timeout": "1s",
              "http": {"path": "/health", **fields.pop("http", {})}, **fields}
    return config.traffic_policy(healthCheck={"active": active}, **ENVOY)


def states(daemon):
    _, text = daemon.admin("/status")
    found = {}

    def walk(node):
        if isinstance(node, dict):
            if "endpoints" in node and "name" in node:
                for endpoint in node["endpoints"]:
                    found[node["name"]] = (endpoint["state"], endpoint.get("active_check"))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(json.loads(text))
    return found


def wait_for(daemon, **wanted):
    wait_until(lambda: all(states(daemon)[name][1] == word for name, word in wanted.items()),
               what=f"checks that say {wanted}")


def test_a_primary_that_fails_its_checks_gets_no_request_until_it_recovers(start, provider):
    primary, fallback = Checked(provider, "primary", 503), Checked(provider, "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, http_check()))
    assert states(daemon) == {"primary": ("failing_checks", "failing"),
                              "fallback": ("healthy", "passing")}
    for _ in range(20):
        assert ask(daemon).header("x-understudy-backend") == "fallback"
    assert primary.chats() == []

    primary.status = 200
    wait_for(daemon, primary="passing")
    assert ask(daemon).header("x-understudy-backend") == "primary"

    primary.status = 500
    wait_for(daemon, primary="failing")
    seen = len(primary.chats())
    for _ in range(10):
        assert ask(daemon).header("x-understudy-backend") == "fallback"
    assert len(primary.chats()) == seen
    assert primary.checks()[0].header("user-agent") == "understudy/check"
    changes = daemon.metrics()
    assert total(changes, "understudy_check_changes_total", backend="primary", result="failed") == 2
    assert total(changes, "understudy_check_changes_total", backend="primary", result="passed") == 1
    assert total(changes, "understudy_endpoint_check_failed", backend="primary") == 1


def test_a_degraded_primary_serves_only_what_the_fallback_can_not(start, provider):
    primary, fallback = Checked(provider, "primary"), Checked(provider, "fallback")
    primary.headers = [("x-envoy-degraded", "true")]
    daemon = start(config.primary_and_fallback(primary, fallback, http_check()))
    assert states(daemon)["primary"] == ("degraded", "passing")
    for _ in range(10):
        assert ask(daemon).header("x-understudy-backend") == "fallback"
    fallback.status = 500
    wait_for(daemon, fallback="failing")
    assert ask(daemon).header("x-understudy-backend") == "primary"
    primary.headers, fallback.status = [], 200
    wait_until(lambda: states(daemon)["primary"][0] == "healthy", what="a whole primary")
    assert ask(daemon).header("x-understudy-backend") == "primary"


def test_silence_fails_after_the_threshold_only(start, provider):
    primary, fallback = Checked(provider, "primary"), Checked(provider, "fallback")
    daemon = start(config.primary_and_fallback(
        primary, fallback, http_check(timeout="200ms", unhealthyThreshold=3)))
    assert ask(daemon).header("x-understudy-backend") == "primary"
    before = len(primary.checks())
    primary.status = None
    wait_for(daemon, primary="failing")
    assert len(primary.checks()) - before >= 3
    assert ask(daemon).header("x-understudy-backend") == "fallback"


def test_a_primary_that_dies_is_noticed_without_a_request(start, provider):
    primary, fallback = Checked(provider, "primary"), Checked(provider, "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, http_check()))
    assert ask(daemon).header("x-understudy-backend") == "primary"
    primary.provider.kill()
    wait_for(daemon, primary="failing")
    assert ask(daemon).header("x-understudy-backend") == "fallback"
    primary.provider.listen()
    wait_for(daemon, primary="passing")
    assert ask(daemon).header("x-understudy-backend") == "primary"


def test_statuses_bodies_and_the_host_of_the_check(start, provider):
    primary = Checked(provider, "primary", 204, b"")
    fallback = Checked(provider, "fallback", 200, b"all is well")
    daemon = start(config.documents(
        config.route([{"name": "primary", "priority": 0}, {"name": "fallback", "priority": 1}]),
        *config.backend("primary", primary.port), *config.backend("fallback", fallback.port),
        http_check(http={"expectedStatuses": [200, 204], "hostname": "checks.example",
                         "expectedResponse": {"type": "Text", "text": "well"}})))
    assert states(daemon)["primary"][1] == "failing"  # the status is fine, the text is not there
    assert states(daemon)["fallback"][1] == "passing"
    assert fallback.hosts == {"checks.example"}
    assert ask(daemon).header("x-understudy-backend") == "fallback"


def test_a_pass_brings_an_ejected_host_back(start, provider):
    primary, fallback = Checked(provider, "primary"), Checked(provider, "fallback")
    policy = config.traffic_policy(
        retry={"numRetries": 0},
        healthCheck={"active": {"type": "HTTP", "interval": "300ms", "http": {"path": "/health"}},
                     "passive": {"consecutive5XxErrors": 1, "maxEjectionPercent": 100,
                                 "baseEjectionTime": "600s"}})
    daemon = start(config.primary_and_fallback(primary, fallback, policy))
    plain = primary.provider.script
    primary.provider.always(lambda e: e.reply(200, b"fine") if e.request.target == "/health"
                            else (e.body(), e.reply(500, b"{}")))
    assert ask(daemon).status == 500
    primary.provider.always(plain)
    wait_until(lambda: ask(daemon).header("x-understudy-backend") == "primary",
               what="the return of the primary")


def tcp_check(**tcp):
    return config.traffic_policy(healthCheck={"active": {
        "type": "TCP", "interval": "50ms", "timeout": "1s", "tcp": tcp}}, **ENVOY)


def test_tcp_checks_connect(start, provider):
    primary, fallback = provider(name="primary"), provider(name="fallback")
    primary.refuse()
    daemon = start(config.primary_and_fallback(primary, fallback, tcp_check()))
    assert states(daemon)["primary"][1] == "failing"
    assert ask(daemon).header("x-understudy-backend") == "fallback"
    primary.listen()
    wait_for(daemon, primary="passing")
    assert ask(daemon).header("x-understudy-backend") == "primary"


class Echo:
    """A TCP service of its own port: sends back what it gets, after `prefix`."""

    def __init__(self, prefix):
        import socket
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.prefix = prefix
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                sock, _ = self.listener.accept()
                sock.settimeout(5)
                with sock:
                    sock.sendall(self.prefix + sock.recv(100))
            except OSError:
                if self.listener.fileno() < 0:
                    return

    def stop(self):
        import socket
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.mark.parametrize("prefix, word", [(b"echo ", "passing"), (b"else ", "failing")])
def test_tcp_checks_send_and_receive_on_a_port_of_their_own(start, provider, prefix, word):
    only, echo = provider(), Echo(prefix)
    policy = config.traffic_policy(healthCheck={"panicThreshold": 0, "active": {
        "type": "TCP", "interval": "50ms", "timeout": "1s", "overrides": {"port": echo.port},
        "tcp": {"send": {"type": "Text", "text": "PING"},
                "receive": {"type": "Binary", "binary": "ZWNobyBQSU5H"}}}}, **ENVOY)
    daemon = start(config.single(only, policy))
    assert states(daemon)["only"][1] == word
    assert ask(daemon).status == (200 if word == "passing" else 503)
    echo.stop()


def tls_backend(name, port, bundle):
    return config.backend(name, port, hostname="provider.example",
                          tls={"caCertificateRefs": [{"name": bundle, "group": "",
                                                      "kind": "ConfigMap"}]})


def test_checks_use_the_tls_settings_of_the_backend(start, provider, authority, tmp_path):
    from harness.tls import Authority
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "a stranger")

    def health(exchange):
        if exchange.request.target == "/health":
            return exchange.reply(200, b"fine")
        return openai_dialect.chat()(exchange)

    primary = provider(health, "primary", tls=stranger.server_context("provider.example"))
    fallback = provider(health, "fallback", tls=authority.server_context("provider.example"))
    bundle = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"},
              "data": {"ca.crt": authority.path.read_text()}}
    daemon = start(config.documents(
        config.route([{"name": "primary", "priority": 0}, {"name": "fallback", "priority": 1}]),
        *tls_backend("primary", primary.port, "ca"), *tls_backend("fallback", fallback.port, "ca"),
        bundle, http_check()))
    assert states(daemon) == {"primary": ("failing_checks", "failing"),
                              "fallback": ("healthy", "passing")}
    assert ask(daemon).header("x-understudy-backend") == "fallback"
    assert primary.requests == []
    assert {r.header("host") for r in fallback.requests
            if r.target == "/health"} == {"provider.example"}


def test_no_check_is_left_open_and_a_reload_keeps_what_is_known(start, provider):
    primary, fallback = Checked(provider, "primary", 500), Checked(provider, "fallback")
    text = config.primary_and_fallback(primary, fallback, http_check())
    daemon = start(text)
    assert states(daemon)["primary"][1] == "failing"
    daemon.config_paths[0].write_text(text + "\n")
    status, _ = daemon.admin("/reload", "POST")
    assert status == 200
    assert states(daemon)["primary"][1] == "failing"
    assert ask(daemon).header("x-understudy-backend") == "fallback"
    # A check that changes is another cluster, whose hosts serve until their first result.
    daemon.config_paths[0].write_text(config.primary_and_fallback(
        primary, fallback, http_check(http={"expectedStatuses": [500]})))
    assert daemon.admin("/reload", "POST")[0] == 200
    wait_for(daemon, primary="passing", fallback="failing")
    assert ask(daemon).header("x-understudy-backend") == "primary"


def test_a_peer_that_leaves_in_the_middle_of_a_check(start, provider):
    def half(exchange):
        exchange.send(b"HTTP/1.1 200 Fi")
        exchange.close()

    def script(exchange):
        if exchange.request.target == "/health":
            return half(exchange)
        return openai_dialect.chat()(exchange)

    primary, fallback = provider(script, "primary"), Checked(provider, "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, http_check()))
    assert states(daemon)["primary"][1] == "failing"
    assert ask(daemon).header("x-understudy-backend") == "fallback"
