"""SIGUSR2: the program on disk takes over from the one that runs, and no client notices."""
import json
import re
import signal
import time

import pytest

from harness import config, raw
from harness.daemon import free_ports, wait_until
from harness.generations import Generations, adopt_orphans
from harness.load import BODY, CHAT, JSON, STREAM, Load, is_listening
from providers import openai_dialect


@pytest.fixture
def generations():
    adopt_orphans()
    made = []

    def make(daemon):
        made.append(Generations(daemon))
        return made[-1]
    yield make
    for one in made:
        one.stop()
    adopt_orphans(False)


def ask(daemon):
    return raw.ask(daemon.port, "POST", CHAT, BODY, JSON)


def test_twenty_upgrades_under_load(start, provider, generations):
    daemon = start(config.single(provider()))
    all_of_them = generations(daemon)
    with Load(daemon.port) as load:
        for _ in range(20):
            all_of_them.upgrade()
            assert daemon.admin("/ready")[0] == 200  # the admin listener goes along
    load.judge()
    for pid in all_of_them.pids[:-1]:
        assert all_of_them.exit_code(pid, 30) == 0
    assert ask(daemon).status == 200


def test_a_stream_is_finished_by_the_process_that_began_it(start, provider, generations):
    gate = openai_dialect.Gated()
    daemon = start(config.single(provider().once(gate)), flags=["--drain-timeout", "100ms"])
    processes = generations(daemon)
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        gate.let(2)
        assert client.head().status == 200
        got = client.chunk()
        processes.upgrade()
        assert ask(daemon).status == 200
        time.sleep(0.3)  # longer than the drain timeout, which is for the end of the service
        assert daemon.process.poll() is None
        gate.let_all()
        while piece := client.chunk():
            got += piece
    assert got == b"".join(gate.pieces)
    assert processes.exit_code(daemon.process.pid) == 0


def test_an_idle_connection_may_ask_once_more(start, provider, generations):
    daemon = start(config.single(provider()))
    processes = generations(daemon)
    with raw.Client(daemon.port) as client:
        for is_last in (False, True):
            client.send(raw.request("POST", CHAT, BODY, JSON))
            answer = client.response()
            assert answer.status == 200
            assert (answer.header("connection", "") == "close") == is_last
            if not is_last:
                processes.upgrade()
        assert client.is_closed_by_peer()
    assert processes.exit_code(daemon.process.pid) == 0


def test_a_process_that_handed_over_still_drains_by_signal(start, provider, generations):
    gate = openai_dialect.Gated()
    daemon = start(config.single(provider().once(gate)), flags=["--drain-timeout", "200ms"])
    processes = generations(daemon)
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, STREAM, JSON))
        gate.let(2)
        assert client.head().status == 200
        processes.upgrade()
        daemon.process.send_signal(signal.SIGTERM)
        assert processes.exit_code(daemon.process.pid) == 1
    gate.let_all()
    assert ask(daemon).status == 200


def test_a_new_process_that_cannot_start_changes_nothing(start, provider, generations):
    daemon = start(config.single(provider()), flags=["--no-watch"])
    generations(daemon)
    good = daemon.config_paths[0].read_text()
    daemon.config_paths[0].write_text("kind: Nonsense\n")
    daemon.signal(signal.SIGUSR2)
    wait_until(lambda: "no upgrade, this process goes on" in daemon.stderr(), what="the refusal")
    assert ask(daemon).status == 200 and daemon.process.poll() is None
    daemon.config_paths[0].write_text(good)
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: json.loads(daemon.admin("/config")[1])["generation"] == 2, what="a reload")


def test_the_new_process_reads_the_new_configuration(start, provider, generations):
    first, second, (more,) = provider(name="first"), provider(name="second"), free_ports(1)
    daemon = start(config.single(first), flags=["--no-watch"], workers=2)
    assert ask(daemon).status == 200
    gateway = {"apiVersion": f"{config.GROUP}/v1", "kind": "Gateway", "metadata": {"name": "gw"},
               "spec": {"gatewayClassName": "understudy", "listeners": [
                   {"name": "one", "protocol": "HTTP", "port": 1975},
                   {"name": "two", "protocol": "HTTP", "port": more}]}}
    daemon.config_paths[0].write_text(config.single(second, gateway, parentRefs=[
        {"name": "gw", "kind": "Gateway", "group": config.GROUP}]))
    processes = generations(daemon)
    processes.upgrade()
    assert ask(daemon).status == 200
    assert first.count == 1 and second.count == 1
    assert raw.ask(more, "POST", CHAT, BODY, JSON).status == 200
    processes.upgrade()
    assert raw.ask(more, "POST", CHAT, BODY, JSON).status == 200
    processes.signal(signal.SIGTERM)
    assert processes.exit_code(processes.pids[-1]) == 0
    assert not is_listening(more) and not is_listening(daemon.port)


def test_listeners_on_any_free_port_keep_theirs(start, provider, generations):
    daemon = start(config.single(provider()), ports=(0, 0), wait=False)

    def told(what, since=0):
        return re.findall(what + r"127\.0\.0\.1:(\d+)", daemon.stderr())[since:]
    wait_until(lambda: told("admin on http://"), what="the ports")
    daemon.port, daemon.admin_port = int(told("listening on ")[0]), int(told("admin on http://")[0])
    generations(daemon).upgrade()
    assert ask(daemon).status == 200
    assert daemon.admin("/ready")[0] == 200
    assert len(set(told("listening on "))) == len(set(told("admin on http://"))) == 1
