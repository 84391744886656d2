"""What a user of the official OpenAI SDK gets: whole answers, streams, tools, large bodies, and no error
while the primary dies and comes back."""
import json
import threading
import time

import openai
import pytest

from harness import config
from harness.daemon import SLOWNESS, wait_until
from providers import bedrock, openai_dialect
from providers.server import status

HELLO = [{"role": "user", "content": "Hello there"}]
TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}},
                   "required": ["city"]}}}]


def to_bedrock(primary, fallback, *more):
    """An OpenAI primary in front of a Bedrock fallback."""
    return config.documents(
        config.route([{"name": "primary", "priority": 0}, {"name": "fallback", "priority": 1}]),
        *config.backend("primary", primary.port), *config.bedrock("fallback", fallback.port), *more)


@pytest.fixture(params=["primary", "bedrock fallback"])
def client(request, start, provider, sdk):
    """The same calls, answered by an OpenAI primary or, that failing, by Bedrock."""
    script = openai_dialect.chat() if request.param == "primary" else status(500)
    made = sdk(start(to_bedrock(provider(script), provider(bedrock.converse())),
                     env=bedrock.ENVIRONMENT))
    made.expected = openai_dialect.TEXT if request.param == "primary" else bedrock.TEXT
    return made


def text_of(stream):
    return "".join(c.choices[0].delta.content or "" for c in stream if c.choices)


def test_unary(client):
    answer = client.chat.completions.create(model="m", messages=HELLO, temperature=0.5,
                                            max_tokens=50, stop=["END"])
    assert answer.choices[0].message.content == client.expected
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens > 0


def test_streaming(client):
    chunks = list(client.chat.completions.create(model="m", messages=HELLO, stream=True))
    assert text_of(chunks) == client.expected
    assert chunks[0].object == "chat.completion.chunk"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"


def test_tool_call_and_its_result(client):
    answer = client.chat.completions.create(model="m", messages=HELLO, tools=TOOLS,
                                            tool_choice="required")
    message = answer.choices[0].message
    call = message.tool_calls[0]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == (
        "get_weather", {"city": "Oslo"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "4 degrees, rain"}
    again = client.chat.completions.create(
        model="m", messages=[*HELLO, message.model_dump(exclude_none=True), result], tools=TOOLS)
    assert again.choices[0].message.content == client.expected


def test_streamed_tool_call(client):
    chunks = list(client.chat.completions.create(model="m", messages=HELLO, tools=TOOLS,
                                                 stream=True))
    calls = [c.choices[0].delta.tool_calls[0] for c in chunks
             if c.choices and c.choices[0].delta.tool_calls]
    assert calls[0].id and calls[0].function.name == "get_weather"
    arguments = "".join(call.function.arguments or "" for call in calls)
    assert json.loads(arguments) == {"city": "Oslo"}
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "tool_calls"


def test_two_megabytes_of_prompt(client):
    text = "All work and no play. " * (2 * 1024 * 1024 // 22)
    answer = client.chat.completions.create(
        model="m", messages=[{"role": "system", "content": "Be brief."},
                             {"role": "user", "content": text}])
    assert answer.choices[0].message.content == client.expected


def test_several_requests_use_one_connection(start, provider, sdk):
    primary = provider()
    client = sdk(start(config.single(primary), workers=1))
    for _ in range(5):
        client.chat.completions.create(model="m", messages=HELLO)
    assert primary.connections == 1


def test_the_providers_error_reaches_the_client_as_it_is(start, provider, sdk):
    body = b'{"error":{"message":"no such parameter","type":"invalid_request_error",' \
           b'"param":"temperature","code":"bad"}}'
    client = sdk(start(config.single(provider(status(400, body)))))
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="m", messages=HELLO)
    assert caught.value.param == "temperature" and caught.value.code == "bad"
    assert caught.value.response.content == body
    assert caught.value.response.headers["x-understudy-error-origin"] == "upstream"


def test_a_bedrock_error_arrives_in_openais_shape(start, provider, sdk):
    def throttled(exchange):
        bedrock.refuse(exchange, bedrock.Refused(400, "ValidationException", 'say "please"'))
    client = sdk(start(config.documents(config.route(["only"]),
                                        *config.bedrock("only", provider(throttled).port)),
                       env=bedrock.ENVIRONMENT))
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="m", messages=HELLO)
    assert "please" in caught.value.body["message"]
    assert set(caught.value.response.json()["error"]) >= {"message", "type", "param", "code"}


def test_an_exception_in_a_bedrock_stream_raises(start, provider, sdk):
    broken = bedrock.converse(tail=[bedrock.exception("throttlingException", "too fast")])
    client = sdk(start(config.documents(config.route(["only"]),
                                        *config.bedrock("only", provider(broken).port)),
                       env=bedrock.ENVIRONMENT))
    with pytest.raises(openai.APIError):
        with client.chat.completions.create(model="m", messages=HELLO, stream=True) as stream:
            list(stream)


def test_a_bedrock_stream_with_a_broken_checksum_raises(start, provider, sdk):
    frame = bytearray(bedrock.event("contentBlockDelta",
                                    {"contentBlockIndex": 0, "delta": {"text": "x"}}))
    frame[-1] ^= 0xFF
    broken = bedrock.converse(tail=[bytes(frame)])
    client = sdk(start(config.documents(config.route(["only"]),
                                        *config.bedrock("only", provider(broken).port)),
                       env=bedrock.ENVIRONMENT))
    with pytest.raises(openai.APIError):
        with client.chat.completions.create(model="m", messages=HELLO, stream=True) as stream:
            list(stream)


class Crowd:
    """Many SDK clients that stream at once; each notes what it got."""

    def __init__(self, daemon, count, rounds):
        self.results = []
        self.lock = threading.Lock()
        self.client = openai.OpenAI(base_url=daemon.base_url, api_key="x", max_retries=0,
                                    timeout=30)
        self.rounds = rounds
        self.threads = [threading.Thread(target=self.run) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self):
        for _ in range(self.rounds):
            text, finish, error = "", None, None
            try:
                with self.client.chat.completions.create(model="m", messages=HELLO,
                                                         stream=True) as stream:
                    for chunk in stream:
                        if chunk.choices:
                            text += chunk.choices[0].delta.content or ""
                            finish = chunk.choices[0].finish_reason or finish
            except Exception as caught:  # whatever the SDK raises is a raised error
                error = caught
            with self.lock:
                self.results.append((text, finish, error))

    def join(self):
        for thread in self.threads:
            thread.join(60 * SLOWNESS)
        assert not any(thread.is_alive() for thread in self.threads), "a stream never ended"
        self.client.close()
        return self.results


def test_fifty_parallel_streams_while_the_primary_is_killed_and_revived(start, provider):
    begun = threading.Event()

    def slow_stream(exchange):
        exchange.head(200, openai_dialect.SSE)
        for piece in openai_dialect.events(openai_dialect.TEXT):
            exchange.chunk(piece)
            begun.set()
            time.sleep(0.01)
        exchange.last_chunk()

    primary, fallback = provider(slow_stream, "primary"), provider(bedrock.converse(), "fallback")
    daemon = start(to_bedrock(primary, fallback, config.traffic_policy(
        retry=config.retry(3, [500], ["5xx", "reset", "connect-failure"], per_priority=1),
        healthCheck=config.passive(consecutive5XxErrors=1, baseEjectionTime="100ms",
                                   interval="50ms"))), env=bedrock.ENVIRONMENT)
    crowd = Crowd(daemon, count=50, rounds=4)
    kills = 0
    while kills < 4 and any(thread.is_alive() for thread in crowd.threads):
        if begun.wait(0.05):
            primary.kill()
            kills += 1
            begun.clear()
            time.sleep(0.05)
            primary.listen()
    results = crowd.join()
    whole = {openai_dialect.TEXT, bedrock.TEXT}
    assert kills >= 2 and len(results) == 200
    for text, finish, error in results:
        if error is None:  # an answer without an error is a complete one
            assert text in whole and finish == "stop", (text, finish)
        else:  # only what had begun, on the primary, may end with an error
            assert openai_dialect.TEXT.startswith(text), (text, error)
            assert not isinstance(error, openai.APIStatusError), error
    cut = sum(error is not None for *_, error in results)
    assert cut < 200
    assert any(text == bedrock.TEXT and error is None for text, _, error in results)
    # Left alone, the primary gets its place back.
    wait_until(lambda: Crowd(daemon, count=1, rounds=1).join()[0][0] == openai_dialect.TEXT)


def test_no_error_reaches_a_client_whose_answer_had_not_begun(start, provider, sdk):
    """The primary takes the request and dies before its head, fifty times at once."""
    primary, fallback = provider(lambda e: e.wait_for_peer_to_leave(), "primary"), provider()
    daemon = start(config.primary_and_fallback(primary, fallback))
    crowd = Crowd(daemon, count=50, rounds=1)
    primary.wait_for_requests(50)
    primary.kill()
    for text, finish, error in crowd.join():
        assert error is None, error
        assert (text, finish) == (openai_dialect.TEXT, "stop")


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_stream_that_had_begun_and_breaks_raises(start, provider, sdk, ending):
    gate = openai_dialect.Gated(ending=lambda exchange: getattr(exchange, ending)())
    primary, fallback = provider(gate, "primary"), provider()
    client = sdk(start(config.primary_and_fallback(primary, fallback)))
    gate.let(3)
    got = []
    with client.chat.completions.create(model="m", messages=HELLO, stream=True) as stream:
        with pytest.raises(Exception) as caught:
            for chunk in stream:
                got.append(chunk)
                if len(got) == 3:
                    gate.cut()
    assert len(got) == 3 and not isinstance(caught.value, AssertionError)
    assert fallback.count == 0  # what has begun is not begun again


def test_the_sdks_own_retries_are_not_multiplied(start, provider, sdk):
    """`x-should-retry: false` where the proxy has used its attempts up."""
    primary, fallback = provider(status(500), "primary"), provider(status(500), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(1, [500], per_priority=1))))
    client = sdk(daemon, max_retries=3)
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="m", messages=HELLO)
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert (primary.count, fallback.count) == (1, 1)
    wait_until(lambda: len(daemon.access_lines()) == 1, what="one access log line")
