import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import javascript  # noqa: E402
import stage as stage_module  # noqa: E402
import table  # noqa: E402
from operations import NAMES, PYTHON  # noqa: E402

SEEN = pytest.StashKey[dict]()


def pytest_generate_tests(metafunc):
    if {"operation", "schema"} <= set(metafunc.fixturenames):
        metafunc.parametrize("operation,schema", [(o, s) for o in NAMES for s in stage_module.SCHEMAS])


def pytest_configure(config):
    config.stash[SEEN] = {}


@pytest.fixture(scope="session")
def stage(tmp_path_factory):
    made = stage_module.Stage(tmp_path_factory.mktemp("matrix"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def clients(stage):
    made = {name: stage_module.Client(stage, name) for name in stage_module.SCHEMAS}
    yield made
    for client in made.values():
        client.close()


@pytest.fixture(scope="session")
def node(stage):
    made = javascript.Node(f"http://127.0.0.1:{stage.daemon.port}")
    yield made
    made.stop()


@pytest.fixture
def run(request, clients):
    """run(operation, schema): raises Refusal where the daemon says 422, anything else it fails of."""

    def run(operation, schema):
        client = clients[schema]
        if operation in PYTHON:
            stage_module.said(PYTHON[operation], client)
        else:
            request.getfixturevalue("node").run(operation, client)
    return run


@pytest.fixture
def seen(request):
    return request.config.stash[SEEN]


def pytest_sessionfinish(session):
    cells = session.config.stash[SEEN]
    schemas = list(stage_module.SCHEMAS)
    if table.is_updating() and len(cells) == len(NAMES) * len(schemas):
        table.write(cells, NAMES, schemas)
        table.update_page(cells, NAMES, schemas)


def pytest_terminal_summary(terminalreporter, config):
    cells = config.stash[SEEN]
    schemas = list(stage_module.SCHEMAS)
    if not cells:
        return
    names = table.letters(cells)
    terminalreporter.write_sep("=", "operations of the SDKs by provider schema")
    terminalreporter.write_line(" " * 32 + " ".join(f"{s:12}" for s in schemas))
    for operation in NAMES:
        if not any((operation, s) in cells for s in schemas):
            continue
        words = [names.get(cells.get((operation, s), ""), cells.get((operation, s), "FAILED"))
                 for s in schemas]
        terminalreporter.write_line(f"{operation:32}" + " ".join(f"{w:12}" for w in words))
    for reason, letter in names.items():
        terminalreporter.write_line(f"{letter}: {reason}")
