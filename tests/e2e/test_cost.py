"""What a request and a chunk cost that can be counted on any machine: allocations of the daemon."""
import json
import pathlib
import shutil
import struct
import subprocess

import pytest

from harness import config, raw
from harness.daemon import BINARY
from providers import bedrock, openai_dialect

CHAT, MESSAGES = "/v1/chat/completions", "/anthropic/v1/messages"
JSON = [("content-type", "application/json")]
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
STREAM = b'{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}'
COUNTER = pathlib.Path(__file__).resolve().parents[2] / "bench/src/count_allocations.cpp"


@pytest.fixture(scope="session")
def counter(tmp_path_factory):
    """A library that counts the allocations of the process it is preloaded into."""
    if b"__asan_init" in BINARY.read_bytes() or b"__tsan_init" in BINARY.read_bytes():
        pytest.skip("a sanitizer has an allocator of its own")
    if shutil.which("g++") is None:
        pytest.skip("no g++ to build the counter with")
    library = tmp_path_factory.mktemp("counter") / "count_allocations.so"
    subprocess.run(["g++", "-std=c++20", "-O2", "-shared", "-fPIC", COUNTER, "-o", library], check=True)
    return library


@pytest.fixture
def counted(start, counter, tmp_path):
    """counted(configuration, …) → (daemon, allocations so far)."""

    def begin(*configuration, **environment):
        file = tmp_path / "allocations"
        daemon = start(*configuration, workers=1,
                       env={**bedrock.ENVIRONMENT, "LD_PRELOAD": str(counter), "BENCH_ALLOCATIONS": str(file),
                            **environment})
        return daemon, lambda: struct.unpack("Q", file.read_bytes()[:8])[0]

    return begin


def allocations_of(work, count):
    before = count()
    work()
    return count() - before


@pytest.mark.parametrize("environment", [{}, {"OTEL_AIGW_REQUEST_HEADER_ATTRIBUTES": "x-team:team.name"}])
def test_a_request_allocates_little(counted, provider, environment):
    """Header fields that are labels and attributes add nothing once they are known."""
    daemon, count = counted(config.single(provider(openai_dialect.chat())), **environment)
    with raw.Client(daemon.port) as client:

        def ask(times):
            for number in range(times):
                head = [*JSON, ("x-team", f"a-team-with-a-long-name-{number % 9}"), ("agent-session-id", "s" * 40)]
                client.send(raw.request("POST", CHAT, BODY, head))
                assert client.response().status == 200

        ask(50)
        spent = allocations_of(lambda: ask(200), count)
    # Four of ours (translator, planner, path, request id) and a dozen coroutine frames, which malloc's own
    # cache serves. The rest is the process's own ticks meanwhile.
    assert spent / 200 < 19, spent


def gemini(text):
    def script(exchange):
        exchange.body()
        pieces = openai_dialect.words(text)
        exchange.head(200, openai_dialect.SSE)
        for piece in pieces:
            candidate = {"content": {"role": "model", "parts": [{"text": piece}]}, "index": 0}
            if piece is pieces[-1]:
                candidate["finishReason"] = "STOP"
            chunk = {"candidates": [candidate], "responseId": "resp-1", "usageMetadata": {"totalTokenCount": 9}}
            exchange.chunk(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n")
        exchange.last_chunk()
    return script


def vertex_policy(backend):
    """The token comes with each request."""
    return {"apiVersion": "aigateway.envoyproxy.io/v1beta1", "kind": "BackendSecurityPolicy",
            "metadata": {"name": f"{backend}-keys"},
            "spec": {"type": "GCPCredentials", "gcpCredentials": {"projectName": "p", "region": "r"},
                     "credentialOverride": {"fromRequestHeaders": {"fallbackToConfigured": False}},
                     "targetRefs": [{"group": "aigateway.envoyproxy.io", "name": backend,
                                     "kind": "AIServiceBackend"}]}}


def backends_of(schema, name, port):
    if schema == "bedrock":
        return config.bedrock(name, port)
    if schema == "gemini":
        return [*config.backend(name, port, schema="GCPVertexAI"), vertex_policy(name)]
    return config.backend(name, port)


SCRIPTS = {"bedrock": bedrock.converse, "gemini": gemini, "openai": openai_dialect.chat}


@pytest.mark.parametrize("path, schema", [(CHAT, "openai"), (CHAT, "bedrock"), (CHAT, "gemini"),
                                          (MESSAGES, "openai"), (MESSAGES, "bedrock"), (MESSAGES, "gemini")])
def test_a_chunk_allocates_nothing(counted, provider, path, schema):
    sizes = (200, 1200)
    # Longer words than a string holds in place.
    texts = {n: " ".join(["incomprehensibilities"] * n) for n in sizes}
    made = []
    for n in sizes:
        made += backends_of(schema, f"b{n}", provider(SCRIPTS[schema](texts[n])).port)
    routes = [config.route([f"b{n}"], name=f"r{n}", model=f"m{n}") for n in sizes]
    daemon, count = counted(config.documents(*routes, *made))
    with raw.Client(daemon.port) as client:

        def stream(words):
            client.send(raw.request("POST", path, STREAM.replace(b'"m"', b'"m%d"' % words),
                                    [*JSON, ("x-aigw-gcp-access-token", "token")]))
            answer = client.response()
            assert answer.status == 200 and answer.body.count(b"data: ") > words, answer

        for n in sizes:
            stream(n)
        few, many = (min(allocations_of(lambda n=n: stream(n), count) for _ in range(3)) for n in sizes)
    per_chunk = (many - few) / (sizes[1] - sizes[0])
    assert per_chunk < 0.1, (few, many)
