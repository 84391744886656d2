"""Names and their TTL: the daemon under a name server of the test's own (a mount namespace, root)."""
import json

import pytest

from harness import config, raw
from harness.daemon import wait_until
from harness.names import NameServer, asking, may_mount

SERVER = "127.7.7.7"  # loopback is large
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()

pytestmark = pytest.mark.skipif(not may_mount(), reason="needs root and mount namespaces")


@pytest.fixture
def names():
    server = NameServer(SERVER)
    yield server
    server.stop()


@pytest.fixture
def under_names(tmp_path):
    """The daemon sees a resolv.conf of ours."""
    return asking(SERVER, tmp_path)


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
    daemon = start(configuration(provider(), dnsRefreshRate="300s"), prefix=under_names)
    assert endpoints(daemon) == {"127.0.0.1", "127.0.0.2"}
    assert raw.ask(daemon.port, "POST", "/v1/chat/completions", BODY,
                   [("content-type", "application/json")]).status == 200
    names.addresses = ["127.0.0.3"]
    wait_until(lambda: endpoints(daemon) == {"127.0.0.3"}, 10, what="the next look-up")


def test_without_respect_for_ttl_the_rate_decides(start, provider, names, under_names):
    daemon = start(configuration(provider(), dnsRefreshRate="300s", respectDnsTtl=False),
                   prefix=under_names)
    with_ttl = start(configuration(provider(), dnsRefreshRate="300s"), prefix=under_names)
    names.addresses = ["127.0.0.2"]
    wait_until(lambda: endpoints(with_ttl) == {"127.0.0.2"}, 10, what="the other daemon's look-up")
    assert endpoints(daemon) == {"127.0.0.1"}
