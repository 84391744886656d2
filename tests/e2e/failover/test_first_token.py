"""The time to the first content: hedges that win and lose, models that merely think, the commit point."""
import json
import threading
import time
import zlib

import pytest

from harness import config, raw
from harness.daemon import SLOWNESS, wait_until

from faults import breaks
from faults.dialects import DIALECTS

CHAT = DIALECTS["chat"]
JSON = [("content-type", "application/json")]
OURS, THEIRS = "The primary has thought about it.", "The fallback was asked meanwhile."
SOON = 2.0 * SLOWNESS


def ms(count):
    return f"{round(count * SLOWNESS)}ms"


def policy(timeout=250, **spec):
    first = {"timeout": ms(timeout), **spec.pop("firstToken", {})}
    return config.failover_policy(firstToken=first, **{"hedge": {"budget": 100}, **spec})


class Late:
    """Head and role at once; the first content when the test says so, or never."""

    def __init__(self, text=OURS, has_head=True):
        self.text, self.has_head = text, has_head
        self.may_speak = threading.Event()
        self.left = threading.Event()
        self.spoke = threading.Event()

    def __call__(self, exchange):
        try:
            out = breaks.Out(exchange, CHAT) if self.has_head else None
            if out:
                out.say(CHAT.role()[0])
            while not self.may_speak.is_set():
                breaks.silence(exchange, 0.02)
            if not out:
                out = breaks.Out(exchange, CHAT)
                out.say(CHAT.role()[0])
            for piece in [*CHAT.content(self.text), *CHAT.finish()]:
                out.say(piece)
            out.end()
            self.spoke.set()
        except breaks.Gone:
            self.left.set()
            raise


def speaks(text):
    def script(exchange):
        breaks.healthy(exchange, CHAT, text, b'"stream": true' in exchange.body())
    return script


def ask(daemon, **fields):
    body = {**CHAT.ask("m", True), **fields}
    return raw.ask(daemon.port, "POST", CHAT.path, json.dumps(body).encode(), JSON)


def whole(answer, text):
    heard = CHAT.hear(answer.body)
    assert (answer.status, heard.text, heard.is_finished, heard.error) == (200, text, True, "")
    assert answer.body.count(b'"role"') == 1, "the role of one answer only"
    return True


@pytest.mark.parametrize("has_head", [True, False], ids=["after the head", "before the head"])
def test_the_hedge_wins_and_the_loser_is_cancelled(start, provider, has_head):
    late = Late(has_head=has_head)
    primary, fallback = provider(late, "primary"), provider(speaks(THEIRS), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, policy()))
    began = time.monotonic()
    answer = ask(daemon)
    assert whole(answer, THEIRS)
    assert 0.25 * SLOWNESS <= time.monotonic() - began < SOON
    assert late.left.wait(SOON), "the loser was not cancelled"
    assert (primary.count, fallback.count) == (1, 1)
    assert answer.header("x-understudy-attempts") == "2"
    assert answer.header("x-understudy-backend") == "fallback"


def test_a_cancelled_loser_is_no_failure(start, provider):
    """Being slow once ejects nobody: the next request meets the primary first."""
    primary, fallback = provider(Late(), "primary"), provider(speaks(THEIRS), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, policy(
        ejection={"consecutive5XxErrors": 1})))
    assert whole(ask(daemon), THEIRS)
    primary.always(speaks(OURS))
    assert whole(ask(daemon), OURS) and fallback.count == 1


def test_a_model_that_merely_thinks_is_not_cut_off(start, provider):
    """The hedge hangs; the primary speaks in the end, and wins."""
    late, mute = Late(), Late(THEIRS)
    primary, fallback = provider(late, "primary"), provider(mute, "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, policy()))
    threading.Thread(target=lambda: fallback.wait_for_requests(1) and late.may_speak.set()).start()
    assert whole(ask(daemon), OURS)
    assert mute.left.wait(SOON), "the hedge was not cancelled"


def test_the_last_attempt_there_is_waits_on(start, provider):
    late = Late()
    only = provider(late, "only")
    daemon = start(config.single(only, policy(timeout=100)))
    threading.Timer(0.6, late.may_speak.set).start()
    assert whole(ask(daemon), OURS) and only.count == 1


def test_a_hedge_whose_endpoint_fails_costs_nothing(start, provider):
    late = Late()
    primary, fallback = provider(late, "primary"), provider(breaks.close, "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, policy()))
    threading.Thread(target=lambda: fallback.wait_for_requests(1) and late.may_speak.set()).start()
    assert whole(ask(daemon), OURS)


def test_both_break(start, provider):
    """The hedge is running when the primary breaks, and breaks too: one error, no hang."""
    def breaks_late(exchange):
        out = breaks.Out(exchange, CHAT)
        out.say(CHAT.role()[0])
        breaks.silence(exchange, 0.5)
        exchange.close()
    primary, fallback = provider(breaks_late, "primary"), provider(breaks_late, "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, policy(attempts={
        "perPriority": 1, "max": 2, "backoff": {"base": "1ms", "max": "1ms"}})))
    answer = ask(daemon)
    assert answer.status >= 500 and CHAT.is_error(json.loads(answer.body))
    assert (primary.count, fallback.count) == (1, 1)


def test_action_fail(start, provider):
    late = Late()
    primary, fallback = provider(late, "primary"), provider(speaks(THEIRS), "fallback")
    fallback.always(lambda exchange: late.left.wait(5) and speaks(THEIRS)(exchange))
    daemon = start(config.primary_and_fallback(primary, fallback, policy(
        firstToken={"action": "fail"}, attempts={"perPriority": 1})))
    assert whole(ask(daemon), THEIRS) and late.left.is_set()


def test_a_request_for_reasoning_has_three_times_as_long(start, provider):
    late = Late()
    primary, fallback = provider(late, "primary"), provider(speaks(THEIRS), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.failover_policy(
        hedge={"budget": 100})))  # the default of 12 s: nothing of it is waited for
    threading.Timer(0.3, late.may_speak.set).start()
    assert whole(ask(daemon, reasoning_effort="high"), OURS) and fallback.count == 0


@pytest.mark.parametrize("asks", [{"reasoning_effort": "high"}, {}], ids=["reasoning", "plain"])
def test_the_limit_counts_for_everybody_where_it_is_written(start, provider, asks):
    primary, fallback = provider(Late(), "primary"), provider(speaks(THEIRS), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, policy(timeout=150)))
    assert whole(ask(daemon, **asks), THEIRS)


def test_nothing_goes_out_before_the_first_content(start, provider):
    late = Late()
    primary = provider(late, "primary")
    daemon = start(config.single(primary))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT.path, json.dumps(CHAT.ask("m", True)).encode(), JSON))
        primary.wait_for_requests(1)
        client.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.fill()
        late.may_speak.set()
        client.sock.settimeout(10)
        assert whole(client.response(), OURS)


def test_without_hold_the_head_goes_out_at_once(start, provider):
    late = Late()
    primary, fallback = provider(late, "primary"), provider(speaks(THEIRS), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.failover_policy(
        firstToken={"hold": False})))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT.path, json.dumps(CHAT.ask("m", True)).encode(), JSON))
        assert client.head().status == 200
        assert b'"role"' in client.chunk()
        late.may_speak.set()
        while client.chunk():
            pass


def test_keep_alive_comments_and_the_error_after_them(start, provider):
    """Once a comment is out a failure can only be told in the stream."""
    def breaks_late(exchange):
        breaks.silence(exchange, 1.0)
        exchange.close()
    only = provider(breaks_late, "only")
    daemon = start(config.single(only, config.failover_policy(
        firstToken={"keepAlive": "100ms", "timeout": "30s"}, attempts={"max": 1})))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT.path, json.dumps(CHAT.ask("m", True)).encode(), JSON))
        assert client.head().status == 200
        got = b""
        with pytest.raises((raw.EndOfStream, ValueError)):
            while piece := client.chunk():
                got += piece
            raise AssertionError(f"a clean end: {got!r}")
    heard = CHAT.hear(got)
    assert got.startswith(b":") and got.count(b"\n\n") >= 4, got
    assert heard.error and not heard.is_finished and not heard.text


def test_keep_alive_and_then_the_fallback(start, provider):
    primary, fallback = provider(breaks.mute, "primary"), provider(speaks(THEIRS), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, policy(
        timeout=500, firstToken={"keepAlive": "100ms"})))
    answer = ask(daemon)
    assert answer.body.startswith(b":") and whole(answer, THEIRS)


def test_a_hedge_after_a_duration(start, provider):
    late = Late()
    primary, fallback = provider(late, "primary"), provider(speaks(THEIRS), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.failover_policy(
        hedge={"after": "150ms", "max": 1, "budget": 100})))
    began = time.monotonic()
    assert whole(ask(daemon), THEIRS) and time.monotonic() - began < SOON
    assert late.left.wait(SOON)


def test_the_hedge_budget(start, provider):
    """Three in flight are always allowed, and here no more: a slow provider is not asked twice by all."""
    late, mute = Late(), Late(THEIRS)
    primary, fallback = provider(late, "primary"), provider(mute, "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, policy(
        timeout=150, hedge={"budget": 0})))
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask(daemon))) for _ in range(12)]
    for thread in threads:
        thread.start()
    primary.wait_for_requests(12)
    fallback.wait_for_requests(3)
    time.sleep(0.5 * SLOWNESS)  # what must not happen would happen now
    hedges = fallback.count
    late.may_speak.set()
    for thread in threads:
        thread.join()
    assert hedges == 3 and len(answers) == 12
    assert all(whole(answer, OURS) for answer in answers)


def test_a_client_that_leaves_cancels_both(start, provider):
    late, mute = Late(), Late(THEIRS)
    primary, fallback = provider(late, "primary"), provider(mute, "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, policy()))
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT.path, json.dumps(CHAT.ask("m", True)).encode(), JSON))
        fallback.wait_for_requests(1)
    assert late.left.wait(SOON) and mute.left.wait(SOON)
    wait_until(lambda: daemon.access_lines(), what="an access log line")


def test_a_hold_is_bounded(start, provider):
    """Comments without end are not kept without end: beyond 256 KiB they go out or the attempt fails."""
    def floods(exchange):
        out = breaks.Out(exchange, CHAT)
        out.say(CHAT.role()[0])
        breaks.again_and_again(exchange, b"4000\r\n: " + b"x" * (0x4000 - 4) + b"\n\n\r\n", 0.002)
    primary, fallback = provider(floods, "primary"), provider(speaks(THEIRS), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, policy(timeout=1500)))
    before = daemon.rss_bytes()
    with raw.Client(daemon.port) as client:
        client.send(raw.request("POST", CHAT.path, json.dumps(CHAT.ask("m", True)).encode(), JSON))
        client.fill()
        assert daemon.rss_bytes() - before < 8 * 1024 * 1024


def test_a_compressed_stream_is_let_through(start, provider):
    """Nobody can look into it: its first byte counts as content, and no hedge is started."""
    packer = zlib.compressobj(wbits=31)

    def packed(exchange):
        out = breaks.Out(exchange, CHAT, headers=[("content-encoding", "gzip")])
        said = [*CHAT.role(), *CHAT.content(OURS), *CHAT.finish()]
        out.say(packer.compress(said[0]) + packer.flush(zlib.Z_SYNC_FLUSH))
        breaks.silence(exchange, 0.6 * SLOWNESS)
        out.say(packer.compress(b"".join(said[1:])) + packer.flush())
        out.end()
    primary, fallback = provider(packed, "primary"), provider(speaks(THEIRS), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, policy()))
    answer = raw.ask(daemon.port, "POST", CHAT.path, json.dumps(CHAT.ask("m", True)).encode(),
                     [*JSON, ("accept-encoding", "gzip")])
    assert answer.header("content-encoding") == "gzip" and fallback.count == 0
    answer.body = zlib.decompress(answer.body, wbits=31)
    assert whole(answer, OURS)
