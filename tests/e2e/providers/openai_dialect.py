"""OpenAI chat completions: unary, server-sent events, tool calls."""
import json
import threading

TEXT = "The quick brown fox jumps over the lazy dog."


def words(text):
    """Cut behind each space; joined, the pieces are the text."""
    pieces = text.split(" ")
    return [piece + " " for piece in pieces[:-1]] + pieces[-1:]


def completion(text, model="served-model", tool_calls=None):
    message = {"role": "assistant", "content": None if tool_calls else text}
    if tool_calls:
        message["tool_calls"] = tool_calls
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": model,
        "choices": [{"index": 0, "message": message,
                     "finish_reason": "tool_calls" if tool_calls else "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 9, "total_tokens": 16},
    }


def event(delta, finish=None, usage=None):
    data = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000,
            "model": "served-model",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    if usage:
        data.update(choices=[], usage=usage)
    return b"data: " + json.dumps(data).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
SSE = [("content-type", "text/event-stream"), ("transfer-encoding", "chunked")]


def tool_call(name, arguments):
    return {"id": "call_1", "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)}}


def events(text):
    return [event({"role": "assistant", "content": ""}),
            *(event({"content": word}) for word in words(text)),
            event({}, "stop"), DONE]


def chat(text=TEXT, headers=()):
    """Answers as asked: whole or streamed, with a tool call where tools are offered."""

    def script(exchange):
        asked = json.loads(exchange.body())
        call = None
        if asked.get("tools") and not any(m["role"] == "tool" for m in asked["messages"]):
            call = tool_call(asked["tools"][0]["function"]["name"], {"city": "Oslo"})
        if not asked.get("stream"):
            answer = completion(text, tool_calls=[call] if call else None)
            exchange.reply(200, json.dumps(answer).encode(), headers)
            return
        exchange.head(200, [*SSE, *headers])
        if call:
            half = len(call["function"]["arguments"]) // 2
            first = dict(call, index=0, function={"name": call["function"]["name"],
                                                  "arguments": call["function"]["arguments"][:half]})
            second = {"index": 0, "function": {"arguments": call["function"]["arguments"][half:]}}
            pieces = [event({"role": "assistant", "tool_calls": [first]}),
                      event({"tool_calls": [second]}), event({}, "tool_calls"), DONE]
        else:
            pieces = events(text)
        for piece in pieces:
            exchange.chunk(piece)
        exchange.last_chunk()
    return script


class Gated:
    """A stream that a test lets go on piece by piece: no clock decides what has been sent."""

    def __init__(self, text=TEXT, ending=None):
        self.pieces = events(text)
        self.ending = ending  # what happens instead of the rest once let_end() is called
        self._credit = threading.Semaphore(0)
        self.began = threading.Event()

    def let(self, count=1):
        for _ in range(count):
            self._credit.release()

    def let_all(self):
        self.let(len(self.pieces) + 1)

    def __call__(self, exchange):
        exchange.head(200, SSE)
        self.began.set()
        for piece in self.pieces:
            if not self._credit.acquire(timeout=20):
                raise AssertionError("the test never let the stream go on")
            if self.ending is not None and self.is_cut:
                self.ending(exchange)
                return
            exchange.chunk(piece)
        exchange.last_chunk()

    is_cut = False

    def cut(self):
        """The next thing that happens is the ending."""
        self.is_cut = True
        self.let()


def unary_cut(framing):
    """A 200 whose body ends early, in each of the framings that HTTP/1.1 has."""

    def script(exchange):
        body = json.dumps(completion(TEXT)).encode()
        half = body[:len(body) // 2]
        fields = [("content-type", "application/json")]
        if framing == "length":
            exchange.head(200, [*fields, ("content-length", str(len(body)))])
            exchange.send(half)
        elif framing == "chunked":
            exchange.head(200, [*fields, ("transfer-encoding", "chunked")])
            exchange.chunk(half)
        exchange.close()
    return script


def until_close(exchange):
    """A whole answer framed by the connection's end."""
    exchange.head(200, [("content-type", "application/json"), ("connection", "close")])
    exchange.send(json.dumps(completion(TEXT)).encode())
    exchange.close()
