"""A cell, played in every way it can be met: on a fresh connection to the provider, on one that has served
before, and by the official SDK."""
from referee.client import Deadline

from .breaks import PATIENCE
from .callers import ask_raw, ask_sdk
from .dialects import WARM_UP
from .stage import LIMIT

assert PATIENCE > LIMIT, "a provider must be more patient than the client, or it ends the silence itself"


def body_of(stage, cell, messages=None):
    code = stage.codes[cell.id]
    size = cell.fault.body_size
    if messages is None and size:
        messages = [{"role": "user", "content": "x" * size}]
    return cell.dialect.ask(code, cell.is_stream, messages)


def play(stage, cell):
    """What is wrong with this cell, as a list of sentences."""
    code, port = stage.codes[cell.id], stage.daemon.port
    wrong = []

    def check(mode, got, allowed):
        if got.what not in allowed:
            wrong.append(f"{mode}: {got.what} after {got.seconds:.2f} s, allowed: {', '.join(allowed)}")
        if got.what == "told" and cell.is_stream and stage.attempts(f"{code}-{mode}", "b"):
            wrong.append(f"{mode}: the fallback was asked for an answer that had begun")

    allowed = sorted(cell.allowed)
    body = body_of(stage, cell)
    for again in range(6 if cell.is_shared else 1):
        got = ask_raw(port, cell, body, f"{code}-fresh{again or ''}")
        check(f"fresh{again or ''}", got, allowed)
    if got.what == "fallback" and got.attempts < 2 and cell.layout == "pair":
        wrong.append(f"fresh: x-understudy-attempts is {got.attempts} after a failover")
    if cell.fault.is_pooled_too and cell.layout == "pair":
        with Deadline(port, LIMIT) as client:
            for again in range(5):  # a busy machine may hedge what is healthy
                warm = ask_raw(port, cell, body_of(stage, cell, WARM_UP), f"{code}-warm-{again}", client)
                if warm.what == "primary":
                    break
            check("warm", warm, ["primary"])
            if warm.what == "primary":
                check("pooled", ask_raw(port, cell, body, f"{code}-pooled", client), allowed)
                tries = stage.attempts(f"{code}-pooled", "a")
                if not (tries and tries[0][2]):
                    wrong.append("pooled: it did not meet the fault on a used connection")
    sdk = [word for word in allowed if word in ("primary", "fallback")]
    if len(sdk) < len(allowed):
        sdk.append("raised")
    check("sdk", ask_sdk(port, cell, body, f"{code}-sdk"), sdk)
    return wrong
