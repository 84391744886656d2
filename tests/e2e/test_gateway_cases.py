"""What the public table of Envoy AI Gateway's data-plane tests asks for, and no cell of the provider
matrix shows: compressed answers, mutated Messages, spoofed and per-request credentials, usage that
a route counts, errors of another form."""
import gzip
import json

import pytest

from harness import config, raw
from harness.daemon import total, wait_until
from providers import bedrock, openai_dialect
from providers.server import status
from test_credentials import policy

JSON = [("content-type", "application/json")]
CHAT, MESSAGES = "/v1/chat/completions", "/anthropic/v1/messages"
HELLO = [{"role": "user", "content": "hi"}]
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
           "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn",
           "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 2}}


def body(**more):
    return json.dumps({"model": "m", "max_tokens": 9, "messages": HELLO, **more}).encode()


def message_events():
    start = {**MESSAGE, "content": [], "stop_reason": None}
    found = [{"type": "message_start", "message": start},
             {"type": "content_block_start", "index": 0,
              "content_block": {"type": "text", "text": ""}},
             {"type": "content_block_delta", "index": 0,
              "delta": {"type": "text_delta", "text": "Hello"}},
             {"type": "content_block_stop", "index": 0},
             {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
              "usage": {"output_tokens": 2}}, {"type": "message_stop"}]
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in found).encode()


def claude(upstream, **ref):
    return config.documents(config.route([{"name": "only", **ref}]),
                            *config.backend("only", upstream.port, schema="Anthropic",
                                            security=("AnthropicAPIKey", "claude-key")))


# ---- compressed answers ----------------------------------------------------------------------


@pytest.mark.parametrize("is_stream", [False, True])
def test_what_is_watched_is_asked_for_uncompressed(start, provider, is_stream):
    upstream = provider(openai_dialect.chat())
    daemon = start(config.single(upstream))
    answer = raw.ask(daemon.port, "POST", CHAT, body(stream=is_stream),
                     [*JSON, ("accept-encoding", "gzip, br")])
    assert answer.status == 200
    assert upstream.requests[0].all("accept-encoding") == ["identity"]


def test_what_is_not_watched_keeps_the_clients_accept_encoding(start, provider):
    upstream = provider(status(200, b"{}"))
    daemon = start(config.single(upstream))
    assert raw.ask(daemon.port, "GET", "/v1/files", b"",
                   [("accept-encoding", "gzip, br")]).status == 200
    assert upstream.requests[0].all("accept-encoding") == ["gzip, br"]


def test_a_stream_that_comes_compressed_all_the_same_passes(start, provider):
    packed = gzip.compress(message_events())

    def script(exchange):
        assert exchange.request.header("accept-encoding") == "identity"
        exchange.head(200, [("content-type", "text/event-stream"), ("content-encoding", "gzip"),
                            ("transfer-encoding", "chunked")])
        for at in range(0, len(packed), 20):
            exchange.chunk(packed[at:at + 20])
        exchange.last_chunk()
    answer = raw.ask(start(claude(provider(script))).port, "POST", MESSAGES, body(stream=True),
                     [*JSON, ("anthropic-version", "2023-06-01"), ("accept-encoding", "gzip")])
    assert answer.status == 200 and answer.header("content-encoding") == "gzip"
    assert gzip.decompress(answer.body) == message_events()


# ---- mutations -------------------------------------------------------------------------------


def test_body_mutation_acts_on_messages(start, provider):
    upstream = provider(status(200, json.dumps(MESSAGE).encode()))
    daemon = start(claude(upstream, bodyMutation={
        "set": [{"path": "max_tokens", "value": "77"}, {"path": "metadata.user_id", "value": "blue"}],
        "remove": ["top_k"]}))
    answer = raw.ask(daemon.port, "POST", MESSAGES, body(top_k=3),
                     [*JSON, ("anthropic-version", "2023-06-01")])
    assert answer.status == 200
    assert json.loads(upstream.requests[0].body) == {
        "model": "m", "max_tokens": 77, "messages": HELLO, "metadata": {"user_id": "blue"}}


# ---- credentials -----------------------------------------------------------------------------


SPOOFED = [("x-ai-eg-upstream-host", "attacker.example.com"), ("x-ai-eg-model", "another")]
CONVERSED = {"output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}},
             "stopReason": "end_turn",
             "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}


def test_a_spoofed_signing_host_neither_signs_nor_travels(start, provider):
    upstream = provider(bedrock.converse())  # which checks the signature over its own name
    daemon = start(config.documents(config.route(["only"]), *config.bedrock("only", upstream.port)),
                   env=bedrock.ENVIRONMENT)
    assert raw.ask(daemon.port, "POST", CHAT, body(), [*JSON, *SPOOFED]).status == 200
    head = upstream.requests[0].raw_head.decode().lower()
    assert "attacker" not in head and "x-ai-eg-" not in head
    assert "bedrock-runtime.us-east-1.amazonaws.com" in head


def test_aws_keys_of_a_request_before_the_configured_ones(start, provider):
    upstream = provider(status(200, json.dumps(CONVERSED).encode()))
    file = (f"[default]\naws_access_key_id = {bedrock.ACCESS_KEY}\n"
            f"aws_secret_access_key = {bedrock.SECRET_KEY}\n")
    daemon = start(config.documents(
        config.route(["only"]), *config.bedrock("only", upstream.port),
        policy("AWSCredentials", "awsCredentials",
               {"region": "us-east-1", "credentialsFile": {"secretRef": {"name": "file"}}}, {}),
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "file"},
         "stringData": {"credentials": file}}))
    assert raw.ask(daemon.port, "POST", CHAT, body(), JSON).status == 200
    assert upstream.requests[-1].header("x-amz-security-token") is None
    own = [("x-aigw-aws-access-key-id", bedrock.ACCESS_KEY),
           ("x-aigw-aws-secret-access-key", bedrock.SECRET_KEY),
           ("x-aigw-aws-session-token", bedrock.SESSION_TOKEN)]
    assert raw.ask(daemon.port, "POST", CHAT, body(), [*JSON, *own]).status == 200
    assert upstream.requests[-1].header("x-amz-security-token") == bedrock.SESSION_TOKEN
    assert "x-aigw-" not in upstream.requests[-1].raw_head.decode().lower()


def two_keys(first, second, second_override):
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"},
              "stringData": {"apiKey": "own-key"}}
    ref = {"secretRef": {"name": "key"}}
    only = {"fallbackToConfigured": False}
    return config.documents(
        config.route([{"name": "first", "priority": 0}, {"name": "second", "priority": 1}]),
        *config.backend("first", first.port), *config.backend("second", second.port), secret,
        policy("APIKey", "apiKey", ref, {"header": "x-first", **only}, "first"),
        policy("APIKey", "apiKey", ref, second_override and {**second_override, **only}, "second"),
        config.traffic_policy(retry=config.retry(1, [500], per_priority=1)))


def test_a_backend_without_the_requests_key_leaves_it_to_the_next(start, provider):
    first, second = provider(name="first"), provider(name="second")
    daemon = start(two_keys(first, second, None))
    answer = raw.ask(daemon.port, "POST", CHAT, body(), JSON)
    assert answer.status == 200 and answer.header("x-understudy-backend") == "second"
    assert not first.requests and second.requests[0].header("authorization") == "Bearer own-key"


def test_where_no_backend_has_its_key_the_answer_is_401(start, provider):
    first, second = provider(name="first"), provider(name="second")
    daemon = start(two_keys(first, second, {"header": "x-second"}))
    answer = raw.ask(daemon.port, "POST", CHAT, body(), JSON)
    error = json.loads(answer.body)["error"]
    assert answer.status == 401 and error["code"] == "missing_credential"
    assert "first: missing upstream credential" in error["message"]
    assert "second: missing upstream credential" in error["message"]
    assert not first.requests and not second.requests


def test_a_providers_error_is_not_hidden_by_a_backend_that_could_not_be_asked(start, provider):
    first, second = provider(openai_dialect.chat(), name="first"), provider(name="second")
    daemon = start(two_keys(first, second, {"header": "x-second"}))
    first.always(lambda exchange: exchange.close())
    answer = raw.ask(daemon.port, "POST", CHAT, body(), [*JSON, ("x-first", "k")])
    assert answer.status == 503
    assert json.loads(answer.body)["error"]["code"] == "upstream_unavailable"


# ---- usage that the route counts -------------------------------------------------------------


COSTS = [{"metadataKey": "llm_total_token", "type": "TotalToken"}]


@pytest.mark.parametrize("asked, sent", [
    ({}, {"include_usage": True}),
    ({"stream_options": {"include_obfuscation": False}},
     {"include_obfuscation": False, "include_usage": True}),
    ({"stream_options": {"include_usage": False}}, {"include_usage": True}),
    ({"stream_options": {"include_usage": True}}, {"include_usage": True}),
])
@pytest.mark.parametrize("override", [None, "another"])
def test_streams_tell_their_usage_where_the_route_counts(start, provider, asked, sent, override):
    upstream = provider(openai_dialect.chat())
    ref = {"name": "only", **({"modelNameOverride": override} if override else {})}
    daemon = start(config.documents(config.route([ref], llmRequestCosts=COSTS),
                                    *config.backend("only", upstream.port)))
    answer = raw.ask(daemon.port, "POST", CHAT, body(stream=True, **asked), JSON)
    assert answer.status == 200
    request = json.loads(upstream.requests[0].body)
    assert request["stream_options"] == sent and request["model"] == (override or "m")


@pytest.mark.parametrize("costs, more", [({}, {"stream": True}), ({"llmRequestCosts": COSTS}, {})])
def test_nothing_is_asked_for_that_nobody_counts(start, provider, costs, more):
    upstream = provider(openai_dialect.chat())
    daemon = start(config.documents(config.route(["only"], **costs),
                                    *config.backend("only", upstream.port)))
    assert raw.ask(daemon.port, "POST", CHAT, body(**more), JSON).status == 200
    assert upstream.requests[0].body == body(**more)


# ---- errors and local replies ----------------------------------------------------------------


@pytest.mark.parametrize("path, asked", [
    (CHAT, {}), ("/v1/embeddings", {"input": "a"}), ("/v1/images/generations", {"prompt": "a"})])
def test_an_error_that_is_no_json_gets_openais_shape(start, provider, path, asked):
    def script(exchange):
        exchange.reply(503, b"<b>busy</b>", content_type="text/plain")
    daemon = start(config.single(provider(script)))
    answer = raw.ask(daemon.port, "POST", path, json.dumps({"model": "m", **asked}).encode(), JSON)
    error = json.loads(answer.body)["error"]
    assert answer.status == 503 and answer.header("content-type") == "application/json"
    assert error["message"] == "<b>busy</b>" and error["code"] == "503"


def test_an_answer_of_our_own_is_counted_once(start, provider):
    upstream = provider(bedrock.converse())
    daemon = start(config.documents(config.route(["only"]), *config.bedrock("only", upstream.port)),
                   env=bedrock.ENVIRONMENT)
    answer = raw.ask(daemon.port, "POST", CHAT, body(n=2), JSON)
    assert answer.status == 422 and "`n`" in json.loads(answer.body)["error"]["message"]
    assert not upstream.requests
    wait_until(lambda: total(daemon.metrics(), "understudy_requests_total") > 0, what="the count")
    assert total(daemon.metrics(), "understudy_requests_total") == 1
