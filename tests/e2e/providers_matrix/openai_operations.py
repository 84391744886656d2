"""The operations of the OpenAI SDK. Each asks, and checks what the client got, to the value."""
import json

import pydantic

from providers import scene
from providers.scene import ARGUMENTS, INPUT_TOKENS, OUTPUT_TOKENS

HELLO = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello there"}]
BOTH = [{"role": "user", "content": "Ask both tools."}]
SCHEMAS = {"get_weather": "city", "get_time": "zone"}


def _parameters(field):
    return {"type": "object", "properties": {field: {"type": "string"}}, "required": [field],
            "additionalProperties": False}


TOOLS = [{"type": "function", "function": {"name": name, "description": f"Tells {name[4:]}",
                                           "parameters": _parameters(field)}}
         for name, field in SCHEMAS.items()]
RESPONSES_TOOLS = [{"type": "function", "strict": False, **{k: v for k, v in tool["function"].items()}}
                   for tool in TOOLS]
IMAGE_URL = f"data:image/png;base64,{scene.PNG_BASE64}"


class Weather(pydantic.BaseModel):
    city: str
    degrees: int


ANSWER_SCHEMA = {**_parameters("city"), "properties": {"city": {"type": "string"},
                                                       "degrees": {"type": "integer"}},
                 "required": ["city", "degrees"]}


def _is(got, wanted):
    assert got == wanted, f"got {got!r}, wanted {wanted!r}"


def _usage(usage):
    _is((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens),
        (INPUT_TOKENS, OUTPUT_TOKENS, INPUT_TOKENS + OUTPUT_TOKENS))


def _ask(client, messages=None, **how):
    return client.openai.chat.completions.create(
        model=client.model(), messages=messages or HELLO, max_completion_tokens=64, **how)


def _calls(calls, names):
    _is([(c.function.name, json.loads(c.function.arguments)) for c in calls],
        [(name, ARGUMENTS[name]) for name in names])
    assert all(c.id for c in calls) and len({c.id for c in calls}) == len(calls)


def chat(client):
    answer = _ask(client, temperature=0.5, stop=["END"])
    _is(answer.choices[0].message.content, scene.TEXT)
    _is((answer.choices[0].finish_reason, answer.object), ("stop", "chat.completion"))
    assert answer.id and answer.model
    _usage(answer.usage)


def _streamed(client, **how):
    chunks = list(_ask(client, stream=True, **how))
    assert all(c.object == "chat.completion.chunk" and c.id for c in chunks)
    finishes = [c.choices[0].finish_reason for c in chunks if c.choices]
    assert finishes[-1] and not any(finishes[:-1]), finishes
    return chunks, finishes[-1]


def chat_stream(client):
    chunks, finish = _streamed(client, stream_options={"include_usage": True})
    _is("".join(c.choices[0].delta.content or "" for c in chunks if c.choices), scene.TEXT)
    _is(finish, "stop")
    _is([bool(c.usage) for c in chunks], [False] * (len(chunks) - 1) + [True])
    _usage(chunks[-1].usage)
    assert len(chunks) > len(scene.words(scene.TEXT)), "not streamed"


def chat_stream_without_usage(client):
    chunks, finish = _streamed(client)
    _is((finish, [c.usage for c in chunks if c.usage]), ("stop", []))


def chat_tools(client):
    answer = _ask(client, tools=TOOLS[:1], tool_choice="required")
    _calls(answer.choices[0].message.tool_calls, ["get_weather"])
    _is(answer.choices[0].finish_reason, "tool_calls")


def _gathered(chunks):
    """By index, as a client of the wire format does it."""
    calls = {}
    for chunk in chunks:
        for call in chunk.choices[0].delta.tool_calls or [] if chunk.choices else []:
            mine = calls.setdefault(call.index, {"id": "", "name": "", "arguments": ""})
            mine["id"] += call.id or ""
            mine["name"] += (call.function and call.function.name) or ""
            mine["arguments"] += (call.function and call.function.arguments) or ""
    return [calls[index] for index in sorted(calls)]


def _streamed_tools(client, messages, tools, names):
    chunks, finish = _streamed(client, messages=messages, tools=tools)
    calls = _gathered(chunks)
    _is([(c["name"], json.loads(c["arguments"])) for c in calls], [(n, ARGUMENTS[n]) for n in names])
    assert len({c["id"] for c in calls}) == len(calls) and all(c["id"] for c in calls)
    _is(finish, "tool_calls")


def chat_tools_stream(client):
    _streamed_tools(client, HELLO, TOOLS[:1], ["get_weather"])


def chat_parallel_tools(client):
    answer = _ask(client, BOTH, tools=TOOLS, tool_choice="auto")
    _calls(answer.choices[0].message.tool_calls, list(SCHEMAS))


def chat_parallel_tools_stream(client):
    _streamed_tools(client, BOTH, TOOLS, list(SCHEMAS))


def chat_tool_results(client):
    message = _ask(client, BOTH, tools=TOOLS).choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": f"result of {call.id}"}
               for call in message.tool_calls]
    answer = _ask(client, [*BOTH, message.model_dump(exclude_none=True), *results], tools=TOOLS)
    _is(answer.choices[0].message.content, scene.AFTER_TOOLS)


def chat_vision(client):
    answer = _ask(client, [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": IMAGE_URL}}]}])
    _is(answer.choices[0].message.content, scene.IMAGE_TEXT)


def chat_json_schema(client):
    answer = _ask(client, response_format={"type": "json_schema", "json_schema": {
        "name": "weather", "strict": True, "schema": ANSWER_SCHEMA}})
    _is(json.loads(answer.choices[0].message.content), json.loads(scene.JSON_TEXT))


def chat_parse(client):
    answer = client.openai.chat.completions.parse(model=client.model(), messages=HELLO,
                                                  max_completion_tokens=64, response_format=Weather)
    _is(answer.choices[0].message.parsed, Weather(city="Oslo", degrees=4))


def completions(client):
    answer = client.openai.completions.create(model=client.model(), prompt="Say it", max_tokens=64)
    _is((answer.choices[0].text, answer.choices[0].finish_reason), (scene.TEXT, "stop"))
    _usage(answer.usage)


def completions_stream(client):
    chunks = list(client.openai.completions.create(model=client.model(), prompt="Say it",
                                                   max_tokens=64, stream=True))
    _is("".join(c.choices[0].text for c in chunks if c.choices), scene.TEXT)


def _embed(client, kind, **how):
    answer = client.openai.embeddings.create(model=client.model(kind), **how)
    assert answer.usage.prompt_tokens in (INPUT_TOKENS, 2 * INPUT_TOKENS), answer.usage
    return [(e.index, e.embedding) for e in answer.data]


def embeddings(client):
    _is(_embed(client, "embed", input="one", encoding_format="float"), [(0, scene.VECTOR)])


def embeddings_base64(client):
    """The SDK's default: it asks for base64 and unpacks it."""
    _is(_embed(client, "embed", input="one"), [(0, scene.VECTOR)])


def embeddings_many(client):
    _is(_embed(client, "embed_many", input=["one", "two"], encoding_format="float"),
        [(0, scene.VECTOR), (1, scene.VECTOR)])


def responses(client):
    answer = client.openai.responses.create(model=client.model(), input="Hello there",
                                            instructions="Be brief.", max_output_tokens=64)
    _is((answer.output_text, answer.status), (scene.TEXT, "completed"))
    _is((answer.usage.input_tokens, answer.usage.output_tokens), (INPUT_TOKENS, OUTPUT_TOKENS))


def responses_stream(client):
    with client.openai.responses.stream(model=client.model(), input="Hello there",
                                        max_output_tokens=64) as stream:
        events = list(stream)
        final = stream.get_final_response()
    deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
    _is(("".join(deltas), final.output_text), (scene.TEXT, scene.TEXT))
    _is((events[0].type, events[-1].type), ("response.created", "response.completed"))
    numbers = [e.sequence_number for e in events if hasattr(e, "sequence_number")]
    assert numbers == sorted(numbers) and len(deltas) > 1
    _is((final.usage.input_tokens, final.usage.output_tokens), (INPUT_TOKENS, OUTPUT_TOKENS))


def _response_calls(output, names):
    calls = [item for item in output if item.type == "function_call"]
    _is([(c.name, json.loads(c.arguments)) for c in calls], [(n, ARGUMENTS[n]) for n in names])
    assert all(c.call_id for c in calls)
    return calls


def responses_tools(client):
    answer = client.openai.responses.create(model=client.model(), input="Hello", max_output_tokens=64,
                                            tools=RESPONSES_TOOLS[:1], tool_choice="required")
    _response_calls(answer.output, ["get_weather"])


def responses_tools_stream(client):
    with client.openai.responses.stream(model=client.model(), input="Ask both", max_output_tokens=64,
                                        tools=RESPONSES_TOOLS) as stream:
        events = list(stream)
        final = stream.get_final_response()
    _response_calls(final.output, list(SCHEMAS))
    deltas = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
    assert deltas


def responses_tool_results(client):
    question = {"role": "user", "content": "Ask both"}
    first = client.openai.responses.create(model=client.model(), input=[question],
                                           max_output_tokens=64, tools=RESPONSES_TOOLS)
    calls = _response_calls(first.output, list(SCHEMAS))
    given = [{"type": "function_call", "call_id": c.call_id, "name": c.name,
              "arguments": c.arguments} for c in calls]
    given += [{"type": "function_call_output", "call_id": c.call_id, "output": "done"}
              for c in calls]
    answer = client.openai.responses.create(model=client.model(), input=[question, *given],
                                            max_output_tokens=64, tools=RESPONSES_TOOLS)
    _is(answer.output_text, scene.AFTER_TOOLS)


def responses_vision(client):
    answer = client.openai.responses.create(
        model=client.model(), max_output_tokens=64, input=[{"role": "user", "content": [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": IMAGE_URL, "detail": "auto"}]}])
    _is(answer.output_text, scene.IMAGE_TEXT)


def responses_parse(client):
    answer = client.openai.responses.parse(model=client.model(), input="Weather?",
                                           max_output_tokens=64, text_format=Weather)
    _is(answer.output_parsed, Weather(city="Oslo", degrees=4))


def responses_input_tokens(client):
    answer = client.openai.responses.input_tokens.count(model=client.model(), input="Hello there")
    _is(answer.input_tokens, scene.COUNTED_TOKENS)


def _picture(answer):
    _is(answer.data[0].b64_json, scene.PNG_BASE64)


def images_generate(client):
    _picture(client.openai.images.generate(model="gpt-image-1", prompt="a red pixel"))


def images_edit(client):
    _picture(client.openai.images.edit(model="gpt-image-1", prompt="redder",
                                       image=("pixel.png", scene.PNG, "image/png")))


def images_variation(client):
    _picture(client.openai.images.create_variation(model="dall-e-2",
                                                   image=("pixel.png", scene.PNG, "image/png")))


def audio_speech(client):
    _is(client.openai.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy",
                                          input="Hello").content, scene.AUDIO)


def audio_transcription(client):
    _is(client.openai.audio.transcriptions.create(
        model="whisper-1", file=("song.mp3", scene.AUDIO, "audio/mpeg")).text, scene.TEXT)


def audio_translation(client):
    _is(client.openai.audio.translations.create(
        model="whisper-1", file=("song.mp3", scene.AUDIO, "audio/mpeg")).text, scene.TEXT)


def moderations(client):
    answer = client.openai.moderations.create(model="omni-moderation-latest", input="a threat")
    assert answer.results[0].flagged and answer.results[0].categories.violence


def _posted(client, path, body):
    """No SDK of ours has these: through the OpenAI client's own plain POST."""
    return client.openai.post(f"{client.root}{path}", body=body, cast_to=object)


def rerank(client):
    answer = _posted(client, "/cohere/v2/rerank", {
        "model": client.model("rerank"), "query": "q", "documents": ["a", "b", "c"], "top_n": 2})
    _is([r["index"] for r in answer["results"]], [2, 1])


OPERATIONS = [
    chat, chat_stream, chat_stream_without_usage, chat_tools, chat_tools_stream, chat_parallel_tools,
    chat_parallel_tools_stream, chat_tool_results, chat_vision, chat_json_schema, chat_parse,
    completions, completions_stream, embeddings, embeddings_base64, embeddings_many, responses,
    responses_stream, responses_tools, responses_tools_stream, responses_tool_results,
    responses_vision, responses_parse, responses_input_tokens, images_generate, images_edit,
    images_variation, audio_speech, audio_transcription, audio_translation, moderations, rerank]
