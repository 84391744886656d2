import os
import pathlib
import sys

import openai
import pytest

os.environ["NO_PROXY"] = "127.0.0.1"  # no proxy of the machine between the SDK and the daemon
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import daemon as daemon_module, secrets  # noqa: E402
from harness.tls import Authority  # noqa: E402
from providers import openai_dialect, server  # noqa: E402

DAEMONS = pytest.StashKey[list]()


def pytest_sessionstart(session):
    if not daemon_module.BINARY.is_file():
        pytest.exit(f"no binary at {daemon_module.BINARY}: build first, or set UNDERSTUDY_BINARY", 1)


def pytest_sessionfinish(session):
    """No daemon of the suite has said what it was told in confidence. Those of the `start` fixture
    have failed their own tests by now; this is for all others."""
    if secrets.LEAKS:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    seen = secrets.SCANNED
    terminalreporter.write_line(
        f"secrets: {seen['secrets']} given to {seen['daemons']} daemons, "
        f"{seen['bytes'] / 1e6:.1f} MB of what they said looked through, {len(secrets.LEAKS)} found")
    for leak in secrets.LEAKS:
        terminalreporter.write_line(f"SECRET LEAKED: {leak}", red=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for number, daemon in enumerate(item.stash.get(DAEMONS, [])):
            report.sections.append((f"daemon {number}", daemon.logs()))
    return report


@pytest.fixture
def start(request, tmp_path):
    """start("text of a configuration" | path, flags=…, env=…) → a ready Daemon, drained later."""
    request.node.stash[DAEMONS] = daemons = []

    def start(*configurations, **how):
        folder = tmp_path / f"daemon-{len(daemons)}"
        folder.mkdir()
        paths = []
        for number, configuration in enumerate(configurations):
            if isinstance(configuration, pathlib.Path):
                paths.append(configuration)
                continue
            paths.append(folder / f"config-{number}.yaml")
            paths[-1].write_text(configuration)
        is_waited_for = how.pop("wait", True)
        started = daemon_module.Daemon(folder, *paths, wait=False, **how)
        started.config_paths = paths
        daemons.append(started)
        if is_waited_for:
            started.wait_ready()
        return started

    yield start
    codes = [daemon.stop() for daemon in daemons]
    for daemon in daemons:
        for word in ("AddressSanitizer", "runtime error:", "ThreadSanitizer"):
            assert word not in daemon.stderr(), daemon.logs()
        assert not daemon.leaks, daemon.leaks
    assert all(code in (0, 1) for code in codes), f"the daemons ended with {codes}"


@pytest.fixture
def provider():
    """provider(script, name=…, tls=…) → a running Provider. A script that raised fails the test."""
    made = []

    def make(script=None, name="provider", **how):
        made.append(server.Provider(script or openai_dialect.chat(), name, **how))
        return made[-1]

    yield make
    for one in made:
        one.stop()
    for one in made:
        assert not one.errors, f"{one.name}: {one.errors}"


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def sdk():
    """sdk(daemon) → the official client, with its own retries off."""
    clients = []

    def make(daemon, **how):
        how = {"api_key": "client-key", "max_retries": 0, "timeout": 20.0, **how}
        clients.append(openai.OpenAI(base_url=daemon.base_url, **how))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
