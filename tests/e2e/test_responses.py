"""The Responses API of the official OpenAI SDK, served by backends that have a chat only: Bedrock, and an
OpenAI-compatible server whose annotation says so. Every object is judged by the SDK's own models."""
import json

import openai
import pydantic
import pytest
from openai.types.responses import Response, ResponseStreamEvent

from harness import config
from harness.daemon import run
from providers import bedrock, openai_dialect
from providers.server import status

EVENT = pydantic.TypeAdapter(ResponseStreamEvent)
TOOL = {"type": "function", "name": "get_weather", "description": "The weather of a city", "strict": True,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                       "required": ["city"], "additionalProperties": False}}


class City(pydantic.BaseModel):
    city: str


def chat_only(name, port, operations="chat_completions, embeddings"):
    objects = config.backend(name, port)
    objects[0]["metadata"]["annotations"] = {"understudy.dev/operations": operations}
    return objects


@pytest.fixture(params=["bedrock", "chat only"])
def backend(request, start, provider, sdk):
    """backend(text) → the SDK's client, with the provider behind it as `provider`."""

    def make(text=None, script=None):
        if request.param == "bedrock":
            text = text or bedrock.TEXT
            made = provider(script or bedrock.converse(text))
            objects = config.bedrock("only", made.port)
        else:
            text = text or openai_dialect.TEXT
            made = provider(script or openai_dialect.chat(text))
            objects = chat_only("only", made.port)
        client = sdk(start(config.documents(config.route(["only"]), *objects),
                           env=bedrock.ENVIRONMENT))
        client.expected, client.provider, client.kind = text, made, request.param
        return client

    return make


def judged(response):
    """By the SDK's model, with nothing taken for granted."""
    return Response.model_validate(response.to_dict())


def judged_events(events):
    events = list(events)
    for number, event in enumerate(events):
        EVENT.validate_python(event.to_dict())
        assert event.sequence_number == number
    return events


def test_unary(backend):
    client = backend()
    answer = client.responses.create(model="m", input="Hello there", instructions="Be brief.",
                                     max_output_tokens=50, temperature=0.5, metadata={"a": "b"})
    judged(answer)
    assert answer.output_text == client.expected
    assert (answer.status, answer.object) == ("completed", "response")
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0
    assert answer.id.startswith("resp_") and answer.output[0].id.startswith("msg_")
    assert (answer.instructions, answer.temperature, answer.metadata) == ("Be brief.", 0.5, {"a": "b"})
    assert answer.store is False and answer.previous_response_id is None and answer.error is None


def test_what_is_left_out_is_told(backend):
    raw_answer = backend().responses.with_raw_response.create(
        model="m", input="Hello", store=True, truncation="auto")
    told = raw_answer.headers["x-understudy-dropped"]
    assert "store" in told and "truncation" in told


def test_streaming(backend):
    client = backend()
    events = judged_events(client.responses.create(model="m", input="Hello there", stream=True))
    kinds = [event.type for event in events]
    assert kinds[:4] == ["response.created", "response.in_progress", "response.output_item.added",
                         "response.content_part.added"]
    assert kinds[-4:] == ["response.output_text.done", "response.content_part.done",
                          "response.output_item.done", "response.completed"]
    said = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert said == client.expected == events[-1].response.output_text
    judged(events[-1].response)
    assert events[-1].response.id == events[0].response.id


def test_the_sdks_own_accumulation(backend):
    client = backend()
    with client.responses.stream(model="m", input="Hello there") as stream:
        list(stream)
        final = stream.get_final_response()
    assert final.output_text == client.expected and final.status == "completed"


def test_tool_call_and_its_result(backend):
    client = backend()
    question = [{"role": "user", "content": "The weather in Oslo?"}]
    first = client.responses.create(model="m", input=question, tools=[TOOL], tool_choice="required")
    judged(first)
    call = next(item for item in first.output if item.type == "function_call")
    assert (call.name, json.loads(call.arguments), call.status) == (
        "get_weather", {"city": "Oslo"}, "completed")
    second = client.responses.create(
        model="m", tools=[TOOL],
        input=[*question, *[item.to_dict() for item in first.output],
               {"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees"}])
    assert second.output_text == client.expected


def test_streamed_tool_call(backend):
    client = backend()
    with client.responses.stream(model="m", input="The weather in Oslo?", tools=[TOOL]) as stream:
        events = list(stream)
        final = stream.get_final_response()
    done = [e for e in events if e.type == "response.function_call_arguments.done"]
    assert len(done) == 1 and json.loads(done[0].arguments) == {"city": "Oslo"}
    assert [item.type for item in final.output] == ["function_call"]
    assert final.output[0].call_id in ("call_1", "tooluse_1")


def test_structured_output(backend):
    client = backend(text='{"city": "Oslo"}')
    answer = client.responses.parse(model="m", input="Which city?", text_format=City)
    assert answer.output_parsed == City(city="Oslo")


def test_what_a_provider_keeps_is_refused(backend):
    client = backend()
    for more in ({"previous_response_id": "resp_1"}, {"background": True},
                 {"tools": [{"type": "web_search"}]}):
        with pytest.raises(openai.UnprocessableEntityError):
            client.responses.create(model="m", input="Hello", **more)
    assert client.provider.count == 0


def test_counting_tokens_is_refused(backend):
    client = backend()
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.responses.input_tokens.count(model="m", input="Hello")
    assert "responses_input_tokens" in str(caught.value)


def test_an_exception_in_a_stream_raises(start, provider, sdk):
    broken = bedrock.converse(tail=[bedrock.exception("throttlingException", "too fast")])
    client = sdk(start(config.documents(config.route(["only"]),
                                        *config.bedrock("only", provider(broken).port)),
                       env=bedrock.ENVIRONMENT))
    kinds = []
    with pytest.raises(openai.APIError):
        for event in client.responses.create(model="m", input="Hello", stream=True):
            kinds.append(event.type)
    assert "response.output_text.delta" in kinds and "response.completed" not in kinds


def test_a_stream_that_the_provider_cuts_raises(start, provider, sdk):
    gate = openai_dialect.Gated(ending=lambda exchange: exchange.reset())
    client = sdk(start(config.documents(config.route(["only"]),
                                        *chat_only("only", provider(gate).port))))
    gate.let(3)
    kinds = []
    with pytest.raises(openai.APIError):
        for event in client.responses.create(model="m", input="Hello", stream=True):
            kinds.append(event.type)
            if kinds.count("response.output_text.delta") == 2:
                gate.cut()
    assert "response.completed" not in kinds


def test_from_a_primary_that_has_responses_to_one_that_has_not(start, provider, sdk):
    primary, fallback = provider(status(500), "primary"), provider(name="fallback")
    client = sdk(start(config.documents(
        config.route([{"name": "primary", "priority": 0}, {"name": "fallback", "priority": 1}]),
        *config.backend("primary", primary.port), *chat_only("fallback", fallback.port),
        config.traffic_policy(retry=config.retry(2, [500], per_priority=1)))))
    answer = client.responses.create(model="m", input="Hello there")
    assert answer.output_text == openai_dialect.TEXT
    assert [r.target for r in primary.requests] == ["/v1/responses"]
    assert [r.target for r in fallback.requests] == ["/v1/chat/completions"]


def test_a_chat_only_backend_serves_nothing_else(start, provider, sdk):
    client = sdk(start(config.documents(config.route(["only"]),
                                        *chat_only("only", provider().port, "chat_completions"))))
    with pytest.raises(openai.UnprocessableEntityError):
        client.embeddings.create(model="m", input="Hello")


def test_a_misspelt_operation_is_an_error(tmp_path):
    path = tmp_path / "misspelt.yaml"
    path.write_text(config.documents(config.route(["only"]),
                                     *chat_only("only", 9, "chat_completion")))
    done = run("validate", path)
    assert done.returncode != 0
    assert "chat_completions" in done.stdout + done.stderr
