"""One server that is primary and fallback at once: the model's name alone says how it misbehaves."""
import collections
import dataclasses
import json
import select
import time

from providers.server import Gone, Provider

from .catalogue import ANSWER, WORDS

RETRY_AFTER, SLOW, STALL, MUTE, OUTAGE = 2, 20, 30, 120, 60  # seconds, the referee's published profile
TOKEN = 0.015
CUT_AT, STALL_AT, MALFORMED_AT = 40, 20, 10  # tokens
SSE = [("content-type", "text/event-stream; charset=utf-8"), ("transfer-encoding", "chunked")]


@dataclasses.dataclass
class Seen:
    time: float
    model: str
    request_id: str
    what: str = "200"


def wait(exchange, seconds):
    """Silence; Gone when the peer leaves meanwhile."""
    poller = select.poll()
    poller.register(exchange.wire.sock, select.POLLIN)
    if poller.poll(seconds * 1000):
        raise Gone("left")


def refusal(status, message, kind, code, headers=()):
    body = json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})

    def script(exchange):
        exchange.reply(status, body.encode(), headers)
    script.what = str(status)
    return script


LIMITED = refusal(429, "Too many requests.", "rate_limit_error", "rate_limit_exceeded")
LIMITED_FOR = refusal(429, "Too many requests.", "rate_limit_error", "rate_limit_exceeded",
                      [("retry-after", str(RETRY_AFTER))])
BROKEN = refusal(500, "Something broke here.", "server_error", None)
OVERLOADED = refusal(503, "The engine is overloaded.", "server_error", "overloaded")
TOO_LONG = refusal(400, "This model's maximum context length is 8192 tokens, the messages have 9631.",
                   "invalid_request_error", "context_length_exceeded")
FILTERED = refusal(400, "The request was refused by the safety system.", "invalid_request_error",
                   "content_policy_violation")
NO_PREFILL = refusal(400, "The conversation must end with a user message.", "invalid_request_error",
                     "invalid_prefill")

ALWAYS = {"fb-s02": LIMITED, "fb-s04": OVERLOADED, "fb-s16": OVERLOADED, "fb-s12": TOO_LONG,
          "fb-s13": FILTERED}
ONCE = {"fb-s01": LIMITED_FOR, "fb-s03": BROKEN}
MODES = {"fb-s07": "slow", "fb-s08": "cut", "fb-s14": "cut", "fb-s09": "stall", "fb-s10": "malformed",
         "fb-s11": "no done"}


class Wall:
    def __init__(self):
        self.log = []
        self.counts = collections.Counter()
        self.outage_ends = float("inf")
        self.provider = Provider(self.script, "wall")
        self.port = self.provider.port

    def script(self, exchange):
        asked = json.loads(exchange.body())
        model = asked["model"]
        self.counts[model] += 1
        number = self.counts[model]
        entry = Seen(time.monotonic(), model, exchange.request.header("x-request-id"))
        self.log.append(entry)
        last = asked["messages"][-1]
        if model == "fb-ok-noprefill" and last["role"] == "assistant":
            entry.what = "prefill"
            return NO_PREFILL(exchange)
        fault = ALWAYS.get(model) or (ONCE.get(model) if number == 1 else None)
        if model == "fb-s15" and time.monotonic() < self.outage_ends:
            fault = OVERLOADED
        if fault is not None:
            entry.what = fault.what
            return fault(exchange)
        if model == "fb-s05" and number == 1:
            entry.what = "reset"
            return exchange.reset()
        if model == "fb-s06":
            entry.what = "mute"
            wait(exchange, MUTE)
            return exchange.close()
        continued = last["content"].strip() if last["role"] == "assistant" else ""
        words = ANSWER.removeprefix(continued).split() if ANSWER.startswith(continued) else WORDS
        self.answer(exchange, asked, model, words, bool(continued))

    def answer(self, exchange, asked, model, words, is_continued):
        usage = {"prompt_tokens": 21, "completion_tokens": len(words), "total_tokens": 21 + len(words)}
        if not asked.get("stream"):
            message = {"role": "assistant", "content": " ".join(words)}
            exchange.reply(200, json.dumps({
                "id": "chatcmpl-wall", "object": "chat.completion", "created": 1, "model": model,
                "usage": usage, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            }).encode())
            return
        mode = MODES.get(model)

        def say(choices, **more):
            exchange.chunk(b"data: " + json.dumps({
                "id": "chatcmpl-wall", "object": "chat.completion.chunk", "created": 1, "model": model,
                "choices": choices, **more}).encode() + b"\n\n")

        def delta(fields, finish=None):
            say([{"index": 0, "delta": fields, "finish_reason": finish}])
        exchange.head(200, SSE)
        if mode == "slow":
            wait(exchange, SLOW)
        delta({"role": "assistant", "content": ""})
        for at, word in enumerate(words):
            if (mode, at) == ("cut", CUT_AT):
                return exchange.close()
            if (mode, at) == ("stall", STALL_AT):
                wait(exchange, STALL)
                return exchange.close()
            if (mode, at) == ("malformed", MALFORMED_AT):
                exchange.chunk(b'data: {"id": "chatcmpl-wall", "choices": [{"delta": {"content": \n\n')
            delta({"content": word if at == 0 and not is_continued else " " + word})
            time.sleep(TOKEN)
        delta({}, "stop")
        if (asked.get("stream_options") or {}).get("include_usage"):
            say([], usage=usage)
        if mode != "no done":
            exchange.chunk(b"data: [DONE]\n\n")
        exchange.last_chunk()
        return None

    def seen(self, model, ids):
        return [entry for entry in list(self.log) if entry.model == model and entry.request_id in ids]
