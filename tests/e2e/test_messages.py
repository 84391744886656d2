"""Anthropic's SDK against a provider that speaks OpenAI's chat."""
import json

import anthropic
import pytest

from harness import config
from providers import openai_dialect
from providers.server import status

TOOL = {"name": "weather", "description": "Weather now",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
ASK = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def client(start, provider):
    """client(script) → an Anthropic client and the provider behind the daemon."""
    clients = []

    def make(script=None):
        behind = provider(script)
        daemon = start(config.single(behind))
        clients.append(anthropic.Anthropic(api_key="client-key", max_retries=0, timeout=20.0,
                                           base_url=f"http://127.0.0.1:{daemon.port}/anthropic"))
        return clients[-1], behind

    yield make
    for one in clients:
        one.close()


def test_a_message(client):
    sdk, behind = client()
    message = sdk.messages.create(**ASK, system="Be brief.", stop_sequences=["END"])
    assert message.content[0].text == openai_dialect.TEXT
    assert message.stop_reason == "end_turn"
    assert message.id.startswith("msg_")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (7, 9)
    asked = json.loads(behind.requests[-1].body)
    assert behind.requests[-1].target == "/v1/chat/completions"
    assert asked["messages"][0] == {"role": "system", "content": "Be brief."}
    assert asked["max_completion_tokens"] == 50
    assert asked["stop"] == ["END"]


def test_a_stream(client):
    sdk, _ = client()
    with sdk.messages.stream(**ASK) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == openai_dialect.TEXT
    assert message.stop_reason == "end_turn"
    assert [block.type for block in message.content] == ["text"]


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_tool_call_and_its_result(client, is_stream):
    sdk, behind = client()

    def ask(messages):
        asked = {**ASK, "messages": messages, "tools": [TOOL]}
        if not is_stream:
            return sdk.messages.create(**asked)
        with sdk.messages.stream(**asked) as stream:
            return stream.get_final_message()

    message = ask(ASK["messages"])
    assert message.stop_reason == "tool_use"
    call = message.content[-1]
    assert (call.type, call.name, call.input) == ("tool_use", "weather", {"city": "Oslo"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    again = ask([*ASK["messages"],
                 {"role": "assistant", "content": [block.model_dump() for block in message.content]},
                 {"role": "user", "content": [result]}])
    assert again.content[0].text == openai_dialect.TEXT
    assert [m["role"] for m in json.loads(behind.requests[-1].body)["messages"]] == [
        "user", "assistant", "tool"]


def test_an_error_has_anthropics_shape(client):
    sdk, _ = client(status(400, b'{"error":{"message":"no \\"such\\" thing","type":"x"}}'))
    with pytest.raises(anthropic.BadRequestError) as raised:
        sdk.messages.create(**ASK)
    assert raised.value.body["error"] == {"type": "invalid_request_error",
                                          "message": 'no "such" thing'}


def test_a_broken_stream_raises(client):
    def script(exchange):
        exchange.body()
        exchange.head(200, openai_dialect.SSE)
        for piece in openai_dialect.events(openai_dialect.TEXT)[:4]:
            exchange.chunk(piece)
        exchange.last_chunk()

    sdk, _ = client(script)
    with pytest.raises(anthropic.APIError), sdk.messages.stream(**ASK) as stream:
        stream.until_done()
