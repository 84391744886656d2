import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import pending  # noqa: E402
from referee import table  # noqa: E402
from referee.forms import FORMS  # noqa: E402
from referee.run import Row  # noqa: E402

ROWS = pytest.StashKey[dict]()


def pytest_configure(config):
    config.addinivalue_line("markers", "referee: waits for the referee's minute, so it runs last")


def pytest_collection_modifyitems(session, config, items):
    """The referee's faults begin first and are asked for last: they wait beside everything else."""
    for item in items:
        reason = pending.reason(item)
        if reason:
            item.add_marker(pytest.mark.xfail(strict=True, reason=reason, run="slow" not in reason))
    items.sort(key=lambda item: item.get_closest_marker("referee") is not None)


@pytest.fixture(scope="session", autouse=True)
def _all_rows(request, tmp_path_factory):
    """The rows that some selected test wants, all of them started with this folder's first test."""
    config = request.config
    wanted = {item.callspec.params["form"] for item in request.session.items
              if item.get_closest_marker("referee")}
    folder = tmp_path_factory.mktemp("referee")
    config.stash[ROWS] = {form: Row(form, folder / form) for form in FORMS if form in wanted}
    yield config.stash[ROWS]
    for row in config.stash[ROWS].values():
        row.stop()
    if os.environ.get("UNDERSTUDY_UPDATE_DOCS") and len(wanted) == len(FORMS):
        table.update(_verdicts(config))


@pytest.fixture(scope="session")
def rows(_all_rows):
    return _all_rows.__getitem__


def _verdicts(config):
    return {form: {key: future.result() for key, future in row.verdicts.items()
                   if future.done() and not future.exception()}
            for form, row in config.stash.get(ROWS, {}).items()}


def pytest_terminal_summary(terminalreporter, config):
    verdicts = _verdicts(config)
    if any(verdicts.values()):
        terminalreporter.write_sep("=", "the referee's sixteen faults")
        terminalreporter.write_line(table.text(verdicts))
