import pytest

from harness import config
from harness.daemon import Daemon
from protocol.strict_upstream import StrictUpstream

GATEWAY_REF = {"name": "gw", "kind": "Gateway", "group": config.GROUP}


def gateway(**limits):
    """A Gateway and, with limits, its ClientTrafficPolicy."""
    objects = [{"apiVersion": f"{config.GROUP}/v1", "kind": "Gateway", "metadata": {"name": "gw"},
                "spec": {"gatewayClassName": "understudy",
                         "listeners": [{"name": "http", "protocol": "HTTP", "port": 8080}]}}]
    if limits:
        objects.append({"apiVersion": "gateway.envoyproxy.io/v1alpha1",
                        "kind": "ClientTrafficPolicy", "metadata": {"name": "limits"},
                        "spec": {"targetRefs": [{"group": config.GROUP, "kind": "Gateway",
                                                 "name": "gw"}], **limits}})
    return objects


def plain_route(*backends, prefix="/plain"):
    """An HTTPRoute: nothing in it is an operation, so fields and bodies pass as they are."""
    refs = [{"name": name, "kind": "Backend", "group": "gateway.envoyproxy.io"}
            for name in backends]
    return {"apiVersion": f"{config.GROUP}/v1", "kind": "HTTPRoute", "metadata": {"name": "plain"},
            "spec": {"parentRefs": [GATEWAY_REF],
                     "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": prefix}}],
                                "backendRefs": refs}]}}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """running("configuration", **how) → a Daemon for all tests of the file."""
    daemons = []

    def run(configuration, **how):
        folder = tmp_path_factory.mktemp("daemon")
        path = folder / "config.yaml"
        path.write_text(configuration)
        daemons.append(Daemon(folder, path, **{"workers": 1, **how}))
        return daemons[-1]

    yield run
    codes = [daemon.stop() for daemon in daemons]
    for daemon in daemons:
        for word in ("AddressSanitizer", "runtime error:", "ThreadSanitizer", "exception"):
            assert word not in daemon.stderr(), daemon.logs()
    assert all(code == 0 for code in codes), f"the daemons ended with {codes}"


@pytest.fixture(scope="module")
def strict():
    """strict(script=None) → a StrictUpstream; a violation that it noticed fails the file's tests."""
    made = []

    def make(script=None):
        made.append(StrictUpstream(script))
        return made[-1]

    yield make
    for one in made:
        one.stop()
    for one in made:
        assert not one.violations and not one.errors, (one.violations, one.errors)
