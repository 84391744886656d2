"""Tests of behaviour that the daemon does not have yet: they fail, and are said to. One that passes is an
error until it is taken off this list."""
import fnmatch

LIST = {
    "verdict?default-S01?": "Retry-After is not kept yet",
    "verdict?default-S07?": "no first-token timeout yet",
    "verdict?default-S12?": "no context-window fallback yet",
    "verdict?opt-ins-S01?": "Retry-After is not kept yet",
    "verdict?opt-ins-S07?": "no first-token timeout yet",
    "verdict?opt-ins-S08?": "no onBreak yet",
    "verdict?opt-ins-S09?": "no onBreak yet",
    "verdict?opt-ins-S12?": "no context-window fallback yet",
    "verdict?opt-ins-S14?": "no onBreak yet",
}


def reason(node_id):
    """Why this test may fail, or nothing. Patterns match the end of the test's id."""
    return next((why for pattern, why in LIST.items() if fnmatch.fnmatchcase(node_id, "*" + pattern)), None)
