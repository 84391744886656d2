"""At the limit of open files: connections wait, nothing turns in circles, no provider is blamed, and
it passes."""
import json
import os
import pathlib
import resource
import time

import pytest

from harness import config, raw
from harness.daemon import total, wait_until
from harness.load import BODY, CHAT, JSON
from providers import openai_dialect

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def is_answered(port):
    with raw.Client(port, timeout=2) as client:
        client.send(raw.request("POST", CHAT, BODY, JSON))
        return client.response().status == 200


def never_ejected(daemon):
    told = daemon.admin("/status")[1].replace(" ", "")
    return '"state":"healthy"' in told and '"state":"ejected"' not in told and \
        total(daemon.metrics(), "understudy_ejections_total") == 0


@pytest.mark.parametrize("is_reserved", [True, False])
def test_connections_beyond_the_limit_wait(start, provider, is_reserved):
    """With descriptors in reserve for upstreams; and where even those are gone."""
    primary = provider()
    limited = ["sh", "-c", 'ulimit -n 130; exec "$0" "$@"'] if is_reserved else []
    daemon = start(config.single(primary), prefix=limited)
    assert is_answered(daemon.port)
    if not is_reserved:  # it knows of it a sweep later
        pid = daemon.process.pid
        few = len(os.listdir(f"/proc/{pid}/fd")) + 8
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, few))
    clients = [raw.Client(daemon.port, timeout=20) for _ in range(100)]
    try:
        before = cpu_seconds(daemon.process.pid)
        time.sleep(1.5)
        assert cpu_seconds(daemon.process.pid) - before < 0.75
        if is_reserved:  # who is in is served, the others when those have gone
            for client in clients:
                client.send(raw.request("POST", CHAT, BODY, [*JSON, ("connection", "close")]))
            assert [client.response().status for client in clients] == [200] * len(clients)
        else:
            assert daemon.stderr().count("connections have to wait") in (1, 2)  # by each worker
    finally:
        for client in clients:
            client.sock.close()
    wait_until(lambda: is_answered(daemon.port), what="an answer afterwards")
    assert is_reserved or "connections are accepted again" in daemon.stderr()
    assert never_ejected(daemon)


# ---- descriptors for upstreams -------------------------------------------------------------------


LEFT = openai_dialect.chat(headers=[("connection", "close")])  # no connection stays behind


def most_descriptors(daemon):
    return resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)[0]


def limit_descriptors(daemon, most):
    """The soft limit: of the hard one there would be no way back."""
    hard = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (most, hard))


def take_away_descriptors(daemon):
    """Not one more: the lowest number that is free is the limit. A connection of the admin listener
    or of a check may be open at the first look, and closed after it."""
    limit = most_descriptors(daemon)
    for _ in range(10):
        taken = {int(name) for name in os.listdir(f"/proc/{daemon.pid}/fd")}
        limit = min(limit, next(n for n in range(len(taken) + 1) if n not in taken))
        limit_descriptors(daemon, limit)
        time.sleep(0.02)


def ask(client, body=BODY):
    client.send(raw.request("POST", CHAT, body, JSON))
    return client.response()


@pytest.mark.parametrize("way_back", ["clients leave", "prlimit"])
def test_a_shortage_of_our_own_is_no_providers_fault(start, provider, way_back):
    """A primary that would be ejected by its first failure stays in service, and is used again once
    there is a descriptor."""
    primary, fallback = provider(LEFT, "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(
        primary, fallback, config.traffic_policy(
            retry=config.retry(2, per_priority=1),
            healthCheck=config.passive(consecutive5XxErrors=1))))
    with raw.Client(daemon.port) as client:
        assert ask(client).status == 200
        before = most_descriptors(daemon)
        others = [raw.Client(daemon.port) for _ in range(8)]
        wait_until(lambda: total(daemon.metrics(), "understudy_downstream_connections_active") == 9)
        take_away_descriptors(daemon)
        refused = ask(client)
        assert refused.status == 503, refused
        error = json.loads(refused.body)["error"]
        assert error["code"] == "overloaded" and "Too many open files" in error["message"], error
        assert refused.header("x-understudy-error-origin") == "proxy"
        assert refused.header("x-understudy-attempts") == "3"
        assert (primary.count, fallback.count) == (1, 0)
        if way_back == "prlimit":
            limit_descriptors(daemon, before)
        for other in others if way_back == "clients leave" else ():
            other.sock.close()
        wait_until(lambda: ask(client).status == 200, what="an answer afterwards")
        assert (primary.count, fallback.count) == (2, 0)
        limit_descriptors(daemon, before)
        for other in others:
            other.sock.close()
    line = daemon.access_line(refused.header("x-request-id"))
    assert (line["details"], line["flags"]) == ("local_shortage", "URX,UF")
    assert [a["outcome"] for a in line["attempts"]] == ["local_shortage"] * 3
    assert total(daemon.metrics(), "understudy_attempts_total", outcome="local_shortage") >= 3
    assert never_ejected(daemon)


def test_idle_upstream_connections_make_room(start, provider):
    """An attempt that finds no descriptor takes that of the connection which nobody has used for
    longest."""
    first, second, wanted = provider(name="a"), provider(name="b"), provider(name="c")
    backends = {"a": first, "b": second, "c": wanted}
    daemon = start(config.documents(
        *(config.route([name], name=name, model=name) for name in backends),
        *(one for name, at in backends.items() for one in config.backend(name, at.port))), workers=1)

    def body(model):
        return json.dumps({**json.loads(BODY), "model": model}).encode()
    with raw.Client(daemon.port) as client:
        assert [ask(client, body(name)).status for name in "ab"] == [200, 200]
        wait_until(lambda: total(daemon.metrics(), "understudy_upstream_connections_idle") == 2)
        before = most_descriptors(daemon)
        take_away_descriptors(daemon)
        answer = ask(client, body("c"))
        limit_descriptors(daemon, before)
        assert answer.status == 200 and answer.header("x-understudy-attempts") == "1", answer
        assert [ask(client, body(name)).status for name in "bca"] == [200] * 3
    assert [one.connections for one in backends.values()] == [2, 1, 1]
    assert never_ejected(daemon)


def test_checks_that_cannot_be_made_say_nothing(start, provider):
    chat = openai_dialect.chat()
    checked = provider(lambda exchange: chat(exchange) if exchange.request.target == CHAT
                       else exchange.reply(200))
    daemon = start(config.single(checked, config.traffic_policy(healthCheck={"active": {
        "type": "HTTP", "timeout": "1s", "interval": "100ms", "unhealthyThreshold": 1,
        "http": {"path": "/health"}}})))
    with raw.Client(daemon.port) as client:
        assert ask(client).status == 200  # a cluster without traffic is checked once a minute
        checked.wait_for_requests(checked.count + 3)
        before = most_descriptors(daemon)
        take_away_descriptors(daemon)
        time.sleep(0.5)
        seen = checked.count
        time.sleep(0.5)
        assert checked.count == seen, "checks are made: the limit is not in force"
        limit_descriptors(daemon, before)
        checked.wait_for_requests(seen + 3)
    assert total(daemon.metrics(), "understudy_check_changes_total", result="failed") == 0


def test_the_limit_of_clients_follows_the_limit_of_descriptors(start, provider):
    """A limit that is lowered while the process runs leaves descriptors for upstreams, too."""
    primary = provider()
    daemon = start(config.single(primary), workers=1)
    limit_descriptors(daemon, 200)
    time.sleep(0.6)  # it is read four times a second
    clients = [raw.Client(daemon.port, timeout=20) for _ in range(100)]
    try:
        time.sleep(0.3)
        assert 40 < total(daemon.metrics(), "understudy_downstream_connections_active") < 70
        for client in clients:
            client.send(raw.request("POST", CHAT, BODY, [*JSON, ("connection", "close")]))
        assert [client.response().status for client in clients] == [200] * len(clients)
    finally:
        for client in clients:
            client.sock.close()
    assert "connections have to wait" not in daemon.stderr()
    assert total(daemon.metrics(), "understudy_attempts_total", outcome="local_shortage") == 0
