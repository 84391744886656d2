"""Under systemd: sockets that are given, and what is told to NOTIFY_SOCKET."""
import os
import pathlib
import re
import shutil
import signal
import socket
import sys
import time

import pytest

from harness import config, raw
from harness.daemon import free_ports, wait_until
from harness.load import BODY, CHAT, JSON, is_listening
from providers import openai_dialect

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARENT = [{"name": "gw", "kind": "Gateway", "group": config.GROUP}]


def ask(port):
    return raw.ask(port, "POST", CHAT, BODY, JSON)


def two_listeners(provider, one, two):
    gateway = {"apiVersion": f"{config.GROUP}/v1", "kind": "Gateway", "metadata": {"name": "gw"},
               "spec": {"gatewayClassName": "understudy",
                        "listeners": [{"name": "one", "protocol": "HTTP", "port": one},
                                      {"name": "two", "protocol": "HTTP", "port": two}]}}
    return config.single(provider, gateway, parentRefs=PARENT)


# ---- sockets ------------------------------------------------------------------------------------

# What systemd does between fork and exec: the descriptors from 3 on, the process's own number.
AS_SYSTEMD = """
import fcntl, os, sys
high = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 100) for fd in sys.argv[1].split(',')]
for number, fd in enumerate(high):
    os.dup2(fd, 3 + number, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(high)), LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


@pytest.fixture
def activated(start):
    """activated(configuration, {name: socket}) → a daemon that was given these sockets."""
    def begin(text, sockets, **how):
        fds = [sock.fileno() for sock in sockets.values()]
        prefix = [sys.executable, "-c", AS_SYSTEMD, ",".join(map(str, fds)), ":".join(sockets)]
        return start(text, prefix=prefix, descriptors=fds, **how)
    return begin


@pytest.fixture
def bound():
    made = []

    def bind(port=0, address="127.0.0.1"):
        made.append(socket.create_server((address, port)))
        return made[-1]
    yield bind
    for one in made:
        one.close()


def test_sockets_are_found_by_name_and_by_address(activated, bound, provider):
    primary, by_name, by_address = provider(), bound(), bound(address="")
    admin = bound()
    daemon = activated(two_listeners(primary, free_ports(1)[0], by_address.getsockname()[1]),
                       {"one": by_name, "whatever": by_address, "admin": admin},
                       listen=False, wait=False)
    daemon.admin_port = admin.getsockname()[1]
    daemon.wait_ready()
    for _ in range(20):  # every worker gets its share of one socket
        assert ask(by_name.getsockname()[1]).status == 200
        assert ask(by_address.getsockname()[1]).status == 200
    wait_until(lambda: {e["listener"] for e in daemon.access_lines()} == {"one", "two"},
               what="both listeners in the log")
    assert "is of no use" not in daemon.stderr() and "fits no listener" not in daemon.stderr()


def test_a_socket_that_fits_nothing_is_told(activated, bound, provider):
    stray, datagram = bound(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    daemon = activated(config.single(provider()), {"stray": stray, "datagram": datagram})
    assert ask(daemon.port).status == 200
    assert "`stray`" in daemon.stderr() and "fits no listener" in daemon.stderr()
    assert "`datagram`" in daemon.stderr() and "is of no use" in daemon.stderr()
    datagram.close()


def test_a_given_socket_outlives_reloads_without_its_listener(activated, bound, provider):
    primary, given, (other,) = provider(), bound(address=""), free_ports(1)
    both = two_listeners(primary, given.getsockname()[1], other)
    daemon = activated(both, {"any": given}, listen=False, flags=["--no-watch"])
    alone = two_listeners(primary, free_ports(1)[0], other)
    for text in (alone, both, alone, both):
        daemon.config_paths[0].write_text(text)
        status, said = daemon.admin("/reload", "POST")
        assert status == 200, said
    wait_until(lambda: ask(given.getsockname()[1]).status == 200, what="the listener's return")


@pytest.mark.skipif(shutil.which("systemd-socket-activate") is None,
                    reason="systemd-socket-activate is not here")
def test_systemd_socket_activate(start, provider):
    (port,) = free_ports(1)
    daemon = start(config.single(provider()), wait=False, ports=(port, *free_ports(1)),
                   prefix=["systemd-socket-activate", "-l", f"127.0.0.1:{port}"])
    wait_until(lambda: is_listening(port), what="the socket")  # which starts the daemon
    assert ask(port).status == 200
    daemon.wait_ready()


# ---- notifications ------------------------------------------------------------------------------


class Manager:
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, address):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(address)
        self.sock.setblocking(False)
        self.heard = []

    def messages(self):
        while True:
            try:
                text = self.sock.recv(4096).decode()
            except BlockingIOError:
                return self.heard
            self.heard.append(dict(line.split("=", 1) for line in text.split("\n")))

    def wait_for(self, name, value="1", timeout=10.0):
        return wait_until(lambda: next((m for m in self.messages() if m.get(name) == value), None),
                          timeout, what=f"{name}={value}")


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    path = str(tmp_path / "notify")
    one = Manager(path if request.param == "path" else "\0" + path)
    one.name = path if request.param == "path" else "@" + path
    yield one
    one.sock.close()


def test_ready_reloading_and_stopping_are_told(start, provider, manager):
    gate = openai_dialect.Gated()
    primary = provider().once(gate)
    daemon = start(config.single(primary), env={"NOTIFY_SOCKET": manager.name},
                   flags=["--no-watch"])
    assert "serving" in manager.wait_for("READY")["STATUS"]
    assert len(manager.messages()) == 1
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert daemon.admin("/reload", "POST")[0] == 200
    wait_until(lambda: len(manager.messages()) == 3, what="the messages of the reload")
    reloading, ready = manager.heard[1:]
    assert reloading["RELOADING"] == "1"
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert before <= int(reloading["MONOTONIC_USEC"]) <= after
    assert ready["READY"] == "1" and "generation 2" in ready["STATUS"]
    daemon.config_paths[0].write_text("kind: Nonsense\n")
    assert daemon.admin("/reload", "POST")[0] >= 400
    wait_until(lambda: len(manager.messages()) == 5, what="the messages of the refused reload")
    assert manager.heard[4]["READY"] == "1" and "refused" in manager.heard[4]["STATUS"]
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT, BODY[:-1] + b',"stream":true}', JSON))
        gate.let(2)
        assert client.head().status == 200
        daemon.signal(signal.SIGTERM)
        assert "draining" in manager.wait_for("STOPPING")["STATUS"]
        gate.let_all()
    assert daemon.wait() == 0


def test_the_watchdog_is_fed_while_the_workers_answer(start, provider, tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    daemon = start(config.single(provider()), env={"NOTIFY_SOCKET": str(tmp_path / "notify"),
                                                   "WATCHDOG_USEC": "200000"})

    def pings():
        return sum("WATCHDOG" in m for m in manager.messages())
    wait_until(lambda: pings() >= 5, what="five signs of life")
    worker = stop_one_worker(daemon.process.pid)
    try:
        wait_until(lambda: no_more(pings), what="the silence of a stopped worker")
    finally:
        worker()
    wait_until(lambda: pings() >= 1, what="life")


def no_more(pings):
    before = pings()
    time.sleep(1.0)
    return pings() == before


def stop_one_worker(pid):
    """Holds one thread that is not the first by ptrace; returns what lets it go."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    ptrace_attach, ptrace_detach = 16, 17
    threads = sorted(int(t) for t in os.listdir(f"/proc/{pid}/task") if int(t) != pid)
    names = {t: pathlib.Path(f"/proc/{pid}/task/{t}/comm").read_text() for t in threads}
    assert threads, names
    held = [t for t in threads if libc.ptrace(ptrace_attach, t, None, None) == 0]
    if not held:
        pytest.skip("this system forbids ptrace")
    for t in held:
        os.waitpid(t, 0x40000000)  # __WALL

    def let_go():
        for t in held:
            libc.ptrace(ptrace_detach, t, None, None)
    return let_go


@pytest.mark.parametrize("meant", [True, False])
def test_a_watchdog_for_another_process_is_not_fed(start, provider, tmp_path, meant):
    manager = Manager(str(tmp_path / "notify"))
    prefix = ["sh", "-c", "export WATCHDOG_PID=$$; exec \"$0\" \"$@\""] if meant else []
    env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000"}
    start(config.single(provider()), prefix=prefix, env=env if meant else {**env, "WATCHDOG_PID": "1"})
    manager.wait_for("READY")
    if meant:
        manager.wait_for("WATCHDOG")
    else:
        time.sleep(0.5)
        assert not any("WATCHDOG" in m for m in manager.messages())


# ---- the units ----------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_the_units_are_well_formed(tmp_path):
    import subprocess
    for name in ("understudy.service", "understudy.socket"):
        text = (ROOT / "deploy" / name).read_text()
        (tmp_path / name).write_text(re.sub(r"/usr/bin/understudy", "/bin/true", text))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                           tmp_path / "understudy.service", tmp_path / "understudy.socket"],
                          capture_output=True, text=True, check=False, timeout=30)
    said = [line for line in done.stderr.splitlines() if "understudy" in line]
    assert done.returncode == 0 and not said, done.stderr
