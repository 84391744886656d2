"""Faults of our own in every phase of an attempt, in every schema: what is left with the client."""
import pytest

from faults.catalogue import FAULTS
from faults.play import play
from faults.stage import Cell, Stage

CELLS = [Cell(fault, name, kind) for fault in FAULTS for name in fault.dialects for kind in fault.kinds]
SOME = ("head-503", "head-reset", "early-role_then_silence", "early-bare_then_an_error_event",
        "early-a_page_instead_of_a_stream", "inside-content_then_ends_politely")
CELLS += [Cell(fault, name, "stream", layout) for fault in FAULTS if fault.id in SOME
          for name in ("chat", "converse")
          for layout in ("one priority", "three", "endpoints", "alone")]


@pytest.fixture(scope="module")
def playing(request, tmp_path_factory):
    """Every selected cell, begun at once, many beside each other."""
    cells = [item.callspec.params["cell"] for item in request.session.items
             if item.path == request.path and "cell" in item.callspec.params]
    stage = Stage(tmp_path_factory.mktemp("faults"), cells)
    yield {cell.id: stage.pool.submit(play, stage, cell) for cell in cells}
    stage.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("cell", CELLS, ids=[cell.id for cell in CELLS])
def test_what_the_client_is_left_with(playing, cell):
    wrong = playing[cell.id].result()
    assert not wrong, "\n".join(wrong)
