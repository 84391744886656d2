"""What is no operation that is known: passed on where client and backend speak one dialect. And the
models that are answered here."""
import http.client
import io
import json
import threading

import openai
import pytest

from harness import config, raw
from harness.daemon import wait_until
from providers import bedrock
from providers.server import status

JSON = [("content-type", "application/json")]


def mixed(openai_one, claude, cohere, prefix="/api/v9"):
    """One rule that holds all three dialects."""
    return config.documents(
        config.route(["openai", "claude", "cohere"]),
        *config.backend("openai", openai_one.port, security=("APIKey", "openai-key"),
                        service={"schema": {"name": "OpenAI", "prefix": prefix}}),
        *config.backend("claude", claude.port, schema="Anthropic",
                        security=("AnthropicAPIKey", "claude-key")),
        *config.backend("cohere", cohere.port, security=("APIKey", "cohere-key"),
                        service={"schema": {"name": "Cohere", "version": "v2"}}))


@pytest.fixture
def three(provider):
    return [provider(status(200, name.encode()), name) for name in ("openai", "claude", "cohere")]


@pytest.mark.parametrize("method, path, name, target", [
    ("GET", "/v1/files?limit=2&after=f%2F1", "openai", "/api/v9/files?limit=2&after=f%2F1"),
    ("DELETE", "/v1/files/file-1", "openai", "/api/v9/files/file-1"),
    ("POST", "/v1/messages", "openai", "/api/v9/messages"),
    ("GET", "/v1/chat/completions?limit=1", "openai", "/api/v9/chat/completions?limit=1"),
    ("GET", "/anthropic/v1/files?x=%20", "claude", "/v1/files?x=%20"),
    ("POST", "/anthropic/v1/messages/batches", "claude", "/v1/messages/batches"),
    ("POST", "/cohere/v2/chat?y", "cohere", "/v2/chat?y"),
    ("HEAD", "/cohere/v1/models", "cohere", "/v1/models"),
])
def test_a_path_goes_to_the_backend_of_its_dialect(start, three, method, path, name, target):
    daemon = start(mixed(*three))
    by_name = {p.name: p for p in three}
    body = b"\x00 no JSON" if method == "POST" else b""
    answer = raw.ask(daemon.port, method, path, body, [
        ("content-type", "application/x-odd"), ("x-own", "kept"), ("authorization", "Bearer client")])
    assert answer.status == 200 and answer.header("x-understudy-backend") == name
    assert answer.body == (b"" if method == "HEAD" else name.encode())
    seen = by_name[name].requests[0]
    assert (seen.method, seen.target, seen.body) == (method, target, body)
    assert seen.header("x-own") == "kept" and seen.header("content-type") == "application/x-odd"
    keys = {"openai": ("authorization", "Bearer openai-key"), "claude": ("x-api-key", "claude-key"),
            "cohere": ("authorization", "Bearer cohere-key")}
    assert seen.header(keys[name][0]) == keys[name][1] and "Bearer client" not in str(seen.headers)
    assert sum(p.count for p in three) == 1


def test_the_sdk_uploads_a_file_and_reads_it(start, provider, sdk):
    def script(exchange):
        if exchange.request.method == "POST":
            assert b"line one" in exchange.body()
            exchange.reply(200, b'{"id":"file-1","object":"file","bytes":8,"created_at":1,'
                                b'"filename":"a.jsonl","purpose":"batch","status":"processed"}')
        else:
            exchange.reply(200, b"line one", content_type="application/octet-stream")

    daemon = start(config.single(provider(script)))
    client = sdk(daemon)
    assert client.files.create(file=("a.jsonl", io.BytesIO(b"line one")), purpose="batch").id \
        == "file-1"
    assert client.files.content("file-1").content == b"line one"


@pytest.mark.parametrize("path, schema", [
    ("/v1/files", "AWSBedrock"), ("/v1/files", "Anthropic"), ("/v1/files", "AzureOpenAI"),
    ("/anthropic/v1/files", "OpenAI"), ("/cohere/v2/chat", "OpenAI")])
def test_another_dialect_is_422(start, provider, path, schema):
    one = provider(name="one")
    daemon = start(config.documents(config.route(["one"]),
                                    *config.backend("one", one.port, schema=schema)))
    answer = raw.ask(daemon.port, "GET", path)
    error = json.loads(answer.body)["error"]
    assert answer.status == 422 and one.count == 0
    assert schema in error["message"] and "_other" in error["message"] and path in error["message"]
    assert ("type" in json.loads(answer.body)) == path.startswith("/anthropic")


def test_two_backends_of_another_dialect_are_422_too(start, provider):
    a, b = provider(name="a"), provider(name="b")
    daemon = start(config.documents(config.route(["a", "b"]),
                                    *config.backend("a", a.port, schema="Anthropic"),
                                    *config.backend("b", b.port, schema="Anthropic")))
    answer = raw.ask(daemon.port, "POST", "/v1/videos", b'{"model":"m"}', JSON)
    assert answer.status == 422 and "a (Anthropic), b (Anthropic)" in answer.body.decode()


def test_a_model_in_the_body_routes_and_is_overridden(start, provider):
    one = provider(status(200, b"{}"), "one")
    daemon = start(config.documents(
        config.route([{"name": "one", "modelNameOverride": "other"}], model="sora"),
        *config.backend("one", one.port)))
    assert raw.ask(daemon.port, "POST", "/v1/videos", b'{"x":1.0,"model":"sora"}', JSON).status == 200
    assert one.requests[0].body == b'{"x":1.0,"model":"other"}'
    form = (b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nsora\r\n'
            b'--b\r\nContent-Disposition: form-data; name="seconds"\r\n\r\n4\r\n--b--\r\n')
    answer = raw.ask(daemon.port, "POST", "/v1/videos", form,
                     [("content-type", "multipart/form-data; boundary=b")])
    assert answer.status == 200
    assert b"other" in one.requests[1].body and b"sora" not in one.requests[1].body
    unknown = raw.ask(daemon.port, "POST", "/v1/videos", b'{"model":"kling"}', JSON)
    assert unknown.status == 404 and "`kling`" in unknown.body.decode()
    nameless = raw.ask(daemon.port, "GET", "/v1/files")
    assert nameless.status == 404 and "/v1/files" in nameless.body.decode()
    assert one.count == 2


@pytest.mark.parametrize("path", ["/v1/../admin", "/v1/%2e%2E/admin", "/v1/files/.."])
def test_no_path_leaves_the_backends_prefix(start, provider, path):
    one = provider()
    daemon = start(config.single(one))
    answer = raw.ask(daemon.port, "GET", path)
    assert answer.status in (400, 404) and one.count == 0


def test_answers_pass_as_bytes_errors_too(start, provider):
    one = provider(status(418, b"<h1>a teapot</h1>", [("content-type", "text/html")]))
    answer = raw.ask(start(config.single(one)).port, "GET", "/v1/odd")
    assert (answer.status, answer.body) == (418, b"<h1>a teapot</h1>")


def test_a_stream_passes_as_it_comes(start, provider):
    def script(exchange):
        exchange.head(200, [("content-type", "text/event-stream"),
                            ("transfer-encoding", "chunked")])
        for n in range(3):
            exchange.chunk(b"event: thread.run\ndata: {\"n\":%d}\n\n" % n)
            gates[n].wait(10)
        exchange.last_chunk()

    gates = [threading.Event() for _ in range(3)]
    daemon = start(config.single(provider(script)))
    client = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=20)
    client.request("POST", "/v1/threads/runs", b'{"stream":true}', dict(JSON))
    answer = client.getresponse()
    seen = b""
    while piece := answer.read1():
        seen += piece
        gates[seen.count(b"\n\n") - 1].set()
    client.close()
    assert seen == b"".join(b"event: thread.run\ndata: {\"n\":%d}\n\n" % n for n in range(3))


def test_a_broken_stream_is_cut_and_nothing_is_added(start, provider):
    def script(exchange):
        exchange.head(200, [("content-type", "text/event-stream"),
                            ("transfer-encoding", "chunked")])
        exchange.chunk(b"data: 1\n\n")
        exchange.close()

    daemon = start(config.single(provider(script)))
    client = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=20)
    client.request("POST", "/v1/threads/runs", b"{}", dict(JSON))
    with pytest.raises(http.client.IncompleteRead) as raised:
        client.getresponse().read()
    client.close()
    assert raised.value.partial in (b"", b"data: 1\n\n")


def test_a_stale_connection_is_replayed_only_for_what_may_be_repeated(start, provider):
    one = provider(status(200, b"ok"))
    daemon = start(config.single(one, config.traffic_policy(retry=config.retry(0))), workers=1)
    one.is_stale_after_one = True
    assert raw.ask(daemon.port, "GET", "/v1/files").status == 200
    assert raw.ask(daemon.port, "GET", "/v1/files").status == 200
    assert one.stale_hits == 1
    wait_until(lambda: one.count == 2, what="two requests")
    assert raw.ask(daemon.port, "POST", "/v1/batches", b"{}", JSON).status == 503
    assert one.count == 2


def test_failover_of_an_operation_that_is_passed_on(start, provider):
    primary, fallback = provider(status(500), "primary"), provider(status(200, b"ok"), "fallback")
    daemon = start(config.primary_and_fallback(primary, fallback, config.traffic_policy(
        retry=config.retry(1, [500], per_priority=1))))
    answer = raw.ask(daemon.port, "GET", "/v1/files")
    assert (answer.status, answer.body) == (200, b"ok")
    line = daemon.access_line(answer.header("x-request-id"))
    assert [a["backend"] for a in line["attempts"]] == ["primary", "fallback"]


# ---- models -------------------------------------------------------------------------------------


def test_one_model_is_told_in_both_dialects(start, provider, sdk):
    one = provider()
    daemon = start(config.documents(config.route(["one"], model="org/a b"),
                                    *config.backend("one", one.port)))
    client = sdk(daemon)
    assert client.models.retrieve("org/a b").id == "org/a b"
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("nothing")
    assert raised.value.code == "model_not_found"

    found = raw.ask(daemon.port, "GET", "/anthropic/v1/models/org%2Fa%20b?beta=true")
    told = json.loads(found.body)
    assert found.status == 200 and told["type"] == "model" and told["id"] == "org/a b"
    assert {"display_name", "created_at"} <= told.keys()
    missing = json.loads(raw.ask(daemon.port, "GET", "/anthropic/v1/models/nothing").body)
    assert missing["type"] == "error" and missing["error"]["type"] == "not_found_error"

    page = json.loads(raw.ask(daemon.port, "GET",
                              "/anthropic/v1/models?limit=1&after_id=org%2Fa%20b").body)
    assert page["has_more"] is False and page["first_id"] == page["last_id"] == "org/a b"
    for path in ("/v1/models", "/v1/models/org%2Fa%20b", "/anthropic/v1/models/org%2Fa%20b"):
        got = raw.ask(daemon.port, "GET", path)
        head = raw.ask(daemon.port, "HEAD", path)
        assert head.status == 200 and head.header("content-length") == str(len(got.body))
    assert one.count == 0


def test_a_model_that_is_deleted_is_the_providers(start, provider):
    one = provider(status(200, b'{"deleted":true}'))
    answer = raw.ask(start(config.single(one)).port, "DELETE", "/v1/models/ft:mine")
    assert (answer.status, answer.body) == (200, b'{"deleted":true}')
    assert one.requests[0].target == "/v1/models/ft:mine"


# ---- OpenAI's API as Amazon Bedrock serves it ------------------------------------------------------


@pytest.mark.parametrize("host, prefix, scope, path", [
    ("bedrock-runtime.us-west-2.amazonaws.com", None, "us-west-2/bedrock", "/openai/v1"),
    ("bedrock-mantle.us-east-2.api.aws", "v1", "us-east-2/bedrock-mantle", "/v1")])
def test_openai_on_bedrock_is_signed(start, provider, sdk, host, prefix, scope, path):
    one = provider(name="one")
    schema = {"name": "AWSOpenAI", **({"prefix": prefix} if prefix else {})}
    daemon = start(config.documents(
        config.route([{"name": "one", "modelNameOverride": "openai.gpt-oss-120b-1:0"}]),
        *config.backend("one", one.port, hostname=host, service={"schema": schema})),
        env=bedrock.ENVIRONMENT)
    answer = sdk(daemon).chat.completions.create(
        model="m", messages=[{"role": "user", "content": "hi"}])
    assert answer.choices[0].message.content
    seen = one.requests[0]
    assert seen.target == f"{path}/chat/completions" and seen.header("host") == host
    assert f"/{scope}/aws4_request" in seen.header("authorization")
    assert json.loads(seen.body)["model"] == "openai.gpt-oss-120b-1:0"
    one.always(status(200, b'{"id":"r","object":"response","status":"completed","output":[]}'))
    raw.ask(daemon.port, "POST", "/v1/responses", b'{"model":"m","input":"hi"}', JSON)
    assert one.requests[1].target == f"{path}/responses"


def test_openai_on_bedrock_takes_a_bearer_key(start, provider):
    one = provider(name="one")
    daemon = start(config.documents(
        config.route(["one"]),
        *config.backend("one", one.port, schema="AWSOpenAI", security=("APIKey", "bedrock-key"),
                        hostname="bedrock-runtime.us-west-2.amazonaws.com")))
    body = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
    assert raw.ask(daemon.port, "POST", "/v1/chat/completions", body, JSON).status == 200
    assert one.requests[0].header("authorization") == "Bearer bedrock-key"
