"""Retry-After and its kin: short waits are waited for on the same endpoint, long ones are the endpoint's
exact time out of service."""
import email.utils
import json
import threading
import time

import pytest

from harness import config, raw
from harness.daemon import SLOWNESS
from providers import openai_dialect
from providers.server import status

CHAT = "/v1/chat/completions"
JSON = [("content-type", "application/json")]
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
SOON = 1.5 * SLOWNESS  # seconds: no wait was made, whatever the machine does meanwhile


def limited(*headers, code=429):
    return status(code, headers=headers)


def in_seconds(count):
    return email.utils.formatdate(time.time() + count, usegmt=True)


def ask(daemon, body=BODY):
    return raw.ask(daemon.port, "POST", CHAT, body, JSON)


def timed(daemon):
    began = time.monotonic()
    answer = ask(daemon)
    return answer, time.monotonic() - began


SHORT = {
    "seconds": ([("retry-after", "1")], 1.0), "milliseconds": ([("retry-after-ms", "400")], 0.4),
    "both": ([("retry-after-ms", "300"), ("retry-after", "1")], 0.3),
    "window": ([("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "400ms")], 0.4),
    "503": ([("retry-after-ms", "400")], 0.4),
}


@pytest.mark.parametrize("form", SHORT)
def test_a_short_wait_is_kept_on_the_same_endpoint(start, provider, form):
    headers, wait = SHORT[form]
    primary, fallback = provider(name="primary"), provider(name="fallback")
    primary.once(limited(*headers, code=503 if form == "503" else 429))
    answer, seconds = timed(start(config.primary_and_fallback(primary, fallback)))
    assert answer.status == 200 and (primary.count, fallback.count) == (2, 0)
    assert wait <= primary.requests[1].began - primary.requests[0].began < wait + SOON
    assert seconds >= wait


def test_a_date_is_a_wait_too(start, provider):
    primary, fallback = provider(name="primary"), provider(name="fallback")
    primary.once(lambda exchange: limited(("retry-after", in_seconds(2)))(exchange))
    answer, seconds = timed(start(config.primary_and_fallback(primary, fallback)))
    assert answer.status == 200 and (primary.count, fallback.count) == (2, 0)
    assert 0.9 <= seconds < 2 + SOON


LONG = {"seconds": [("retry-after", "60")], "milliseconds": [("retry-after-ms", "60000")],
        "window": [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")],
        "tomorrow": [("retry-after", "86400")]}


@pytest.mark.parametrize("form", LONG)
def test_a_long_one_moves_on_at_once_and_keeps_the_endpoint_out(start, provider, form):
    primary, fallback = provider(limited(*LONG[form]), "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback))
    for count in (1, 2, 3):
        answer, seconds = timed(daemon)
        assert answer.status == 200 and seconds < SOON
        assert (primary.count, fallback.count) == (1, count)


def test_a_limited_endpoint_is_back_when_it_said(start, provider):
    primary, fallback = provider(name="primary"), provider(name="fallback")
    primary.once(limited(("retry-after-ms", "1500")))
    daemon = start(config.primary_and_fallback(primary, fallback, config.failover_policy(
        retryAfter={"waitUpTo": "200ms"})))
    began = time.monotonic()
    assert ask(daemon).header("x-understudy-backend") == "fallback"
    while ask(daemon).header("x-understudy-backend") == "fallback":
        assert time.monotonic() - began < 10 * SLOWNESS
        time.sleep(0.02)
    # Not at some sweep after that: at that time.
    assert 1.45 <= time.monotonic() - began <= 1.5 + 0.6 * SLOWNESS


@pytest.mark.parametrize("value", ["soon", "-5", "1e99", "99999999999999999999999", "", "0", "NaN"])
def test_nonsense_is_no_wait_and_no_eternity(start, provider, value):
    primary, fallback = provider(name="primary"), provider(name="fallback")
    primary.once(limited(("retry-after", value)))
    answer, seconds = timed(start(config.primary_and_fallback(primary, fallback)))
    assert answer.status == 200 and seconds < SOON


def test_the_only_one_is_limited_for_long(start, provider):
    """Nothing is left but to say so, soon, and with the provider's own words."""
    only = provider(limited(("retry-after", "60")), "only")
    answer, seconds = timed(start(config.single(only)))
    assert answer.status == 429 and answer.header("retry-after") == "60"
    assert json.loads(answer.body)["error"]["type"] == "simulated"
    assert seconds < SOON and only.count == 1


def test_all_are_limited(start, provider):
    primary = provider(limited(("retry-after", "60")), "primary")
    fallback = provider(limited(("retry-after", "30")), "fallback")
    answer, seconds = timed(start(config.primary_and_fallback(primary, fallback)))
    assert answer.status == 429 and seconds < SOON
    assert (primary.count, fallback.count) == (1, 1)


def test_waiting_is_bounded_by_the_attempts(start, provider):
    """A provider that says `in a moment` for ever."""
    primary = provider(limited(("retry-after-ms", "100")), "primary")
    fallback = provider(name="fallback")
    answer, seconds = timed(start(config.primary_and_fallback(primary, fallback)))
    assert answer.status == 200 and (primary.count, fallback.count) == (3, 1)
    assert 0.2 <= seconds < 0.2 + SOON


def test_a_crowd_leaves_a_limited_provider_alone(start, provider):
    primary, fallback = provider(limited(("retry-after", "60")), "primary"), provider(name="fallback")
    daemon = start(config.primary_and_fallback(primary, fallback))
    assert ask(daemon).status == 200
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask(daemon))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.status for a in answers] == [200] * 50 and primary.count == 1


def test_a_stream_waits_too(start, provider):
    primary, fallback = provider(name="primary"), provider(name="fallback")
    primary.once(limited(("retry-after-ms", "400")))
    daemon = start(config.primary_and_fallback(primary, fallback))
    answer = ask(daemon, BODY[:-1] + b',"stream":true}')
    assert answer.status == 200 and answer.body.endswith(openai_dialect.DONE)
    assert (primary.count, fallback.count) == (2, 0)
