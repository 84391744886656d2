"""Every operation of the official SDKs against every provider schema, through the real daemon: it works
as asked and the provider's strict simulator has nothing to say, or the daemon refuses and says why."""
import re

import operations
import stage as stage_module
import table


def test_cell(operation, schema, run, stage, seen):
    expected = table.read().get((operation, schema), "nothing: run with UNDERSTUDY_UPDATE_MATRIX=1")
    stage.complaints()
    try:
        run(operation, schema)
        got = table.WORKS
    except stage_module.Refusal as refusal:
        got = str(refusal)
    complaints = stage.complaints()
    assert not complaints
    seen[operation, schema] = plain(got, schema)
    if not table.is_updating():
        assert seen[operation, schema] == expected


def plain(reason, schema):
    """Without what is this stage's own: the backend's name, and what the cell itself says."""
    reason = re.sub(rf"backend {schema.lower()} \(schema {schema}\) cannot serve \w+",
                    "the schema cannot serve the operation", reason)
    return reason.replace(f"backend {schema.lower()}", "the backend")


def test_the_page_shows_the_table():
    cells = table.read()
    text = table.markdown(cells, operations.NAMES, list(stage_module.SCHEMAS))
    assert table.page_block(table.PAGE.read_text()) == text.strip()
