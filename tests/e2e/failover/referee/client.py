"""The referee's caller: one careful OpenAI client on a raw socket, with a deadline for the whole call."""
import dataclasses
import json
import time

from harness import raw

from .catalogue import ANSWER, PROMPT


@dataclasses.dataclass
class Reply:
    outcome: str  # success, error, hang
    seconds: float
    text: str = ""
    error: str = ""
    status: int = 0
    model: str | None = None
    usage: dict | None = None

    @property
    def is_whole(self):
        return " ".join(self.text.split()) == ANSWER


class Hang(Exception):
    pass


class Told(Exception):
    """An error that the caller was told of."""


class Deadline(raw.Client):
    def __init__(self, port, seconds):
        super().__init__(port)
        self.end = time.monotonic() + seconds

    def fill(self):
        left = self.end - time.monotonic()
        if left <= 0:
            raise Hang
        self.sock.settimeout(left)
        try:
            super().fill()
        except TimeoutError as error:
            raise Hang from error


def call(port, model, request_id, seconds, is_stream=True):
    began = time.monotonic()
    reply = Reply("success", 0)
    body = {"model": model, "messages": [{"role": "user", "content": PROMPT}]}
    if is_stream:
        body.update(stream=True, stream_options={"include_usage": True})
    try:
        with Deadline(port, seconds) as client:
            client.send(raw.request("POST", "/v1/chat/completions", json.dumps(body).encode(),
                                    [("content-type", "application/json"), ("x-request-id", request_id)]))
            _read(client, reply, is_stream)
    except Hang:
        reply.outcome = "hang"
    except Told as error:
        reply.outcome, reply.error = "error", str(error)
    except (raw.EndOfStream, OSError, ValueError) as error:
        reply.outcome, reply.error = "error", f"the connection broke: {error}"
    reply.seconds = time.monotonic() - began
    return reply


def _read(client, reply, is_stream):
    head = client.head()
    reply.status = head.status
    if head.status != 200 or not is_stream:
        body = json.loads(client.exactly(int(head.header("content-length")))
                          if head.header("content-length") else b"".join(_chunks(client)))
        if "error" in body or head.status != 200:
            raise Told(f"HTTP {head.status}: {body['error']['message']} ({body['error']['code']})")
        reply.text = body["choices"][0]["message"]["content"]
        reply.model, reply.usage = body["model"], body.get("usage")
        return
    pending = b""
    for piece in _chunks(client):
        *lines, pending = (pending + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:") and _event(line[5:].strip(), reply):
                return


def _chunks(client):
    while piece := client.chunk():
        yield piece


def _event(data, reply):
    """True when the stream says that it is over."""
    if data == b"[DONE]":
        return True
    try:
        event = json.loads(data)
    except ValueError:
        return False  # a careful client skips what it cannot read
    if event.get("error"):
        raise Told(f"in the stream: {event['error']['message']}")
    reply.model = event.get("model") or reply.model
    reply.usage = event.get("usage") or reply.usage
    for choice in event.get("choices") or []:
        reply.text += choice.get("delta", {}).get("content") or ""
    return False
