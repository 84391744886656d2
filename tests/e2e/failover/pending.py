"""Tests of behaviour that the daemon does not have yet: they fail, and are said to. One that passes is an
error until it is taken off the list; those that would hang are not even run. UNDERSTUDY_PENDING=ignore
runs them all as if there were no list."""
import os
from pathlib import Path

LIST = {}
if os.environ.get("UNDERSTUDY_PENDING") != "ignore":
    for line in (Path(__file__).parent / "pending.txt").read_text().splitlines():
        name, _, why = line.partition("  # ")
        LIST[name] = why


def reason(item):
    return LIST.get(item.name)
