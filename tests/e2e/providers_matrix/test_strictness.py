"""The simulators refuse what the providers refuse; else a green matrix would say nothing."""
import http.client
import json

import pytest

from providers import anthropic_api, cohere_api, openai_api, scene, vertex
from providers.server import Provider

VERTEX = f"/v1/projects/{vertex.PROJECT}/locations/{vertex.REGION}/publishers/"
JSON = {"content-type": "application/json"}
OPENAI = {**JSON, "authorization": f"Bearer {openai_api.KEY}"}
AZURE = {**JSON, "api-key": openai_api.AZURE_KEY}
CLAUDE = {**JSON, "x-api-key": anthropic_api.KEY, "anthropic-version": "2023-06-01"}
GOOGLE = {**JSON, "authorization": f"Bearer {vertex.TOKEN}"}
COHERE = {**JSON, "authorization": f"Bearer {cohere_api.KEY}"}
HELLO = [{"role": "user", "content": "hi"}]
CHAT = {"model": "m", "messages": HELLO}
MESSAGE = {"model": "m", "max_tokens": 9, "messages": HELLO}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
CALL = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}
GENERATE = VERTEX + "google/models/gemini-2.5-flash:generateContent"
RAW = VERTEX + "anthropic/models/claude:rawPredict"
HOSTED = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "messages": HELLO}

GOOD = [
    (openai_api.first_party, "/v1/chat/completions", OPENAI, CHAT),
    (openai_api.azure, "/openai/deployments/m/chat/completions?api-version=2024-10-21", AZURE, CHAT),
    (anthropic_api.first_party, "/v1/messages", CLAUDE, MESSAGE),
    (vertex.answer, GENERATE, GOOGLE, GEMINI),
    (vertex.answer, GENERATE, GOOGLE, {"contents": [*GEMINI["contents"], CALL, RESULT]}),
    (vertex.answer, RAW, GOOGLE, HOSTED),
    (vertex.answer, VERTEX + "google/models/text-embedding-005:predict", GOOGLE,
     {"instances": [{"content": "x"}]}),
    (cohere_api.answer, "/v2/embed", COHERE,
     {"model": "e", "texts": ["a"], "input_type": "search_document", "embedding_types": ["float"]}),
]

BAD = {
    "openai: unknown member": (*GOOD[0][:3], {**CHAT, "top_k": 1}),
    "openai: no messages": (*GOOD[0][:3], {"model": "m", "messages": []}),
    "openai: unknown role": (*GOOD[0][:3], {"model": "m", "messages": [
        {"role": "robot", "content": "x"}]}),
    "openai: tool without call": (*GOOD[0][:3], {"model": "m", "messages": [
        *HELLO, {"role": "tool", "tool_call_id": "x", "content": "y"}]}),
    "openai: wrong type": (*GOOD[0][:3], {**CHAT, "temperature": "warm"}),
    "openai: stream_options": (*GOOD[0][:3], {**CHAT, "stream_options": {"include_usage": True}}),
    "openai: key": (*GOOD[0][:2], AZURE, CHAT),
    "openai: content type": (*GOOD[0][:2], {**OPENAI, "content-type": "text/plain"}, CHAT),
    "openai: path": (openai_api.first_party, "/chat/completions", OPENAI, CHAT),
    "azure: no api-version": (openai_api.azure, GOOD[1][1].partition("?")[0], AZURE, CHAT),
    "azure: bearer": (*GOOD[1][:2], OPENAI, CHAT),
    "claude: no max_tokens": (*GOOD[2][:3], CHAT),
    "claude: zero max_tokens": (*GOOD[2][:3], {**MESSAGE, "max_tokens": 0}),
    "claude: unknown member": (*GOOD[2][:3], {**MESSAGE, "max_completion_tokens": 3}),
    "claude: unknown inner member": (*GOOD[2][:3], {**MESSAGE, "messages": [
        {"role": "user", "content": [{"type": "text", "text": "x", "name": "y"}]}]}),
    "claude: assistant first": (*GOOD[2][:3], {**MESSAGE, "messages": [
        {"role": "assistant", "content": "x"}]}),
    "claude: blank text": (*GOOD[2][:3], {**MESSAGE, "messages": [
        {"role": "user", "content": [{"type": "text", "text": " "}]}]}),
    "claude: use without result": (*GOOD[2][:3], {
        **MESSAGE, "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "messages": [*HELLO, USE, *HELLO]}),
    "claude: no version": (*GOOD[2][:2], {**JSON, "x-api-key": anthropic_api.KEY}, MESSAGE),
    "claude: temperature of the old version in the new": (
        *GOOD[2][:2], {**CLAUDE, "anthropic-version": anthropic_api.VERSIONS[1]},
        {**MESSAGE, "temperature": 0.5}),
    "claude: too warm": (*GOOD[2][:3], {**MESSAGE, "temperature": 1.5}),
    "gemini: unknown member": (*GOOD[3][:3], {**GEMINI, "model": "x"}),
    "gemini: unknown setting": (*GOOD[3][:3], {**GEMINI, "generationConfig": {"maxTokens": 3}}),
    "gemini: null": (*GOOD[3][:3], {**GEMINI, "tools": None}),
    "gemini: no contents": (*GOOD[3][:3], {"contents": []}),
    "gemini: role": (*GOOD[3][:3], {"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}),
    "gemini: results": (*GOOD[3][:3], {"contents": [*GEMINI["contents"], CALL, RESULT, RESULT]}),
    "gemini: no token": (vertex.answer, GENERATE, JSON, GEMINI),
    "gemini: path": (vertex.answer, "/v1/models/x:generateContent", GOOGLE, GEMINI),
    "vertex claude: model in the body": (vertex.answer, RAW, GOOGLE, {**HOSTED, "model": "x"}),
    "vertex claude: no version": (vertex.answer, RAW, GOOGLE, {"max_tokens": 1, "messages": HELLO}),
    "vertex: instance": (*GOOD[6][:3], {"instances": [{"text": "x"}]}),
    "cohere: no input_type": (*GOOD[7][:3], {"model": "e", "texts": ["a"]}),
    "cohere: unknown member": (*GOOD[7][:3], {**GOOD[7][3], "input": ["a"]}),
    "cohere: too many": (*GOOD[7][:3], {**GOOD[7][3], "texts": ["a"] * 97}),
}


def post(script, path, headers, body):
    provider = Provider(script)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=10)
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text, provider.errors
    finally:
        provider.stop()


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case[1].rpartition("/")[2][:30])
def test_the_good_is_answered(case):
    status, text, errors = post(*case)
    assert (status, errors) == (200, []), text


@pytest.mark.parametrize("name", BAD)
def test_the_bad_is_refused(name):
    status, text, errors = post(*BAD[name])
    assert 400 <= status < 500 and text
    assert [type(error) for error in errors] == [scene.Refused]
