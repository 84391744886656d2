"""At the limit of open files: connections wait, nothing turns in circles, and it passes."""
import os
import pathlib
import resource
import time

import pytest

from harness import config, raw
from harness.daemon import wait_until
from harness.load import BODY, CHAT, JSON

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def is_answered(port):
    with raw.Client(port, timeout=2) as client:
        client.send(raw.request("POST", CHAT, BODY, JSON))
        return client.response().status == 200


@pytest.mark.parametrize("is_reserved", [True, False])
def test_connections_beyond_the_limit_wait(start, provider, is_reserved):
    """With descriptors in reserve for upstreams; and where even those are gone."""
    primary = provider()
    limited = ["sh", "-c", 'ulimit -n 130; exec "$0" "$@"'] if is_reserved else []
    daemon = start(config.single(primary), prefix=limited)
    assert is_answered(daemon.port)
    if not is_reserved:  # the process does not know of it
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
    assert '"ejected":true' not in daemon.admin("/status")[1].replace(" ", "")
