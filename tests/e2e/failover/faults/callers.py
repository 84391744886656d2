"""Two clients that ask the same: a raw socket that sees every byte, and the official SDK."""
import dataclasses
import functools
import json
import time

import anthropic
import openai

from harness import raw
from referee.client import Deadline, Hang

from .stage import LIMIT, TEXTS


@dataclasses.dataclass
class Got:
    what: str  # fallback, primary, told, refused, unreadable, or a sentence about what is wrong
    seconds: float
    attempts: int = 0
    text: str = ""


# ---- the raw socket -----------------------------------------------------------------------------


def ask_raw(port, cell, body, request_id, client=None):
    began = time.monotonic()
    client = client or Deadline(port, LIMIT)
    client.end = began + LIMIT
    status, headers, content, end = 0, {}, b"", "clean"
    try:
        client.send(raw.request("POST", cell.dialect.path, json.dumps(body).encode(),
                                [("content-type", "application/json"), ("x-request-id", request_id)]))
        head = client.head()
        status, headers = head.status, {k.lower(): v for k, v in head.headers}
        if headers.get("transfer-encoding") == "chunked":
            while piece := client.chunk():
                content += piece
        else:
            content = client.exactly(int(headers.get("content-length", 0)))
    except Hang:
        end = "hang"
    except (raw.EndOfStream, ValueError, OSError, AssertionError):
        end = "cut"
        if "content-length" in headers:
            content = client.buffer
    what, text = judge(cell, status, headers, content, end)
    return Got(what, time.monotonic() - began, int(headers.get("x-understudy-attempts", 0)), text)


def judge(cell, status, headers, content, end):
    if end == "hang":
        return f"hang after {status} {content[:300]!r}", ""
    if status == 0:
        return "no answer at all", ""
    if status != 200:
        try:
            is_error = cell.dialect.is_error(json.loads(content)) and end == "clean"
        except (ValueError, KeyError, TypeError):
            is_error = False
        return ("refused" if is_error else f"{status} in no schema: {content[:300]!r} ({end})"), ""
    if cell.is_stream:
        return judge_stream(cell, headers, content, end)
    if end == "cut":
        return "told", ""
    try:
        text = client_dialect(cell).read(json.loads(content))
    except (ValueError, LookupError, TypeError, AssertionError):
        return "unreadable", ""
    return origin(text), text


def judge_stream(cell, headers, content, end):
    heard = client_dialect(cell).hear(content)
    about = f"{heard} ({end}) {content[-200:]!r}"
    if heard.error:
        if heard.is_finished:
            return f"an error in a stream that says it is finished: {about}", heard.text
        if end != "cut":
            return f"an error event, but a clean end: {about}", heard.text
        if not TEXTS["a"].startswith(heard.text):
            return f"the text is not of one provider: {about}", heard.text
        return "told", heard.text
    if end == "cut":
        return f"cut without a word: {about}", heard.text
    if not heard.is_finished:
        return f"a clean end of half an answer: {about}", heard.text
    if not headers.get("content-type", "").startswith("text/event-stream"):
        return f"a stream that is called {headers.get('content-type')}", heard.text
    return origin(heard.text), heard.text


def client_dialect(cell):
    from .dialects import DIALECTS
    return DIALECTS["chat"] if cell.dialect_name == "converse" else cell.dialect


def origin(text):
    return {TEXTS["a"]: "primary", TEXTS["b"]: "fallback"}.get(text, f"a mixed or cut text: {text!r}")


# ---- the SDKs -----------------------------------------------------------------------------------


@functools.cache
def openai_client(port):
    return openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0, timeout=LIMIT)


@functools.cache
def anthropic_client(port):
    return anthropic.Anthropic(base_url=f"http://127.0.0.1:{port}/anthropic", api_key="x", max_retries=0,
                               timeout=LIMIT)


def ask_sdk(port, cell, body, request_id):
    """`raised` stands for told, refused and unreadable."""
    began = time.monotonic()
    try:
        text, is_finished = {"chat": _chat, "converse": _chat, "completions": _completions,
                             "responses": _responses, "messages": _messages}[cell.dialect_name](
            port, {**body, "extra_headers": {"x-request-id": request_id}}, cell.is_stream)
    except (openai.APITimeoutError, anthropic.APITimeoutError):
        return Got("hang", time.monotonic() - began)
    except Exception as error:  # whatever an SDK raises is a raised error
        return Got("raised", time.monotonic() - began, text=repr(error))
    what = origin(text) if is_finished else f"no error, and no end: {text!r}"
    return Got(what, time.monotonic() - began, text=text)


def _chat(port, body, is_stream):
    answer = openai_client(port).chat.completions.create(**body)
    if not is_stream:
        return answer.choices[0].message.content, answer.choices[0].finish_reason
    text, finish = "", None
    for chunk in answer:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return text, finish


def _completions(port, body, is_stream):
    answer = openai_client(port).completions.create(**body)
    if not is_stream:
        return answer.choices[0].text, answer.choices[0].finish_reason
    text, finish = "", None
    for chunk in answer:
        for choice in chunk.choices:
            text += choice.text or ""
            finish = choice.finish_reason or finish
    return text, finish


def _responses(port, body, is_stream):
    answer = openai_client(port).responses.create(**body)
    if not is_stream:
        return answer.output_text, answer.status == "completed"
    text, finish = "", None
    for event in answer:
        if event.type == "response.output_text.delta":
            text += event.delta
        elif event.type == "response.completed":
            finish = True
    return text, finish


def _messages(port, body, is_stream):
    answer = anthropic_client(port).messages.create(**body)
    if not is_stream:
        return answer.content[0].text, answer.stop_reason
    text, finish = "", None
    for event in answer:
        if event.type == "content_block_delta":
            text += event.delta.text
        elif event.type == "message_delta":
            finish = event.delta.stop_reason
    return text, finish
