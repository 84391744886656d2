"""Forms: audio and images. The model is a part of the body, and so is what routes and renames it."""
import email.parser
import email.policy
import io
import json

import openai
import pytest

from harness import config, raw
from harness.daemon import wait_until
from providers.server import status

TRANSCRIPTIONS = "/v1/audio/transcriptions"
AUDIO = b"RIFF\x00\xff\r\n--\r\n--boundary\r\n" + bytes(range(256)) * 40
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(255, -1, -1)) * 8
HEARD = b'{"text":"what was said"}'


def fields(request):
    """[(name, filename, bytes)] of a form, by the standard library's own reader."""
    head = f"content-type: {request.header('content-type')}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    return [(part.get_param("name", header="content-disposition"), part.get_filename(),
             part.get_payload(decode=True)) for part in message.iter_parts()]


def models(*providers):
    """A rule for each provider's name as a model."""
    rules = [{"matches": [{"headers": [{"name": "x-ai-eg-model", "value": p.name}]}],
              "backendRefs": [{"name": p.name}]} for p in providers]
    spec = {"apiVersion": "aigateway.envoyproxy.io/v1beta1", "kind": "AIGatewayRoute",
            "metadata": {"name": "llm"}, "spec": {"rules": rules}}
    objects = [o for p in providers for o in config.backend(p.name, p.port)]
    return config.documents(spec, *objects)


def form(data, files):
    """(content type, body) as browsers and HTTP libraries write them."""
    boundary = "f00dfacef00dface"
    parts = [(f'name="{name}"', text.encode()) for name, text in data.items()]
    parts += [(f'name="{name}"; filename="{filename}"\r\nContent-Type: application/octet-stream',
               content) for name, (filename, content) in files.items()]
    body = b"".join(b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n"
                    % (boundary.encode(), words.encode(), content) for words, content in parts)
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


def post(daemon, path, body, content_type="application/json", headers=()):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return raw.ask(daemon.port, "POST", path, body, [("content-type", content_type), *headers])


def post_form(daemon, path, data, files, headers=()):
    content_type, body = form(data, files)
    return post(daemon, path, body, content_type, headers)


def test_the_model_of_a_form_chooses_the_rule_and_the_body_stays(start, provider):
    a, b = (provider(status(200, HEARD), name) for name in ("whisper-a", "whisper-b"))
    daemon = start(models(a, b))
    content_type, body = form({"model": "whisper-b", "language": "no"}, {"file": ("a.wav", AUDIO)})
    answer = post(daemon, TRANSCRIPTIONS, body, content_type)
    assert (answer.status, answer.body) == (200, HEARD)
    assert answer.header("x-understudy-backend") == "whisper-b"
    assert b.requests[0].body == body
    assert b.requests[0].header("content-type") == content_type
    assert a.count == 0


def test_the_sdk_transcribes_translates_edits_and_varies(start, provider, sdk):
    primary = provider()
    daemon = start(config.single(primary))
    client = sdk(daemon)
    primary.always(status(200, HEARD))
    file = ("speech.mp3", io.BytesIO(AUDIO), "audio/mpeg")
    assert client.audio.transcriptions.create(model="m", file=file).text == "what was said"
    assert client.audio.translations.create(model="m", file=file).text == "what was said"
    primary.always(status(200, b'{"created":1,"data":[{"b64_json":"aGk="}]}'))
    images = [("a.png", io.BytesIO(PNG), "image/png"), ("b.png", io.BytesIO(PNG), "image/png")]
    assert client.images.edit(model="m", image=images, prompt="p").data[0].b64_json == "aGk="
    assert client.images.create_variation(image=images[0]).data[0].b64_json == "aGk="
    assert [r.target for r in primary.requests] == [
        "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/images/edits",
        "/v1/images/variations"]
    assert ("file", "speech.mp3", AUDIO) in fields(primary.requests[0])
    assert [f[0] for f in fields(primary.requests[2])].count("image[]") == 2


def test_a_models_override_rewrites_that_part_alone(start, provider):
    primary = provider(status(500), "primary")
    fallback = provider(status(200, HEARD), "fallback")
    refs = [{"name": "primary", "priority": 0, "modelNameOverride": "first/model"},
            {"name": "fallback", "priority": 1, "modelNameOverride": "second:model"}]
    daemon = start(config.documents(
        config.route(refs), *config.backend("primary", primary.port),
        *config.backend("fallback", fallback.port),
        config.traffic_policy(retry=config.retry(1, [500], per_priority=1))))
    answer = post_form(daemon, TRANSCRIPTIONS, {"model": "asked", "prompt": "æøå"},
                       {"file": ("a.wav", AUDIO)})
    assert answer.status == 200
    for one, model in ((primary, b"first/model"), (fallback, b"second:model")):
        assert one.count == 1
        assert fields(one.requests[0]) == [
            ("model", None, model), ("prompt", None, "æøå".encode()), ("file", "a.wav", AUDIO)]
        assert int(one.requests[0].header("content-length")) == len(one.requests[0].body)
    line = daemon.access_line(answer.header("x-request-id"))
    assert line["model"] == "asked"


def test_azure_gets_the_model_in_the_path_and_the_form_as_it_is(start, provider):
    azure = provider(status(200, HEARD), "azure")
    service = {"schema": {"name": "AzureOpenAI", "version": "2024-10-21"}}
    daemon = start(config.documents(
        config.route([{"name": "azure", "modelNameOverride": "my whisper/1"}]),
        *config.backend("azure", azure.port, schema="AzureOpenAI",
                        security=("AzureAPIKey", "azure-key"), service=service)))
    answer = post_form(daemon, TRANSCRIPTIONS, {"model": "asked"}, {"file": ("a.wav", AUDIO)},
                       [("authorization", "Bearer client")])
    assert answer.status == 200
    seen = azure.requests[0]
    assert seen.target == ("/openai/deployments/my%20whisper%2F1/audio/transcriptions"
                           "?api-version=2024-10-21")
    assert seen.header("api-key") == "azure-key" and seen.header("authorization") is None
    assert fields(seen)[0] == ("model", None, b"asked")
    speech = post(daemon, "/v1/audio/speech", {"model": "asked", "input": "hi", "voice": "v"})
    assert speech.status == 200
    assert azure.requests[1].target.startswith("/openai/deployments/my%20whisper%2F1/audio/speech?")
    assert json.loads(azure.requests[1].body)["model"] == "my whisper/1"


def test_a_streamed_transcription_passes_event_by_event(start, provider, sdk):
    events = [{"type": "transcript.text.delta", "delta": "what "},
              {"type": "transcript.text.delta", "delta": "was"},
              {"type": "transcript.text.done", "text": "what was"}]

    def script(exchange):
        assert ("stream", None, b"true") in fields(exchange.request)
        exchange.head(200, [("content-type", "text/event-stream"),
                            ("transfer-encoding", "chunked")])
        for event in events:
            exchange.chunk(b"data: %s\n\n" % json.dumps(event).encode())
        exchange.last_chunk()

    daemon = start(config.single(provider(script)))
    stream = sdk(daemon).audio.transcriptions.create(
        model="m", file=("a.wav", io.BytesIO(AUDIO)), stream=True)
    assert [e.type for e in stream] == [e["type"] for e in events]
    lines = wait_until(daemon.access_lines, what="an access log line")
    assert lines[0]["stream"] is True


MODEL = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n'
END = b"--b--\r\n"
FORM = "multipart/form-data; boundary=b"


@pytest.mark.parametrize("path, content_type, body, word", [
    (TRANSCRIPTIONS, "application/json", b'{"model":"m"}', "multipart/form-data"),
    (TRANSCRIPTIONS, None, MODEL + FILE + END, "multipart/form-data"),
    (TRANSCRIPTIONS, "multipart/form-data", MODEL + FILE + END, "boundary"),
    (TRANSCRIPTIONS, FORM, FILE + END, "`model`"),
    (TRANSCRIPTIONS, FORM, MODEL + END, "`file`"),
    (TRANSCRIPTIONS, FORM, MODEL + FILE, "cut off"),
    (TRANSCRIPTIONS, FORM, MODEL + MODEL + FILE + END, "more than one"),
    (TRANSCRIPTIONS, FORM, b"", "boundary"),
    ("/v1/images/edits", FORM, MODEL + FILE + END, "`image`"),
    ("/v1/images/variations", "application/json", b"{}", "multipart/form-data"),
    ("/v1/chat/completions", FORM, MODEL + FILE + END, "JSON"),
    ("/v1/images/generations", FORM, MODEL + FILE + END, "JSON"),
])
def test_what_is_no_form_or_should_be_none_is_400(start, provider, path, content_type, body, word):
    primary = provider()
    daemon = start(config.single(primary))
    headers = [("content-type", content_type)] if content_type else []
    answer = raw.ask(daemon.port, "POST", path, body, headers)
    assert answer.status == 400, answer
    error = json.loads(answer.body)["error"]
    assert word in error["message"] and error["type"] == "invalid_request_error"
    assert primary.count == 0


def test_an_image_edit_may_be_json(start, provider):
    primary = provider(status(200, b'{"created":1,"data":[]}'))
    daemon = start(config.documents(
        config.route([{"name": "only", "modelNameOverride": "other"}], model="m"),
        *config.backend("only", primary.port)))
    body = {"model": "m", "images": [{"file_id": "file-1"}], "prompt": "p"}
    assert post(daemon, "/v1/images/edits", body).status == 200
    assert json.loads(primary.requests[0].body) == {**body, "model": "other"}


def test_a_form_for_a_backend_without_audio_is_422(start, provider):
    primary = provider()
    daemon = start(config.documents(config.route(["claude"]),
                                    *config.backend("claude", primary.port, schema="Anthropic")))
    answer = raw.ask(daemon.port, "POST", TRANSCRIPTIONS, MODEL + FILE + END,
                     [("content-type", FORM)])
    message = json.loads(answer.body)["error"]["message"]
    assert answer.status == 422 and "audio_transcriptions" in message and "Anthropic" in message
    assert primary.count == 0


def test_a_form_goes_to_the_backend_that_has_audio(start, provider):
    claude, openai_one = provider(name="claude"), provider(status(200, HEARD), "openai")
    daemon = start(config.documents(
        config.route([{"name": "claude", "priority": 0}, {"name": "openai", "priority": 1}]),
        *config.backend("claude", claude.port, schema="Anthropic"),
        *config.backend("openai", openai_one.port)))
    answer = raw.ask(daemon.port, "POST", TRANSCRIPTIONS, MODEL + FILE + END,
                     [("content-type", FORM)])
    assert (answer.status, answer.body) == (200, HEARD)
    assert claude.count == 0


def test_an_error_of_the_audio_provider_is_raised_by_the_sdk(start, provider, sdk):
    daemon = start(config.single(provider(status(413, b"too long a file"))))
    with pytest.raises(openai.APIStatusError) as raised:
        sdk(daemon).audio.transcriptions.create(model="m", file=("a.wav", io.BytesIO(AUDIO)))
    assert raised.value.status_code == 413
