"""Refusals that another model may do better: a prompt too long for one, a filter of another."""
import json

import pytest

from harness import config, raw
from providers import bedrock
from providers.server import status

from faults.breaks import healthy
from faults.dialects import DIALECTS

TEXT = "The quick brown fox jumps over the lazy dog."


def openai_error(code, message="Too much."):
    return json.dumps({"error": {"message": message, "type": "invalid_request_error",
                                 "param": "messages", "code": code}}).encode()


def anthropic_error(message):
    return json.dumps({"type": "error", "error": {"type": "invalid_request_error",
                                                  "message": message}}).encode()


TOO_LONG = {
    "chat": (400, openai_error("context_length_exceeded")),
    "completions": (400, openai_error("context_length_exceeded")),
    "responses": (400, openai_error("context_length_exceeded")),
    "messages": (400, anthropic_error("prompt is too long: 210000 tokens > 200000 maximum")),
    "converse": (400, json.dumps({"message": "Input is too long for requested model."}).encode()),
}
FILTERED = {
    "chat": (400, openai_error("content_policy_violation", "Refused by the safety system.")),
    "azure": (400, openai_error("content_filter", "The response was filtered.")),
}
BEDROCK = [("x-amzn-errortype", "ValidationException")]


def says(dialect):
    def script(exchange):
        exchange.body()
        is_stream = "stream" in exchange.request.target or b'"stream": true' in exchange.request.body
        healthy(exchange, dialect, TEXT, is_stream)
    return script


class Pair:
    """Two models behind two backends of one dialect."""

    def __init__(self, start, provider, name, refusal, *policies, refs=None):
        self.dialect = DIALECTS["chat" if name == "azure" else name]
        code, body = refusal
        self.primary = provider(status(code, body, BEDROCK if name == "converse" else []), "primary")
        self.fallback = provider(says(self.dialect), "fallback")
        host = "bedrock-runtime.us-east-1.amazonaws.com" if name == "converse" else None
        backends = [o for letter, one in (("primary", self.primary), ("fallback", self.fallback))
                    for o in config.backend(letter, one.port, hostname=host, schema=self.dialect.schema)]
        self.daemon = start(config.documents(config.route(refs or [
            {"name": "primary", "priority": 0}, {"name": "fallback", "priority": 1}]),
            *backends, *policies), env=bedrock.ENVIRONMENT)

    def ask(self, is_stream=False):
        return raw.ask(self.daemon.port, "POST", self.dialect.path,
                       json.dumps(self.dialect.ask("m", is_stream)).encode(),
                       [("content-type", "application/json")])

    @property
    def counts(self):
        return self.primary.count, self.fallback.count


@pytest.mark.parametrize("is_stream", [False, True], ids=["unary", "stream"])
@pytest.mark.parametrize("name", TOO_LONG)
def test_a_prompt_too_long_goes_to_the_next_model(start, provider, name, is_stream):
    pair = Pair(start, provider, name, TOO_LONG[name])
    for count in (1, 2):  # nothing is ejected: the next prompt may fit
        assert pair.ask(is_stream).status == 200
        assert pair.counts == (count, count)


def test_a_prompt_too_long_is_not_shown_to_the_same_model_again(start, provider):
    pair = Pair(start, provider, "chat", TOO_LONG["chat"], refs=[
        {"name": "primary", "priority": 0}, {"name": "primary", "priority": 0},
        {"name": "fallback", "priority": 1}])
    assert pair.ask().status == 200 and pair.counts == (1, 1)


@pytest.mark.parametrize("name", ["chat", "messages"])
def test_a_prompt_too_long_for_all_is_the_providers_own_refusal(start, provider, name):
    pair = Pair(start, provider, name, TOO_LONG[name])
    pair.fallback.always(pair.primary.script)
    answer = pair.ask()
    assert (answer.status, answer.body) == TOO_LONG[name] and pair.counts == (1, 1)
    assert answer.header("x-understudy-error-origin") == "upstream"


def test_turned_off_the_refusal_reaches_the_client(start, provider):
    pair = Pair(start, provider, "chat", TOO_LONG["chat"],
                config.failover_policy(fallbackOn={"contextWindowExceeded": False}))
    answer = pair.ask()
    assert (answer.status, answer.body) == TOO_LONG["chat"] and pair.counts == (1, 0)


@pytest.mark.parametrize("name", FILTERED)
def test_a_filters_refusal_reaches_the_client(start, provider, name):
    pair = Pair(start, provider, name, FILTERED[name])
    answer = pair.ask()
    assert (answer.status, answer.body) == FILTERED[name] and pair.counts == (1, 0)


@pytest.mark.parametrize("name", FILTERED)
def test_a_filters_refusal_goes_elsewhere_where_that_is_wanted(start, provider, name):
    pair = Pair(start, provider, name, FILTERED[name],
                config.failover_policy(fallbackOn={"contentPolicy": True}))
    for count in (1, 2):
        assert pair.ask().status == 200 and pair.counts == (count, count)


def test_another_400_is_the_clients_own(start, provider):
    refusal = 400, openai_error("invalid_value", "The context of this length is fine, temperature is not.")
    pair = Pair(start, provider, "chat", refusal)
    answer = pair.ask()
    assert (answer.status, answer.body) == refusal and pair.counts == (1, 0)
