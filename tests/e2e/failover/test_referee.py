"""The public referee's sixteen faults in three configurations; docs/failover.md keeps the table."""
import pytest

from referee.catalogue import SCENARIOS
from referee.forms import FORMS, OWED, RANK
from referee.table import published, verdicts_in

CELLS = [(form, scenario) for form in FORMS for scenario in SCENARIOS]


@pytest.mark.timeout(240)
@pytest.mark.referee
@pytest.mark.parametrize("form, scenario", CELLS, ids=[f"{f}-{s.id}" for f, s in CELLS])
def test_the_referees_verdict(rows, form, scenario):
    verdict = rows(form).verdicts[scenario.id].result()
    print(verdict)
    assert RANK.index(verdict.word) >= RANK.index(OWED[form][scenario.id]), verdict


@pytest.mark.timeout(240)
@pytest.mark.referee
@pytest.mark.parametrize("form", FORMS)
def test_the_documentation_has_these_verdicts(rows, form):
    measured = {key: future.result().word for key, future in rows(form).verdicts.items()}
    assert verdicts_in(published())[form] == measured, "rewrite it with UNDERSTUDY_UPDATE_DOCS=1"
