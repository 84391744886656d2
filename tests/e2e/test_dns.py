"""Names and their TTL: the daemon under a name server of the test's own (a mount namespace, root)."""
import json
import os
import socket
import struct
import subprocess
import threading

import pytest

from harness import config, daemon as daemon_module, raw
from harness.daemon import wait_until

SERVER = "127.7.7.7"  # loopback is large
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()


def may_mount():
    return os.geteuid() == 0 and subprocess.run(
        ["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not may_mount(), reason="needs root and mount namespaces")


class NameServer:
    """Answers every A question with `addresses`; counts the questions."""

    def __init__(self):
        self.addresses, self.ttl, self.questions = ["127.0.0.1"], 1, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((SERVER, 53))
        self.socket.settimeout(0.1)
        self.is_over = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.is_over:
            try:
                query, peer = self.socket.recvfrom(512)
            except TimeoutError:
                continue
            self.socket.sendto(self.answer(query), peer)

    def answer(self, query):
        end = query.index(b"\0", 12) + 5
        kind = struct.unpack(">H", query[end - 4:end - 2])[0]
        records = b""
        found = self.addresses if kind == 1 else []
        self.questions += kind == 1
        for address in found:
            records += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, self.ttl, 4) + socket.inet_aton(address)
        return query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(found), 0, 0) + query[12:end] + records

    def stop(self):
        self.is_over = True
        self.thread.join()
        self.socket.close()


@pytest.fixture
def names():
    server = NameServer()
    yield server
    server.stop()


@pytest.fixture
def under_names(tmp_path, monkeypatch):
    """The daemon sees a resolv.conf of ours and no hosts file of the machine's."""
    (tmp_path / "resolv.conf").write_text(f"nameserver {SERVER}\n")
    script = tmp_path / "understudy"
    script.write_text("#!/bin/sh\nexec unshare --mount sh -c '"
                      f"mount --bind {tmp_path}/resolv.conf /etc/resolv.conf && "
                      f"exec {daemon_module.BINARY} \"$@\"' sh \"$@\"\n")
    script.chmod(0o755)
    monkeypatch.setattr(daemon_module, "BINARY", script)


def configuration(provider, **dns):
    objects = config.backend("only", provider.port)
    objects[1]["spec"]["endpoints"] = [{"fqdn": {"hostname": "llm.example", "port": provider.port}}]
    return config.documents(config.route(["only"]), *objects, config.traffic_policy(dns=dns))


def endpoints(daemon):
    found = json.loads(daemon.admin("/status")[1])
    text = json.dumps(found)
    return {a for a in ("127.0.0.1", "127.0.0.2", "127.0.0.3") if a + ":" in text}


def test_c15_all_addresses_are_endpoints_and_the_ttl_decides_when_to_ask(
        start, provider, names, under_names):
    names.addresses = ["127.0.0.1", "127.0.0.2"]
    daemon = start(configuration(provider(), dnsRefreshRate="300s"))
    assert endpoints(daemon) == {"127.0.0.1", "127.0.0.2"}
    assert raw.ask(daemon.port, "POST", "/v1/chat/completions", BODY,
                   [("content-type", "application/json")]).status == 200
    names.addresses = ["127.0.0.3"]
    wait_until(lambda: endpoints(daemon) == {"127.0.0.3"}, 10, what="the next look-up")


def test_without_respect_for_ttl_the_rate_decides(start, provider, names, under_names):
    daemon = start(configuration(provider(), dnsRefreshRate="300s", respectDnsTtl=False))
    with_ttl = start(configuration(provider(), dnsRefreshRate="300s"))
    names.addresses = ["127.0.0.2"]
    wait_until(lambda: endpoints(with_ttl) == {"127.0.0.2"}, 10, what="the other daemon's look-up")
    assert endpoints(daemon) == {"127.0.0.1"}
