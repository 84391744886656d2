"""The expectation of every cell, in one text file, and the page that shows it."""
import os
import pathlib
import re

from harness.daemon import ROOT

FILE = pathlib.Path(__file__).parent / "expectations.txt"
PAGE = ROOT / "docs/providers.md"
BEGIN, END = "<!-- matrix: begin -->", "<!-- matrix: end -->"
WORKS = "works"


def read():
    """{(operation, schema): "works" or the daemon's own words for why not}."""
    if not FILE.exists():
        return {}
    lines = [line for line in FILE.read_text().splitlines() if line and not line.startswith("#")]
    reasons, rows, schemas = {}, {}, []
    for line in lines:
        if found := re.fullmatch(r"([a-z0-9]+): (.+)", line):
            reasons[found[1]] = found[2]
        elif not schemas:
            schemas = line.split()
        else:
            name, *words = line.split()
            assert len(words) == len(schemas), f"{FILE.name}: {line}"
            rows |= {(name, schema): word for schema, word in zip(schemas, words)}
    return {cell: word if word == WORKS else reasons[word] for cell, word in rows.items()}


def letters(cells):
    """Of every reason its letter, in the order in which they come."""
    reasons = dict.fromkeys(reason for reason in cells.values() if reason != WORKS)
    return {reason: chr(ord("a") + i) if i < 26 else f"z{i - 25}" for i, reason in enumerate(reasons)}


def write(cells, operations, schemas):
    """`cells` as the file that read() reads."""
    names = letters(cells)
    wide = max(map(len, operations)) + 2
    rows = [" " * wide + " ".join(f"{s:12}" for s in schemas).rstrip()]
    rows += [f"{o:{wide}}" + " ".join(f"{names.get(cells[o, s], WORKS):12}" for s in schemas).rstrip()
             for o in operations]
    FILE.write_text(
        "# One row an operation, one column a schema: works, or the letter of the daemon's refusal.\n"
        "# UNDERSTUDY_UPDATE_MATRIX=1 ./dev test providers rewrites it; then read the difference.\n"
        + "\n".join(rows) + "\n\n" + "".join(f"{letter}: {r}\n" for r, letter in names.items()))


def markdown(cells, operations, schemas):
    names = letters(cells)
    rows = ["| operation | " + " | ".join(schemas) + " |", "|---" * (len(schemas) + 1) + "|"]
    rows += [f"| `{o}` | " + " | ".join("✓" if cells[o, s] == WORKS else names[cells[o, s]]
                                        for s in schemas) + " |" for o in operations]
    return "\n".join(rows) + "\n\n" + "".join(f"- {letter}: {r}\n" for r, letter in names.items())


def page_block(text):
    return text.partition(BEGIN)[2].partition(END)[0].strip()


def update_page(cells, operations, schemas):
    text = PAGE.read_text()
    head, _, rest = text.partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{markdown(cells, operations, schemas)}{END}"
                    f"{rest.partition(END)[2]}")


def is_updating():
    return bool(os.environ.get("UNDERSTUDY_UPDATE_MATRIX"))
