"""Anthropic's Messages API as three hosts serve it: its own, Vertex AI's rawPredict, Bedrock's
invoke. The SDK's own types judge each body; the rest are rules of the API's documentation."""
import base64
import json
import re
import urllib.parse

from anthropic._constants import ANTHROPIC_API_VERSION
from anthropic.types import message_count_tokens_params, message_create_params

from . import bedrock, scene, typed
from .scene import Refused

KEY = "anthropic-backend-key"
KINDS = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error",
         404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error",
         500: "api_error", 529: "overloaded_error"}
# Two versions of the API are in use: the first one's bodies have sampling parameters, which the second,
# the SDK's own, has removed and answers with 400. The SDK's types are the second's.
VERSIONS = ("2023-06-01", ANTHROPIC_API_VERSION)
SAMPLING = {"temperature": (float, int), "top_p": (float, int), "top_k": (int,)}


def bad(message):
    return Refused(400, "invalid_request_error", message)


def check_body(body, counts=False):
    """A Messages body as the first-party API takes it."""
    kind = message_create_params.MessageCreateParamsStreaming if body.get("stream") else \
        message_create_params.MessageCreateParamsNonStreaming
    judged = {key: value for key, value in body.items() if key not in SAMPLING}
    found = typed.problems(judged, message_count_tokens_params.MessageCountTokensParams
                           if counts else kind)
    found += [f"body.{key}: not of its type" for key, kinds in SAMPLING.items()
              if counts and key in body or not isinstance(body.get(key, kinds[0](0)), kinds)]
    if found:
        raise bad("; ".join(found))
    if not counts and body["max_tokens"] < 1:
        raise bad("max_tokens: must be at least 1")
    _check_turns(body["messages"])
    names = [tool["name"] for tool in body.get("tools", []) if "name" in tool]
    for name in names:
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name):
            raise bad(f"tools: {name!r} is no name")
    for tool in body.get("tools", []):
        if "input_schema" in tool and tool["input_schema"].get("type") != "object":
            raise bad("tools: input_schema.type must be object")
    if not names and any(_blocks(m, "tool_use") for m in body["messages"]):
        raise bad("tools must be defined where the conversation has tool_use blocks")
    if body.get("tool_choice") and not names:
        raise bad("tool_choice: without tools")
    if not 0 <= body.get("temperature", 0) <= 1:
        raise bad("temperature: range: 0..1")


def _blocks(message, kind):
    content = message["content"]
    return [b for b in content if b["type"] == kind] if isinstance(content, list) else []


def _check_turns(messages):
    if not messages or messages[0]["role"] != "user":
        raise bad("messages: first message must use the user role")
    waiting = []
    for at, message in enumerate(messages):
        content = message["content"]
        if not content and at + 1 < len(messages):
            raise bad(f"messages.{at}: all messages must have non-empty content")
        texts = [b["text"] for b in _blocks(message, "text")]
        if any(not text for text in texts):
            raise bad(f"messages.{at}: text content blocks must be non-empty")
        if any(not text.strip() for text in texts):
            raise bad(f"messages.{at}: text content blocks must contain non-whitespace text")
        results = [b["tool_use_id"] for b in _blocks(message, "tool_result")]
        if sorted(results) != sorted(waiting):
            raise bad(f"messages.{at}: tool_result {results} where {waiting} was waited for")
        kinds = [b["type"] for b in content] if isinstance(content, list) else []
        if results and "tool_result" in kinds[len(results):]:
            raise bad(f"messages.{at}: tool_result blocks must come first")
        waiting = [b["id"] for b in _blocks(message, "tool_use")]
        if waiting and message["role"] != "assistant":
            raise bad(f"messages.{at}: tool_use in a user's message")
    if waiting:
        raise bad("messages: tool_use without tool_result")


def asked(body):
    blocks = [b for m in body["messages"] if isinstance(m["content"], list) for b in m["content"]]
    images = [b for b in blocks if b["type"] == "image"]
    for image in images:
        if image["source"]["type"] != "base64" or image["source"]["media_type"] != "image/png":
            raise bad("an image that nobody sent")
        scene.check_png(image["source"]["data"], "invalid_request_error")
    text = " ".join(m["content"] for m in body["messages"] if isinstance(m["content"], str))
    text += " ".join(b["text"] for b in blocks if b["type"] == "text")
    return scene.Asked(text, [t["name"] for t in body.get("tools", [])],
                       any(b["type"] == "tool_result" for b in blocks), bool(images),
                       bool((body.get("output_config") or {}).get("format")))


def message(says, model):
    content = [{"type": "text", "text": says.text}] if says.text else []
    content += [{"type": "tool_use", "id": "toolu_" + i, "name": name, "input": arguments}
                for i, name, arguments in says.calls]
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": model,
            "content": content, "stop_reason": "tool_use" if says.calls else "end_turn",
            "stop_sequence": None, "usage": {"input_tokens": scene.INPUT_TOKENS,
                                             "output_tokens": scene.OUTPUT_TOKENS}}


def events(says, model):
    whole = message(says, model)
    start = {**whole, "content": [], "stop_reason": None,
             "usage": {"input_tokens": scene.INPUT_TOKENS, "output_tokens": 1}}
    found = [{"type": "message_start", "message": start}]
    for at, block in enumerate(whole["content"]):
        if block["type"] == "text":
            empty = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": w} for w in scene.words(block["text"])]
        else:
            empty = {**block, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": part}
                      for part in ["", *scene.halves(json.dumps(block["input"]))]]
        found.append({"type": "content_block_start", "index": at, "content_block": empty})
        if at == 0:
            found.append({"type": "ping"})
        found += [{"type": "content_block_delta", "index": at, "delta": d} for d in deltas]
        found.append({"type": "content_block_stop", "index": at})
    found.append({"type": "message_delta", "usage": {"output_tokens": scene.OUTPUT_TOKENS},
                  "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None}})
    return [*found, {"type": "message_stop"}]


def refuse(exchange, error):
    body = {"type": "error", "request_id": "req_1",
            "error": {"type": error.kind or KINDS.get(error.status, "api_error"),
                      "message": error.message}}
    exchange.reply(error.status, json.dumps(body).encode(), [("request-id", "req_1")])


def reply(exchange, body, model, is_stream):
    says = scene.play(asked(body))
    if is_stream:
        scene.stream(exchange, [scene.sse(json.dumps(e), e["type"]) for e in events(says, model)])
    else:
        exchange.reply(200, json.dumps(message(says, model)).encode(), [("request-id", "req_1")])


def _first_party(exchange):
    request = exchange.request
    if request.header("x-api-key") != KEY:
        raise Refused(401, "authentication_error", "invalid x-api-key")
    versions = request.all("anthropic-version")
    if len(versions) != 1 or versions[0] not in VERSIONS:
        raise bad(f"anthropic-version: {versions}")
    path = request.target.partition("?")[0]
    if path.startswith("/v1/models"):
        _models(exchange, path)
        return
    if request.method != "POST" or path not in ("/v1/messages", "/v1/messages/count_tokens"):
        raise Refused(404, "not_found_error", request.target)
    scene.need_json(request, "invalid_request_error")
    body = json.loads(request.body)
    counts = path.endswith("count_tokens")
    if versions[0] != VERSIONS[0] and SAMPLING.keys() & body.keys():
        raise bad("temperature, top_p, top_k: removed in this version of the API")
    check_body(body, counts)
    if counts:
        scene.play(scene.Asked(str(body)))
        exchange.reply(200, json.dumps({"input_tokens": scene.COUNTED_TOKENS}).encode())
    else:
        reply(exchange, body, body["model"], body.get("stream", False))


def _models(exchange, path):
    one = {"type": "model", "id": "claude-sonnet-4-5", "display_name": "Sonnet",
           "created_at": "2025-09-29T00:00:00Z"}
    whole = {"data": [one], "has_more": False, "first_id": one["id"], "last_id": one["id"]}
    exchange.reply(200, json.dumps(whole if path == "/v1/models" else one).encode())


first_party = scene.guarded(_first_party, refuse)


def hosted_body(body, version, model):
    """The Messages body of a host that has the model in its path and the version in the body."""
    given = body.pop("anthropic_version", None)
    # The SDK's own clients of the clouds write the newest.
    if given not in (version, ANTHROPIC_API_VERSION):
        raise bad(f"anthropic_version: must be {version} or {ANTHROPIC_API_VERSION}")
    if given != version and SAMPLING.keys() & body.keys():
        raise bad("temperature, top_p, top_k: removed in this version of the API")
    if "model" in body:
        raise bad("model: Extra inputs are not permitted")
    body.pop("anthropic_beta", None)
    check_body({**body, "model": model})
    return body


def vertex(exchange, model, verb):
    """What `vertex.py` calls for publishers/anthropic."""
    body = json.loads(exchange.request.body)
    if model == "count-tokens" and verb == "rawPredict":
        if body.pop("anthropic_version", "vertex-2023-10-16") != "vertex-2023-10-16":
            raise bad("anthropic_version")
        check_body(body, counts=True)
        exchange.reply(200, json.dumps({"input_tokens": scene.COUNTED_TOKENS}).encode())
        return
    if verb not in ("rawPredict", "streamRawPredict"):
        raise Refused(404, "not_found_error", verb)
    body = hosted_body(body, "vertex-2023-10-16", model)
    if (verb == "streamRawPredict") != body.get("stream", False):
        raise bad(f"stream: {body.get('stream')} with {verb}")
    reply(exchange, body, model, verb == "streamRawPredict")


def check_invoked(body, model):
    """CountTokens of an InvokeModel body."""
    inner = json.loads(base64.b64decode(body["input"]["invokeModel"]["body"], validate=True))
    hosted_body(inner, "bedrock-2023-05-31", model)


def _bedrock(exchange):
    request = exchange.request
    found = re.fullmatch(r"/model/([^/?]+)/(invoke|invoke-with-response-stream|count-tokens)",
                         request.target)
    if request.method != "POST" or not found:
        raise Refused(404, "UnknownOperationException", request.target)
    bedrock.check_signature(request)
    scene.need_json(request, "SerializationException")
    model, verb = urllib.parse.unquote(found[1]), found[2]
    body = json.loads(request.body)
    if verb == "count-tokens":
        bedrock.check_body_of("CountTokens", body, model)
        check_invoked(body, model)
        exchange.reply(200, json.dumps({"inputTokens": scene.COUNTED_TOKENS}).encode())
        return
    if "stream" in body:
        raise Refused(400, "ValidationException", "stream: Extra inputs are not permitted")
    try:
        body = hosted_body(body, "bedrock-2023-05-31", model)
    except Refused as error:
        error.kind = "ValidationException"
        raise
    says = scene.play(asked(body))
    if verb == "invoke":
        exchange.reply(200, json.dumps(message(says, model)).encode(),
                       [("x-amzn-requestid", "req-1")])
        return
    frames = b"".join(
        bedrock.event("chunk", {"bytes": base64.b64encode(json.dumps(e).encode()).decode()})
        for e in events(says, model))
    bedrock.send_frames(exchange, frames)


bedrock_invoke = scene.guarded(_bedrock, bedrock.refuse)
