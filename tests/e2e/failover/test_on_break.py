"""`stream.onBreak`: what becomes of an answer that breaks after the client has received part of it."""
import json
import threading

import pytest

from harness import config, raw
from harness.daemon import SLOWNESS
from providers import bedrock

from faults import breaks
from faults.dialects import DIALECTS

TEXT = "The quick brown fox jumps over the lazy dog."
OTHER = "The quick red fox jumps over the lazy dog."
BREAKS = {"cut": breaks.cut, "reset": breaks.torn, "polite end": breaks.ends,
          "silence": breaks.stays_silent, "error event": breaks.says_error,
          "half an event": breaks.half_an_event_and_cut}
RESUMED = ("chat", "completions", "messages", "converse")


class Pair:
    def __init__(self, start, provider, name, mode, action, text=TEXT, tools=False):
        self.dialect, self.seen_by_client = DIALECTS[name], []
        broken = breaks.broken(breaks.CONTENT, action)
        self.primary = provider(lambda x: broken(x, self.dialect, TEXT, True), "primary")
        self.fallback = provider(lambda x: breaks.healthy(x, self.dialect, text, True), "fallback")
        host = "bedrock-runtime.us-east-1.amazonaws.com" if name == "converse" else None
        backends = [o for letter, one in (("primary", self.primary), ("fallback", self.fallback))
                    for o in config.backend(letter, one.port, hostname=host, schema=self.dialect.schema)]
        self.daemon = start(config.documents(
            config.route([{"name": "primary", "priority": 0}, {"name": "fallback", "priority": 1}]),
            *backends, config.failover_policy(
                stream={"onBreak": mode, "idleTimeout": f"{round(400 * SLOWNESS)}ms"},
                attempts={"perPriority": 1})), env=bedrock.ENVIRONMENT)
        self.body = {**self.dialect.ask("m", True), **(tools or {})}

    def ask(self):
        """(what the client heard, how the body ended)"""
        with raw.Client(self.daemon.port) as client:
            client.send(raw.request("POST", self.dialect.path, json.dumps(self.body).encode(),
                                    [("content-type", "application/json")]))
            self.head = client.head()
            got = b""
            try:
                while piece := client.chunk():
                    got += piece
                end = "clean"
            except (raw.EndOfStream, ValueError):
                end = "cut"
        client_side = DIALECTS["chat" if self.dialect.name == "converse" else self.dialect.name]
        self.body_bytes = got
        return client_side.hear(got), end

    def is_whole(self, text=TEXT):
        heard, end = self.ask()
        assert (heard.text, heard.is_finished, heard.error, end) == (text, True, "", "clean"), \
            self.body_bytes
        assert (self.primary.count, self.fallback.count) == (1, 1)
        return True

    def is_told(self, fallbacks):
        heard, end = self.ask()
        assert heard.error and not heard.is_finished and end == "cut", self.body_bytes
        assert TEXT.startswith(heard.text) and heard.text
        assert (self.primary.count, self.fallback.count) == (1, fallbacks)
        return True


@pytest.mark.parametrize("name", RESUMED)
@pytest.mark.parametrize("how", BREAKS)
def test_verify_goes_on_where_the_first_answer_stopped(start, provider, name, how):
    pair = Pair(start, provider, name, "verify", BREAKS[how])
    assert pair.is_whole()
    if name in ("chat", "converse"):
        chunks = [json.loads(e[6:]) for e in pair.body_bytes.split(b"\n\n")
                  if e.startswith(b"data: {")]
        assert len({chunk["id"] for chunk in chunks}) == 1, "one answer, one id"
        assert pair.body_bytes.count(b'"role"') == 1


@pytest.mark.parametrize("name", RESUMED)
def test_verify_ends_with_the_error_where_the_answers_differ(start, provider, name):
    assert Pair(start, provider, name, "verify", breaks.cut, text=OTHER).is_told(fallbacks=1)


def test_verify_ends_with_the_error_where_the_second_is_shorter(start, provider):
    assert Pair(start, provider, "chat", "verify", breaks.cut, text="The quick").is_told(fallbacks=1)


def test_verify_when_nobody_is_left(start, provider):
    pair = Pair(start, provider, "chat", "verify", breaks.cut)
    pair.fallback.always(pair.primary.script)
    heard, end = pair.ask()
    assert heard.error and not heard.is_finished and end == "cut" and heard.text == "The quick brown "


@pytest.mark.parametrize("name", (*RESUMED, "responses"))
@pytest.mark.parametrize("how", BREAKS)
def test_buffer_shows_nothing_of_a_broken_answer(start, provider, name, how):
    assert Pair(start, provider, name, "buffer", BREAKS[how], text=OTHER).is_whole(OTHER)


def test_buffer_holds_until_the_answer_is_complete(start, provider):
    may_end = threading.Event()
    chat = DIALECTS["chat"]

    def waits_before_the_end(exchange):
        out = breaks.Out(exchange, chat)
        for piece in [*chat.role(), *chat.content(TEXT)]:
            out.say(piece)
        assert may_end.wait(10)
        for piece in chat.finish():
            out.say(piece)
        out.end()
    pair = Pair(start, provider, "chat", "buffer", breaks.cut)
    pair.primary.always(waits_before_the_end)
    with raw.Client(pair.daemon.port) as client:
        client.send(raw.request("POST", chat.path, json.dumps(pair.body).encode(),
                                [("content-type", "application/json")]))
        client.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.fill()
        may_end.set()
        client.sock.settimeout(10)
        assert chat.hear(client.response().body).text == TEXT
    assert pair.fallback.count == 0


@pytest.mark.parametrize("name", ("chat", "completions", "responses", "messages", "converse"))
@pytest.mark.parametrize("how", BREAKS)
def test_terminate_tells(start, provider, name, how):
    assert Pair(start, provider, name, "terminate", BREAKS[how]).is_told(fallbacks=0)


TOOLS = {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]}


@pytest.mark.parametrize("asked", [{}, TOOLS, {"response_format": {"type": "json_object"}},
                                   {"reasoning_effort": "high"}, {"n": 2}],
                         ids=["unknown model", "tools", "json", "reasoning", "two choices"])
def test_continue_where_it_may_not_be_done_tells(start, provider, asked):
    """A backend of OpenAI's schema is not known to go on behind an assistant's words."""
    pair = Pair(start, provider, "chat", "continue", breaks.cut, tools=asked)
    assert pair.is_told(fallbacks=0)


@pytest.mark.parametrize("name, model", [("messages", "claude-3-5-haiku-latest"),
                                         ("converse", "anthropic.claude-3-5-haiku-20241022-v1:0")])
def test_continue_asks_for_the_rest(start, provider, name, model):
    pair = Pair(start, provider, name, "continue", breaks.cut)
    pair.body["model"] = model
    rest = TEXT.removeprefix("The quick brown")
    pair.fallback.always(lambda x: breaks.healthy(x, pair.dialect, rest, True))
    heard, end = pair.ask()
    assert (heard.text, heard.is_finished, end) == (TEXT, True, "clean"), pair.body_bytes
    last = json.loads(pair.fallback.requests[0].body)["messages"][-1]
    assert last["role"] == "assistant" and "The quick brown" in json.dumps(last)


@pytest.mark.parametrize("name", ("chat", "converse"))
def test_after_the_reason_for_the_end_nothing_is_missing(start, provider, name):
    """The answer is all there, only its formal end is not: whatever follows, nobody is asked again
    and the text stays whole."""
    pair = Pair(start, provider, name, "verify", breaks.cut)

    def cut_before_the_formal_end(exchange):
        out = breaks.Out(exchange, pair.dialect)
        said = breaks.pieces(pair.dialect, TEXT)
        for piece in said[:-1]:
            out.say(piece)
        exchange.close()
    pair.primary.always(cut_before_the_formal_end)
    heard, _ = pair.ask()
    assert heard.text == TEXT and heard.is_finished and pair.fallback.count == 0
