"""A provider's error, in its own shape, is the right exception of the client's SDK with the words kept."""
import anthropic
import openai
import pytest

import stage as stage_module
import table

CELLS = table.read()
CLASSES = {400: "BadRequestError", 403: "PermissionDeniedError", 404: "NotFoundError",
           429: "RateLimitError", 500: "InternalServerError", 503: "InternalServerError"}
WORDS = "the provider was told to fail with {}"


def served(operation):
    return [s for s in stage_module.SCHEMAS if CELLS.get((operation, s)) == table.WORKS]


def asked(code):
    return [{"role": "user", "content": f"Please fail with {code}"}]


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("code", CLASSES)
@pytest.mark.parametrize("schema", served("chat"))
def test_openai(clients, stage, schema, code, is_stream):
    client = clients[schema]
    with pytest.raises(openai.APIStatusError) as caught:
        client.openai.chat.completions.create(model=client.model(), max_completion_tokens=64,
                                              messages=asked(code), stream=is_stream)
    assert (type(caught.value).__name__, caught.value.status_code) == (CLASSES[code], code)
    assert WORDS.format(code) in caught.value.body["message"]
    assert caught.value.response.headers["x-understudy-error-origin"] == "upstream"
    assert not stage.complaints()


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("code", [*CLASSES, 529])
@pytest.mark.parametrize("schema", served("messages"))
def test_anthropic(clients, stage, schema, code, is_stream):
    client = clients[schema]
    with pytest.raises(anthropic.APIStatusError) as caught:
        client.anthropic.messages.create(model=client.model(), max_tokens=64, messages=asked(code),
                                         stream=is_stream)
    assert caught.value.status_code == code
    assert isinstance(caught.value, getattr(anthropic, CLASSES.get(code, "InternalServerError")))
    assert caught.value.body["type"] == "error"
    assert WORDS.format(code) in caught.value.body["error"]["message"]
    assert caught.value.body["error"]["type"]
    assert not stage.complaints()


@pytest.mark.parametrize("code", [400, 429, 500])
@pytest.mark.parametrize("schema", served("embeddings"))
def test_embeddings(clients, stage, schema, code):
    client = clients[schema]
    with pytest.raises(openai.APIStatusError) as caught:
        client.openai.embeddings.create(model=client.model("embed"), input=f"fail with {code}")
    assert (type(caught.value).__name__, caught.value.status_code) == (CLASSES[code], code)
    assert WORDS.format(code) in caught.value.body["message"]
    assert not stage.complaints()


@pytest.mark.parametrize("code", [400, 429, 500])
@pytest.mark.parametrize("schema", served("responses"))
def test_responses(clients, stage, schema, code):
    client = clients[schema]
    with pytest.raises(openai.APIStatusError) as caught:
        client.openai.responses.create(model=client.model(), input=f"fail with {code}",
                                       max_output_tokens=64)
    assert (type(caught.value).__name__, caught.value.status_code) == (CLASSES[code], code)
    assert WORDS.format(code) in caught.value.body["message"]
    assert not stage.complaints()
