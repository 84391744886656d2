"""Which metrics and labels a PromQL query names: enough of the language for a dashboard."""
import re

WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool",
         "offset", "inf", "nan"}
NAME = re.compile(r"[a-zA-Z_:][\w:]*")
SELECTOR = re.compile(r'([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")


def metrics_and_labels(query):
    """[(metric, labels)] of a query. Labels of a grouping belong to every metric of it."""
    query = query.replace("$__rate_interval", "1m").replace("$__interval", "1m")
    grouped = {label.strip() for found in GROUPING.findall(query) for label in found.split(",")}
    rest = GROUPING.sub(" ", query)
    found = []
    at = 0
    while match := NAME.search(rest, at):
        at = match.end()
        name = match[0]
        after = rest[at:].lstrip()
        if rest[match.start() - 1:match.start()] in ("[", ".") or match.start() and rest[match.start() - 1].isdigit():
            continue
        if after.startswith("(") or name.lower() in WORDS:
            continue
        labels = set()
        if after.startswith("{"):
            end = rest.index("}", at)
            inside = rest[rest.index("{", at) + 1:end]
            pairs = SELECTOR.findall(inside)
            left = SELECTOR.sub("", inside).replace(",", "").strip()
            assert not left, f"no selector: {left!r} in {query!r}"
            labels = {label for label, _ in pairs}
            at = end + 1
        rest_range = rest[at:].lstrip()
        if rest_range.startswith("["):
            at = rest.index("]", at) + 1
        found.append((name, labels | {l for l in grouped if l}))
    return found
