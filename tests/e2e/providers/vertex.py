"""Vertex AI: Gemini's generateContent, embeddings and countTokens, judged by google-genai's own types,
and Anthropic's models behind rawPredict."""
import json
import re
import urllib.parse

import pydantic
from google.genai import types
from pydantic.alias_generators import to_camel

from . import anthropic_api, scene
from .scene import Refused

PROJECT, REGION, TOKEN = "the-project", "us-central1", "ya29.vertex-token"
BASE = f"/v1/projects/{PROJECT}/locations/{REGION}/"
PATH = re.compile(r"publishers/(google|anthropic)/models/([^/:?]+):(\w+)(\?alt=sse)?")
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED",
            404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", alias_generator=to_camel)


class GenerateContent(Model):
    contents: list[types.Content]
    system_instruction: types.Content | None = None
    tools: list[types.Tool] | None = None
    tool_config: types.ToolConfig | None = None
    generation_config: types.GenerationConfig | None = None
    safety_settings: list[types.SafetySetting] | None = None
    cached_content: str | None = None
    labels: dict[str, str] | None = None


class CountTokens(Model):
    contents: list[types.Content]
    model: str | None = None
    system_instruction: types.Content | None = None
    tools: list[types.Tool] | None = None
    generation_config: types.GenerationConfig | None = None


class Instance(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    content: str
    task_type: str | None = None
    title: str | None = None


class PredictParameters(Model):
    auto_truncate: bool | None = None
    output_dimensionality: int | None = None


class Predict(Model):
    instances: list[Instance]
    parameters: PredictParameters | None = None


class EmbedContent(Model):
    content: types.Content
    task_type: str | None = None
    title: str | None = None
    output_dimensionality: int | None = None
    auto_truncate: bool | None = None
    embed_content_config: dict | None = None


def bad(message):
    return Refused(400, "INVALID_ARGUMENT", message)


def _judged(model, body):
    nulls = [key for key, value in body.items() if value is None]
    if nulls:
        raise bad(f"null: {nulls}")
    try:
        return model.model_validate(body)
    except pydantic.ValidationError as error:
        raise bad(str(error)) from error


def _check_contents(contents):
    if not contents:
        raise bad("at least one contents field is required")
    if contents[0].role != "user" or contents[-1].role != "user":
        raise bad("the first and the last content must be the user's")
    waiting = 0
    for content in contents:
        if content.role not in ("user", "model"):
            raise bad("Please use a valid role: user, model.")
        if not content.parts:
            raise bad("must include at least one parts field")
        for part in content.parts:
            if sum(x is not None for x in (part.text, part.inline_data, part.file_data,
                                           part.function_call, part.function_response)) != 1:
                raise bad("parts: required oneof field 'data' must have one initialized field")
        answers = sum(p.function_response is not None for p in content.parts)
        if answers != waiting:
            raise bad("the number of function response parts must equal the number of function call "
                      f"parts of the function call turn ({answers}, not {waiting})")
        waiting = sum(p.function_call is not None for p in content.parts)
    if any(p.function_response and not isinstance(p.function_response.response, dict)
           for c in contents for p in c.parts):
        raise bad("function_response.response must be a struct")


def _asked(body):
    _check_contents(body.contents)
    parts = [part for content in body.contents for part in content.parts]
    for part in parts:
        if part.inline_data and (part.inline_data.mime_type != "image/png" or
                                 part.inline_data.data != scene.PNG):
            raise bad("an image that nobody sent")
    names = [f.name for tool in body.tools or [] for f in tool.function_declarations or []]
    generation = body.generation_config or types.GenerationConfig()
    has_schema = generation.response_schema or generation.response_json_schema
    if has_schema and generation.response_mime_type != "application/json":
        raise bad("a response schema needs response_mime_type application/json")
    return scene.Asked(" ".join(p.text for p in parts if p.text), names,
                       any(p.function_response for p in parts), any(p.inline_data for p in parts),
                       generation.response_mime_type == "application/json")


USAGE = {"promptTokenCount": scene.INPUT_TOKENS, "candidatesTokenCount": scene.OUTPUT_TOKENS,
         "totalTokenCount": scene.INPUT_TOKENS + scene.OUTPUT_TOKENS,
         "trafficType": "ON_DEMAND"}


def _piece(model, parts, finish=None):
    candidate = {"content": {"role": "model", "parts": parts}}
    whole = {"candidates": [candidate], "modelVersion": model, "responseId": "resp-1",
             "createTime": "2026-01-02T03:04:05.678Z"}
    if finish:
        candidate["finishReason"] = finish
        whole["usageMetadata"] = USAGE
    return whole


def _generate(exchange, model, verb, query):
    body = _judged(GenerateContent, json.loads(exchange.request.body))
    says = scene.play(_asked(body))
    calls = [{"functionCall": {"name": name, "args": arguments}} for _, name, arguments in says.calls]
    if verb == "generateContent":
        parts = calls or [{"text": says.text}]
        exchange.reply(200, json.dumps(_piece(model, parts, "STOP"), indent=2).encode())
        return
    if query != "?alt=sse":
        raise bad("an array would be sent")
    pieces = [_piece(model, [part]) for part in calls or
              [{"text": word} for word in scene.words(says.text)]]
    pieces[-1] = _piece(model, pieces[-1]["candidates"][0]["content"]["parts"], "STOP")
    scene.stream(exchange, [f"data: {json.dumps(p)}\r\n\r\n".encode() for p in pieces])


def _predict(exchange):
    body = _judged(Predict, json.loads(exchange.request.body))
    scene.play(scene.Asked(" ".join(i.content for i in body.instances)))
    one = {"embeddings": {"values": scene.VECTOR,
                          "statistics": {"truncated": False, "token_count": scene.INPUT_TOKENS}}}
    exchange.reply(200, json.dumps({"predictions": [one for _ in body.instances]}).encode())


def _google(exchange, model, verb, query):
    if verb in ("generateContent", "streamGenerateContent"):
        _generate(exchange, model, verb, query)
    elif verb == "predict":
        _predict(exchange)
    elif verb == "embedContent":
        _judged(EmbedContent, json.loads(exchange.request.body))
        exchange.reply(200, json.dumps(
            {"embedding": {"values": scene.VECTOR}, "truncated": False,
             "usageMetadata": {"promptTokenCount": scene.INPUT_TOKENS,
                               "totalTokenCount": scene.INPUT_TOKENS}}).encode())
    elif verb == "countTokens":
        body = _judged(CountTokens, json.loads(exchange.request.body))
        _check_contents(body.contents)
        exchange.reply(200, json.dumps({"totalTokens": scene.COUNTED_TOKENS,
                                        "totalBillableCharacters": 9}).encode())
    else:
        raise Refused(404, "NOT_FOUND", verb)


def _answer(exchange):
    request = exchange.request
    if not request.target.startswith(BASE):
        raise Refused(404, "NOT_FOUND", f"{request.method} {request.target}")
    if request.all("authorization") != [f"Bearer {TOKEN}"]:
        raise Refused(401, "UNAUTHENTICATED", "invalid authentication credentials")
    _model(exchange, request.target.removeprefix(BASE))


def _model(exchange, path):
    request = exchange.request
    found = PATH.fullmatch(path)
    if request.method != "POST" or not found:
        raise Refused(404, "NOT_FOUND", f"{request.method} {request.target}")
    publisher, model, verb, query = found.groups()
    scene.need_json(request, "INVALID_ARGUMENT")
    exchange.is_anthropic = publisher == "anthropic"
    if publisher == "anthropic":
        anthropic_api.vertex(exchange, urllib.parse.unquote(model), verb)
    else:
        _google(exchange, urllib.parse.unquote(model), verb, query)


def _refuse(exchange, error):
    if getattr(exchange, "is_anthropic", False):
        anthropic_api.refuse(exchange, error)
        return
    status = error.kind or STATUSES.get(error.status, "UNKNOWN")
    body = {"error": {"code": error.status, "message": error.message, "status": status}}
    exchange.reply(error.status, json.dumps(body, indent=2).encode())


answer = scene.guarded(_answer, _refuse)
