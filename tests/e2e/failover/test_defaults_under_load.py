"""No policy object, fifty clients at once, and a primary that has just died: nobody notices."""
import collections
import json
import threading

import pytest

from harness import config, raw
from providers.server import close_before_head, reset_before_head, status

from faults import breaks
from faults.dialects import DIALECTS

CHAT = DIALECTS["chat"]
TEXT = "Somebody else answers for the one that failed."


def healthy(exchange):
    breaks.healthy(exchange, CHAT, TEXT, True)


def early(action):
    script = breaks.broken(breaks.ROLE, action)
    return lambda exchange: script(exchange, CHAT, TEXT, True)


DEATHS = {"503": status(503), "429": status(429), "close": close_before_head,
          "reset": reset_before_head, "refuses": None, "ends politely without content": early(breaks.ends),
          "error event first": early(breaks.says_error)}


@pytest.mark.parametrize("death", DEATHS)
def test_nobody_notices(start, provider, death):
    primary = provider(DEATHS[death] or healthy, "primary")
    fallback = provider(healthy, "fallback")
    if DEATHS[death] is None:
        primary.refuse()
    daemon = start(config.primary_and_fallback(primary, fallback))
    answers = collections.Counter()

    def one():
        answer = raw.ask(daemon.port, "POST", CHAT.path, json.dumps(CHAT.ask("m", True)).encode(),
                         [("content-type", "application/json")])
        heard = CHAT.hear(answer.body)
        answers[answer.status, heard.text if heard.is_finished else answer.body] += 1
    threads = [threading.Thread(target=one) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {(200, TEXT): 50}
    assert primary.count <= 150
