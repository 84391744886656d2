"""BackendTrafficPolicy towards the endpoints: who gets a request, and over which connection."""
import json
import threading
import time

import pytest

from harness import config, raw
from harness.daemon import wait_until
from providers import openai_dialect
from providers.server import hang

CHAT = "/v1/chat/completions"
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
JSON = [("content-type", "application/json")]
NO_RETRY = {"retry": {"numRetries": 0}}


def ask(daemon, headers=(), body=BODY):
    return raw.ask(daemon.port, "POST", CHAT, body, [*JSON, *headers])


class Together:
    """Requests that run beside the test; `answers` in the order in which they came back."""

    def __init__(self, daemon, count):
        self.answers = []
        self.threads = [threading.Thread(target=self._ask, args=(daemon,)) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def _ask(self, daemon):
        self.answers.append(ask(daemon))

    def join(self):
        for thread in self.threads:
            thread.join(20)
        return sorted(answer.status for answer in self.answers)


def held(gate):
    """Answers once the gate is open."""
    chat = openai_dialect.chat()

    def script(exchange):
        exchange.body()
        assert gate.wait(20)
        chat(exchange)
    return script


def limited(provider, **breaker):
    return config.single(provider, config.traffic_policy(circuitBreaker=breaker, **NO_RETRY))


# ---- connections --------------------------------------------------------------------------------


def test_c2_no_request_may_wait_for_a_connection(start, provider):
    only = provider()
    daemon = start(limited(only, maxPendingRequests=0))
    answer = ask(daemon)
    assert answer.status == 503
    assert only.connections == 0


def test_c3_one_waits_for_the_only_connection_and_one_is_refused(start, provider):
    gate = threading.Event()
    only = provider(held(gate))
    daemon = start(limited(only, maxConnections=1, maxPendingRequests=1), workers=1)
    first = Together(daemon, 1)
    only.wait_for_requests(1)
    both = Together(daemon, 2)
    wait_until(lambda: len(both.answers) == 1, what="the request that is refused")
    assert both.answers[0].status == 503
    gate.set()
    assert first.join() == [200]
    assert both.join() == [200, 503]
    assert only.connections == 1
    assert only.count == 2


def test_requests_wait_in_line_for_the_connections_there_are(start, provider):
    gate = threading.Event()
    only = provider(held(gate))
    daemon = start(limited(only, perEndpoint={"maxConnections": 2}), workers=1)
    all_of_them = Together(daemon, 9)
    only.wait_for_requests(2)
    assert only.connections == 2
    gate.set()
    assert all_of_them.join() == [200] * 9
    assert only.connections == 2


def test_who_waits_gets_a_new_connection_when_the_old_one_ends(start, provider):
    gate = threading.Event()
    chat = openai_dialect.chat(headers=[("connection", "close")])

    def script(exchange):
        exchange.body()
        assert gate.wait(20)
        chat(exchange)
        exchange.close()
    only = provider(script)
    daemon = start(limited(only, maxConnections=1), workers=1)
    all_of_them = Together(daemon, 4)
    only.wait_for_requests(1)
    assert only.connections == 1
    gate.set()
    assert all_of_them.join() == [200] * 4
    assert only.connections == 4


def test_a_client_that_leaves_the_line_leaves_no_place_behind(start, provider):
    gate = threading.Event()
    only = provider(held(gate))
    daemon = start(limited(only, maxConnections=1, maxPendingRequests=1), workers=1)
    first = Together(daemon, 1)
    only.wait_for_requests(1)
    with raw.Client(daemon.port) as waiting:
        waiting.send(raw.request("POST", CHAT, BODY, JSON))
        wait_until(lambda: ask(daemon).status == 503, what="a full line")
    # The place in the line is free again: another may wait, and is served.
    def has_place():
        waits = Together(daemon, 1)
        waits.threads[0].join(0.2)
        served.append(waits)
        return waits.threads[0].is_alive()
    served = []
    wait_until(has_place, what="a place in the line")
    gate.set()
    assert first.join() == [200]
    assert served[-1].join() == [200]
    assert ask(daemon).status == 200


def test_c4_an_endpoint_without_a_connection_always_gets_one(start, provider):
    gate = threading.Event()
    one, two = provider(held(gate), "one"), provider(held(gate), "two")
    daemon = start(config.documents(
        config.route(["one", "two"]), *config.backend("one", one.port),
        *config.backend("two", two.port),
        config.traffic_policy(circuitBreaker={"maxConnections": 1},
                              loadBalancer={"type": "RoundRobin"}, **NO_RETRY)), workers=1)
    both = Together(daemon, 2)
    one.wait_for_requests(1)
    two.wait_for_requests(1)
    gate.set()
    assert both.join() == [200, 200]


def test_c5_a_connection_carries_so_many_requests(start, provider):
    only = provider()
    daemon = start(limited(only, maxRequestsPerConnection=2), workers=1)
    assert [ask(daemon).status for _ in range(3)] == [200] * 3
    assert only.connections == 2


def test_an_old_connection_is_not_used_again(start, provider):
    only = provider()
    daemon = start(config.single(only, config.traffic_policy(
        timeout={"http": {"maxConnectionDuration": "1ms"}}, **NO_RETRY)), workers=1)
    for _ in range(3):
        assert ask(daemon).status == 200
        time.sleep(0.005)  # longer than the connection may live
    assert only.connections == 3


def test_a_keepalive_is_set_where_it_is_written(start, provider):
    only = provider()
    daemon = start(config.single(only, config.traffic_policy(
        tcpKeepalive={"probes": 3, "idleTime": "60s", "interval": "5s"}, **NO_RETRY)), workers=1)
    assert ask(daemon).status == 200
    with open(f"/proc/{daemon.process.pid}/net/tcp", encoding="ascii") as table:
        lines = [line.split() for line in table if f":{only.port:04X}" in line.split()[2]]
    # Column 6 is `timer:when`; timer 02 is the keep-alive.
    assert any(line[5].startswith("02:") for line in lines if line[3] == "01"), lines


def test_a_route_takes_bodies_up_to_its_own_limit(start, provider):
    only = provider()
    daemon = start(config.single(only, config.traffic_policy(
        requestBuffer={"limit": "1Ki"}, **NO_RETRY)))
    assert ask(daemon).status == 200
    long = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 1024}]})
    assert ask(daemon, body=long.encode()).status == 413
    assert only.count == 1


# ---- who gets a request -------------------------------------------------------------------------


def three(provider, **policy):
    backends = [provider(name=name) for name in ("a", "b", "c")]
    return config.documents(
        config.route([b.name for b in backends]),
        *[o for b in backends for o in config.backend(b.name, b.port)],
        config.traffic_policy(**policy, **NO_RETRY))


def backend_of(answer):
    assert answer.status == 200
    return answer.header("x-understudy-backend")


def test_a_header_decides_where_a_request_goes(start, provider):
    daemon = start(three(provider, loadBalancer={
        "type": "ConsistentHash", "consistentHash": {"type": "Header",
                                                     "header": {"name": "x-user"}}}))
    homes = {}
    for user in range(30):
        homes[user] = {backend_of(ask(daemon, [("x-user", str(user))])) for _ in range(3)}
    assert all(len(home) == 1 for home in homes.values()), homes
    assert {next(iter(home)) for home in homes.values()} == {"a", "b", "c"}
    assert len({backend_of(ask(daemon)) for _ in range(40)}) > 1  # without it: anywhere


def test_a_cookie_is_made_and_keeps_its_client_in_place(start, provider):
    daemon = start(three(provider, loadBalancer={
        "type": "ConsistentHash", "consistentHash": {
            "type": "Cookie", "cookie": {"name": "seat", "ttl": "60s",
                                         "attributes": {"SameSite": "Lax"}}}}))
    homes = set()
    for _ in range(12):
        first = ask(daemon)
        cookie = first.header("set-cookie")
        assert cookie.startswith("seat=") and "; Max-Age=60" in cookie
        assert "; SameSite=Lax" in cookie
        again = ask(daemon, [("cookie", cookie.split(";")[0])])
        assert backend_of(again) == backend_of(first)
        assert again.header("set-cookie") is None
        homes.add(backend_of(first))
    assert len(homes) > 1


def test_the_clients_address_decides(start, provider):
    daemon = start(three(provider, loadBalancer={
        "type": "ConsistentHash", "consistentHash": {"type": "SourceIP"}}))
    assert len({backend_of(ask(daemon)) for _ in range(12)}) == 1


def test_load_reports_move_the_traffic_and_stay_inside(start, provider):
    def reporting(qps):
        chat = openai_dialect.chat(headers=[
            ("endpoint-load-metrics", f"TEXT rps_fractional={qps},cpu_utilization=0.5")])
        return chat

    slow, fast = provider(reporting(10), "slow"), provider(reporting(90), "fast")
    daemon = start(config.documents(
        config.route(["slow", "fast"]), *config.backend("slow", slow.port),
        *config.backend("fast", fast.port),
        config.traffic_policy(loadBalancer={
            "type": "BackendUtilization",
            "backendUtilization": {"blackoutPeriod": "0s", "weightUpdatePeriod": "100ms"}},
            **NO_RETRY)))
    answer = ask(daemon)
    assert answer.header("endpoint-load-metrics") is None

    def share():
        homes = [backend_of(ask(daemon)) for _ in range(30)]
        return homes.count("fast") >= 24
    wait_until(share, what="the share of the fast one")


def plain_route(session):
    return {"apiVersion": f"{config.GROUP}/v1", "kind": "HTTPRoute", "metadata": {"name": "plain"},
            "spec": {"rules": [{"sessionPersistence": session, "backendRefs": [
                {"group": "gateway.envoyproxy.io", "kind": "Backend", "name": name}
                for name in ("a", "b", "c")]}]}}


@pytest.mark.parametrize("kind", ["Cookie", "Header"])
def test_a_session_stays_with_its_endpoint(start, provider, kind):
    def named(name):
        return lambda exchange: exchange.reply(200, name.encode())

    backends = {name: provider(named(name), name) for name in ("a", "b", "c")}
    daemon = start(config.documents(
        plain_route({"sessionName": "x-seat", "type": kind}),
        *[config.backend(name, b.port)[1] for name, b in backends.items()]))

    def get(headers=()):
        return raw.ask(daemon.port, "GET", "/page", b"", headers)

    homes = set()
    for _ in range(12):
        first = get()
        if kind == "Cookie":
            session = [("cookie", first.header("set-cookie").split(";")[0])]
        else:
            session = [("x-seat", first.header("x-seat"))]
        homes.add(first.body)
        for _ in range(3):
            again = get(session)
            assert again.body == first.body
            assert again.header("set-cookie") is None and again.header("x-seat") is None
    assert len(homes) > 1
    assert get([("cookie", "x-seat=nonsense"), ("x-seat", "nonsense")]).status == 200


def test_a_name_is_looked_up_in_the_families_that_are_wanted(start, provider):
    only = provider()
    objects = config.backend("only", only.port)
    objects[1]["spec"]["endpoints"] = [{"fqdn": {"hostname": "localhost", "port": only.port}}]
    daemon = start(config.documents(
        config.route(["only"]), *objects,
        config.traffic_policy(dns={"dnsRefreshRate": "1s", "lookupFamily": "IPv4"}, **NO_RETRY)))
    status = json.loads(daemon.admin("/status")[1])
    assert f"127.0.0.1:{only.port}" in json.dumps(status)
    assert "[::1]" not in json.dumps(status)
    assert ask(daemon).status == 200


# ---- timers, and what an ejection does to connections -------------------------------------------


def test_b10_the_per_try_timeout_begins_with_the_connection(start, provider, authority):
    only = provider(tls=authority.server_context("provider.example"))

    def slow_handshake(sock):
        only.on_accept = None
        time.sleep(0.8)  # longer than the per-try timeout: that is the point
        only._serve(sock)

    only.on_accept = slow_handshake
    ca = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"},
          "data": {"ca.crt": authority.path.read_text()}}
    daemon = start(config.documents(
        config.route(["only"]),
        *config.backend("only", only.port, hostname="provider.example", tls={
            "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}]}), ca,
        config.traffic_policy(retry=config.retry(0, per_try="400ms"))))
    assert ask(daemon).status == 200


def test_b11_the_request_timeout_begins_with_the_whole_request(start, provider):
    only = provider()
    daemon = start(config.single(only, config.traffic_policy(
        timeout={"http": {"requestTimeout": "300ms"}}, **NO_RETRY)))
    request = raw.request("POST", CHAT, BODY, JSON)
    with raw.Client(daemon.port) as client:
        client.send(request[:-10])
        time.sleep(0.6)  # the body takes longer than the request may
        client.send(request[-10:])
        assert client.response().status == 200


def test_b16_a_silent_head_is_a_reset_of_the_stream_idle_limit(start, provider):
    primary, fallback = provider(hang, "primary"), provider(name="fallback")
    text = config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(1, triggers=("reset",), per_priority=1)),
        rule={"streamIdleTimeout": "300ms"})
    daemon = start(text)
    assert backend_of(ask(daemon)) == "fallback"


def test_c17_an_ejection_closes_idle_connections_at_once_and_busy_ones_later(start, provider):
    gate = threading.Event()
    chat = openai_dialect.chat()

    def script(exchange):
        word = json.loads(exchange.body())["messages"][0]["content"]
        if word == "hold":
            assert gate.wait(20)
        elif word == "fail":
            return exchange.reply(500, b"{}")
        elif word == "pair":
            pair.wait(20)
        return chat(exchange)

    def body(word):
        return json.dumps({"model": "m", "messages": [{"role": "user", "content": word}]}).encode()

    pair = threading.Barrier(2)
    only = provider(script)
    policy = config.traffic_policy(healthCheck=config.passive(
        consecutive5XxErrors=1, baseEjectionTime="600s"), **NO_RETRY)
    daemon = start(config.single(only, policy), workers=1)
    answers = []
    threads = [threading.Thread(target=lambda w=word: answers.append(ask(daemon, body=body(w))))
               for word in ("hold", "pair", "pair")]
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        thread.join(20)
    assert only.connections == 3
    assert ask(daemon, body=body("fail")).status == 500
    wait_until(lambda: len(only._open_wires()) == 1, what="the end of the idle connections")
    gate.set()
    threads[0].join(20)
    assert [a.status for a in answers] == [200] * 3
    wait_until(lambda: len(only._open_wires()) == 0, what="the end of the busy one")
