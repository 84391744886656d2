"""The table of verdicts, for a terminal and for docs/failover.md."""
import re

from harness.daemon import ROOT

from .catalogue import SCENARIOS
from .forms import FORMS, RANK

PAGE = ROOT / "docs/failover.md"
BEGIN, END = "<!-- the table: begin -->\n", "<!-- the table: end -->"


def lines(words):
    """Rows of cells: `words` is {form: {scenario: word}}."""
    yield ["fault", *FORMS]
    for scenario in SCENARIOS:
        yield [f"{scenario.id} {scenario.title}", *(words.get(f, {}).get(scenario.id, "–") for f in FORMS)]
    yield ["pass/partial/safe/fail", *(count(words.get(f, {})) for f in FORMS)]


def count(cells):
    return "/".join(str(sum(word == rank for word in cells.values())) for rank in reversed(RANK))


def text(verdicts):
    """With what the provider saw, and the seconds."""
    shown = {form: {key: f"{v.word} {len(v.facts.primary)}p/{len(v.facts.fallback)}f {v.facts.seconds:.1f}s"
                    for key, v in cells.items()} for form, cells in verdicts.items()}
    table = list(lines(shown))
    table[-1] = list(lines({f: {k: v.word for k, v in c.items()} for f, c in verdicts.items()}))[-1]
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in table)


def markdown(words):
    head, *rest = lines(words)
    cells = [head, ["---"] * len(head), *rest[:-1], [f"**{cell}**" for cell in rest[-1]]]
    return "".join("| " + " | ".join(row) + " |\n" for row in cells)


def published():
    found = re.search(re.escape(BEGIN) + "(.*?)" + re.escape(END), PAGE.read_text(), re.S)
    return found[1] if found else ""


def verdicts_in(table):
    rows = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in table.splitlines()]
    forms = rows[0][1:]
    ids = {s.id for s in SCENARIOS}
    return {form: {row[0].split()[0]: row[at] for row in rows if row[0].split()[0] in ids}
            for at, form in enumerate(forms, 1)}


def update(verdicts):
    words = {form: {key: v.word for key, v in cells.items()} for form, cells in verdicts.items()}
    page = PAGE.read_text()
    PAGE.write_text(page.replace(BEGIN + published() + END, BEGIN + markdown(words) + END))
