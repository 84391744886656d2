"""Fifty requests at once meet the same fault, with one endpoint a priority: every one of them is served or
told, and the provider that fails is not hammered."""
import collections
import threading

import pytest

from faults.callers import ask_raw
from faults.catalogue import FAULTS
from faults.stage import Cell, Stage

COUNT = 50
WANTED = ("head-503", "head-429", "head-close", "head-reset", "head-silence", "connect-refused",
          "early-role_then_silence", "early-role_then_ends_politely", "early-bare_then_an_error_event",
          "early-a_page_instead_of_a_stream", "inside-content_then_cut",
          "inside-content_then_ends_politely", "inside-content_then_silence", "end-byte_by_byte")
CELLS = [Cell(fault, name, "stream") for fault in FAULTS if fault.id in WANTED
         for name in ("chat", "converse", "messages") if name in fault.dialects]


@pytest.fixture(scope="module")
def stage(request, tmp_path_factory):
    cells = [item.callspec.params["cell"] for item in request.session.items
             if item.path == request.path and "cell" in item.callspec.params]
    made = Stage(tmp_path_factory.mktemp("crowd"), cells)
    yield made
    made.stop()


@pytest.mark.parametrize("cell", CELLS, ids=[cell.id for cell in CELLS])
def test_fifty_at_once(stage, cell):
    code = stage.codes[cell.id]
    body = cell.dialect.ask(code, True)
    got = []

    def one(number):
        got.append(ask_raw(stage.daemon.port, cell, body, f"{code}-crowd-{number}"))
    threads = [threading.Thread(target=one, args=(number,)) for number in range(COUNT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whats = collections.Counter(one.what for one in got)
    assert sum(whats[word] for word in cell.allowed) == COUNT, whats
