"""The operations of the Anthropic SDK. Each asks, and checks what the client got, to the value."""
from providers import scene
from providers.scene import ARGUMENTS, INPUT_TOKENS, OUTPUT_TOKENS

from openai_operations import SCHEMAS, TOOLS, _is

CLAUDE_TOOLS = [{"name": t["function"]["name"], "description": t["function"]["description"],
                 "input_schema": t["function"]["parameters"]} for t in TOOLS]
HELLO = [{"role": "user", "content": "Hello there"}]
BOTH = [{"role": "user", "content": "Ask both tools."}]


def _how(client, messages=None, **more):
    return {"model": client.model(), "max_tokens": 64, "messages": messages or HELLO, **more}


def _text(message):
    return "".join(block.text for block in message.content if block.type == "text")


def _uses(message, names):
    uses = [block for block in message.content if block.type == "tool_use"]
    _is([(u.name, u.input) for u in uses], [(name, ARGUMENTS[name]) for name in names])
    assert all(u.id for u in uses) and len({u.id for u in uses}) == len(uses)
    _is(message.stop_reason, "tool_use")


# What the SDK has left out with its newest version of the API, and older clients still send.
OLDER = {"extra_headers": {"anthropic-version": "2023-06-01"}, "extra_body": {"temperature": 0.5}}


def messages(client):
    for more in ({}, OLDER):
        answer = client.anthropic.messages.create(**_how(client, system="Be brief.",
                                                         stop_sequences=["END"], **more))
        _is((_text(answer), answer.stop_reason, answer.role), (scene.TEXT, "end_turn", "assistant"))
        _is((answer.usage.input_tokens, answer.usage.output_tokens), (INPUT_TOKENS, OUTPUT_TOKENS))


def messages_stream(client):
    with client.anthropic.messages.stream(**_how(client)) as stream:
        events = list(stream)
        final = stream.get_final_message()
    texts = [e.text for e in events if e.type == "text"]
    _is(("".join(texts), _text(final), final.stop_reason), (scene.TEXT, scene.TEXT, "end_turn"))
    assert len(texts) > 1, "not streamed"
    kinds = [e.type for e in events]
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop", kinds
    _is((final.usage.input_tokens, final.usage.output_tokens), (INPUT_TOKENS, OUTPUT_TOKENS))


def messages_tools(client):
    _uses(client.anthropic.messages.create(**_how(
        client, tools=CLAUDE_TOOLS[:1], tool_choice={"type": "any"})), ["get_weather"])


def messages_tools_stream(client):
    with client.anthropic.messages.stream(**_how(client, tools=CLAUDE_TOOLS[:1])) as stream:
        _uses(stream.get_final_message(), ["get_weather"])


def messages_parallel_tools(client):
    _uses(client.anthropic.messages.create(**_how(client, BOTH, tools=CLAUDE_TOOLS)), list(SCHEMAS))


def messages_parallel_tools_stream(client):
    with client.anthropic.messages.stream(**_how(client, BOTH, tools=CLAUDE_TOOLS)) as stream:
        _uses(stream.get_final_message(), list(SCHEMAS))


def messages_tool_results(client):
    first = client.anthropic.messages.create(**_how(client, BOTH, tools=CLAUDE_TOOLS))
    results = [{"type": "tool_result", "tool_use_id": b.id, "content": "done"}
               for b in first.content if b.type == "tool_use"]
    answer = client.anthropic.messages.create(**_how(
        client, [*BOTH, {"role": "assistant", "content": first.content},
                 {"role": "user", "content": results}], tools=CLAUDE_TOOLS))
    _is(_text(answer), scene.AFTER_TOOLS)


def messages_vision(client):
    answer = client.anthropic.messages.create(**_how(client, [{"role": "user", "content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                     "data": scene.PNG_BASE64}},
        {"type": "text", "text": "What is this?"}]}]))
    _is(_text(answer), scene.IMAGE_TEXT)


def count_tokens(client):
    answer = client.anthropic.messages.count_tokens(model=client.model(), messages=HELLO)
    _is(answer.input_tokens, scene.COUNTED_TOKENS)


OPERATIONS = [messages, messages_stream, messages_tools, messages_tools_stream,
              messages_parallel_tools, messages_parallel_tools_stream, messages_tool_results,
              messages_vision, count_tokens]
