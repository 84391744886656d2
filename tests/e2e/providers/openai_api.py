"""OpenAI's own API, and the parts of it that Azure and Bedrock serve on paths of their own. The SDK's
types judge each body, forms included; keys, paths and content types are checked by hand."""
import json
import re
import urllib.parse

from openai.types import (completion_create_params, embedding_create_params,
                          image_create_variation_params, image_edit_params, image_generate_params,
                          moderation_create_params)
from openai.types.audio import (speech_create_params, transcription_create_params,
                                translation_create_params)
from openai.types.chat import completion_create_params as chat_create_params
from openai.types.responses import input_token_count_params, response_create_params

from . import bedrock, openai_answers, scene, typed
from .scene import Refused

KEY, AZURE_KEY, AZURE_VERSION = "openai-backend-key", "azure-backend-key", "2024-10-21"
KINDS = {400: "invalid_request_error", 401: "invalid_request_error", 404: "invalid_request_error",
         429: "rate_limit_exceeded", 500: "server_error", 503: "server_error"}


def bad(message):
    return Refused(400, "invalid_request_error", message)


def judged(body, module, name, stream=""):
    kind = getattr(module, f"{name}CreateParams{stream}", None) or \
        getattr(module, f"{name}Params{stream}")
    found = typed.problems(body, kind)
    if found:
        raise bad("; ".join(found))


def _stream_kind(body):
    return "Streaming" if body.get("stream") else "NonStreaming"


# ---- chat ---------------------------------------------------------------------------------------


def _check_chat(body):
    judged(body, chat_create_params, "Completion", _stream_kind(body))
    if not body["messages"]:
        raise bad("'messages': empty array")
    if "stream_options" in body and not body.get("stream"):
        raise bad("stream_options: only allowed when stream is enabled")
    if "tool_choice" in body and not body.get("tools"):
        raise bad("tool_choice: only allowed when tools are specified")
    if body.get("parallel_tool_calls") is not None and not body.get("tools"):
        raise bad("parallel_tool_calls: only allowed when tools are specified")
    if "max_tokens" in body and "max_completion_tokens" in body:
        raise bad("max_tokens and max_completion_tokens cannot both be set")
    waiting = []
    for message in body["messages"]:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise bad("role 'tool' must follow 'tool_calls'")
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            raise bad(f"tool_call_ids without an answer: {waiting}")
        waiting = [call["id"] for call in message.get("tool_calls") or []]
        if message["role"] == "assistant" and not waiting and not message.get("content"):
            raise bad("an assistant message must have content or tool_calls")


def _chat_asked(body):
    parts = [p for m in body["messages"] if isinstance(m.get("content"), list)
             for p in m["content"]]
    images = [p["image_url"]["url"] for p in parts if p["type"] == "image_url"]
    for url in images:
        if not url.startswith("data:image/png;base64,"):
            raise bad("an image that nobody sent")
        scene.check_png(url.partition(",")[2], "invalid_request_error")
    text = " ".join(m["content"] for m in body["messages"] if isinstance(m.get("content"), str))
    text += " ".join(p["text"] for p in parts if p["type"] == "text")
    return scene.Asked(text, [t["function"]["name"] for t in body.get("tools", [])],
                       any(m["role"] == "tool" for m in body["messages"]), bool(images),
                       (body.get("response_format") or {}).get("type") == "json_schema")


def chat(exchange, body):
    _check_chat(body)
    says = scene.play(_chat_asked(body))
    if body.get("stream"):
        with_usage = (body.get("stream_options") or {}).get("include_usage", False)
        scene.stream(exchange, openai_answers.chat_events(says, body["model"], with_usage))
    else:
        _reply(exchange, openai_answers.chat(says, body["model"]))


def _reply(exchange, answer):
    exchange.reply(200, json.dumps(answer).encode(), [("x-request-id", "req_openai")])


# ---- the other JSON operations ------------------------------------------------------------------


def _completions(exchange, body):
    judged(body, completion_create_params, "Completion", _stream_kind(body))
    says = scene.play(scene.Asked(str(body["prompt"])))
    if body.get("stream"):
        scene.stream(exchange, openai_answers.completion_events(says, body["model"]))
    else:
        _reply(exchange, openai_answers.completion(says, body["model"]))


def _responses_asked(body):
    items = body["input"] if isinstance(body["input"], list) else []
    parts = [p for i in items if isinstance(i.get("content"), list) for p in i["content"]]
    images = [p["image_url"] for p in parts if p["type"] == "input_image"]
    for url in images:
        scene.check_png(url.partition(",")[2], "invalid_request_error")
    called = [i["call_id"] for i in items if i.get("type") == "function_call"]
    answered = [i["call_id"] for i in items if i.get("type") == "function_call_output"]
    if called != answered:
        raise bad(f"No tool output found for function calls {called}, {answered}")
    return scene.Asked(json.dumps(body["input"]), [t["name"] for t in body.get("tools", [])],
                       bool(answered), bool(images), ((body.get("text") or {}).get("format") or
                                                      {}).get("type") == "json_schema")


def _responses(exchange, body):
    judged(body, response_create_params, "Response", _stream_kind(body))
    if "model" not in body or "input" not in body:
        raise bad("model and input are required")
    says = scene.play(_responses_asked(body))
    if body.get("stream"):
        scene.stream(exchange, openai_answers.response_events(says, body))
    else:
        _reply(exchange, openai_answers.response(says, body))


def _input_tokens(exchange, body):
    judged(body, input_token_count_params, "InputTokenCount")
    _reply(exchange, {"object": "response.input_tokens", "input_tokens": scene.COUNTED_TOKENS})


def _embeddings(exchange, body):
    judged(body, embedding_create_params, "Embedding")
    if not body["input"]:
        raise bad("'input' cannot be empty")
    scene.play(scene.Asked(str(body["input"])))
    _reply(exchange, openai_answers.embeddings(body))


def _image_answer(exchange):
    _reply(exchange, {"created": 1700000000, "data": [{"b64_json": scene.PNG_BASE64}],
                      "usage": {"input_tokens": 5, "output_tokens": 6, "total_tokens": 11,
                                "input_tokens_details": {"text_tokens": 5, "image_tokens": 0}}})


def _images(exchange, body):
    judged(body, image_generate_params, "ImageGenerate", _stream_kind(body))
    _image_answer(exchange)


def _speech(exchange, body):
    judged(body, speech_create_params, "Speech")
    exchange.reply(200, scene.AUDIO, content_type="audio/mpeg")


def _moderations(exchange, body):
    judged(body, moderation_create_params, "Moderation")
    names = ["harassment", "hate", "illicit", "self-harm", "sexual", "violence"]
    one = {"flagged": True, "categories": {name: name == "violence" for name in names},
           "category_scores": {name: 0.9 if name == "violence" else 0.01 for name in names},
           "category_applied_input_types": {name: ["text"] for name in names}}
    _reply(exchange, {"id": "modr-1", "model": body.get("model", "omni"), "results": [one]})


def _rerank(exchange, body):
    """Not OpenAI's own: `/v1/rerank` as vLLM and Jina have it under this schema."""
    known = {"model", "query", "documents", "top_n", "return_documents"}
    if set(body) - known or not {"model", "query", "documents"} <= set(body):
        raise bad(f"rerank: {sorted(body)}")
    last = len(body["documents"]) - 1
    _reply(exchange, {"id": "rr-1", "model": body["model"], "usage": {"total_tokens": 9},
                      "results": [{"index": last - i, "relevance_score": 0.9 - i / 10}
                                  for i in range(body.get("top_n", last + 1))]})


# ---- forms --------------------------------------------------------------------------------------


def form(request):
    """[(name, filename or None, bytes)] of multipart/form-data; anything odd is refused."""
    found = re.fullmatch(r'multipart/form-data; ?boundary="?([^";]+)"?',
                         request.header("content-type", ""))
    if not found:
        raise bad(f"content-type: {request.header('content-type')}")
    edge = b"\r\n--" + found[1].encode()
    pieces = (b"\r\n" + request.body).split(edge)
    if pieces[0] or pieces[-1].strip(b"\r\n") != b"--":
        raise bad("a form without its end")
    parts = []
    for piece in pieces[1:-1]:
        head, gap, data = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'; name="([^"]*)"', head)
        if not gap or not name:
            raise bad("a part without a name")
        file = re.search(rb'; filename="([^"]*)"', head)
        parts.append((name[1].decode(), file and file[1].decode(), data))
    return parts


def _check_form(parts, module, name, files):
    kind = getattr(module, f"{name}ParamsBase", None) or getattr(module, f"{name}Params")
    known = set(typed.hints(kind)) | {"stream"}
    for part, filename, _ in parts:
        if part.split("[")[0] not in known:
            raise bad(f"{part}: unknown parameter")
        if (part.removesuffix("[]") in files) != (filename is not None):
            raise bad(f"{part}: a file is a part with a file name, and nothing else is")
    for needed, wanted in files.items():
        if wanted is not None and not any(p.removesuffix("[]") == needed and data == wanted
                                          for p, _, data in parts):
            raise bad(f"{needed}: not the client's file")
    return {part: data.decode() for part, filename, data in parts if filename is None}


def _image_edit(exchange, parts):
    fields = _check_form(parts, image_edit_params, "ImageEdit", {"image": scene.PNG, "mask": None})
    if "prompt" not in fields:
        raise bad("prompt is required")
    _image_answer(exchange)


def _image_variation(exchange, parts):
    _check_form(parts, image_create_variation_params, "ImageCreateVariation", {"image": scene.PNG})
    _image_answer(exchange)


def _transcription(exchange, parts):
    fields = _check_form(parts, transcription_create_params, "TranscriptionCreate",
                         {"file": scene.AUDIO})
    _heard(exchange, fields)


def _translation(exchange, parts):
    fields = _check_form(parts, translation_create_params, "TranslationCreate",
                         {"file": scene.AUDIO})
    _heard(exchange, fields)


def _heard(exchange, fields):
    if "model" not in fields:
        raise bad("model is required")
    if fields.get("response_format") == "text":
        exchange.reply(200, scene.TEXT.encode() + b"\n", content_type="text/plain; charset=utf-8")
    else:
        _reply(exchange, {"text": scene.TEXT})


JSON_OPERATIONS = {
    "chat/completions": chat, "completions": _completions, "responses": _responses,
    "responses/input_tokens": _input_tokens, "embeddings": _embeddings,
    "images/generations": _images, "audio/speech": _speech, "moderations": _moderations,
    "rerank": _rerank}
FORM_OPERATIONS = {"images/edits": _image_edit, "images/variations": _image_variation,
                   "audio/transcriptions": _transcription, "audio/translations": _translation}


def serve(exchange, operation):
    request = exchange.request
    if request.method != "POST":
        raise Refused(405, "invalid_request_error", request.method)
    if operation in JSON_OPERATIONS:
        scene.need_json(request, "invalid_request_error")
        JSON_OPERATIONS[operation](exchange, json.loads(request.body))
    elif operation in FORM_OPERATIONS:
        FORM_OPERATIONS[operation](exchange, form(request))
    else:
        raise Refused(404, "invalid_request_error", f"Invalid URL ({request.target})")


def _first_party(exchange):
    request = exchange.request
    if request.all("authorization") != [f"Bearer {KEY}"]:
        raise Refused(401, "invalid_request_error", "Incorrect API key provided")
    if not request.target.startswith("/v1/"):
        raise Refused(404, "invalid_request_error", f"Invalid URL ({request.target})")
    serve(exchange, request.target.removeprefix("/v1/"))


def _azure(exchange):
    request = exchange.request
    if request.all("api-key") != [AZURE_KEY]:
        raise Refused(401, "401", "Access denied due to invalid subscription key")
    url = urllib.parse.urlsplit(request.target)
    if urllib.parse.parse_qs(url.query) != {"api-version": [AZURE_VERSION]}:
        raise Refused(404, "404", f"Resource not found: {url.query}")
    found = re.fullmatch(r"/openai/deployments/([^/]+)/(.+)", url.path)
    if found and not found[2].startswith("responses"):
        serve(exchange, found[2])
    elif url.path.startswith("/openai/responses"):
        serve(exchange, url.path.removeprefix("/openai/"))
    else:
        raise Refused(404, "404", f"Resource not found: {request.target}")


def _on_bedrock(exchange):
    """Bedrock's OpenAI-compatible paths: chats and responses, signed as everything there is."""
    request = exchange.request
    operation = request.target.removeprefix("/openai/v1/")
    if operation not in ("chat/completions", "responses"):
        raise Refused(404, "invalid_request_error", request.target)
    bedrock.check_signature(request)
    serve(exchange, operation)


def _refuse(exchange, error):
    body = {"error": {"message": error.message, "param": None, "code": None,
                      "type": error.kind or KINDS.get(error.status, "server_error")}}
    exchange.reply(error.status, json.dumps(body).encode(), [("x-request-id", "req_openai")])


first_party = scene.guarded(_first_party, _refuse)
azure = scene.guarded(_azure, _refuse)
on_bedrock = scene.guarded(_on_bedrock, _refuse)
