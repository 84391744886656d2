"""Upstreams that fail on demand: OpenAI's chat completions, and a Bedrock Converse that never fails."""
import asyncio
import json
import random
import socket
import struct
import zlib

WORDS = 12
GAP = 0.004  # seconds between two pieces of a stream
RESET = struct.pack("ii", 1, 0)

# What an upstream may do for some seconds. `late` ones break answers that have begun.
EARLY = ("good", "status 500", "status 503", "throttle", "refuse", "close", "hang", "comments",
         "in-band", "html", "garbage", "slow")
LATE = ("cut", "reset", "polite", "in-band late")


def text_of(number):
    """The whole answer to request `number`; whoever lacks a word of it has been cut."""
    return " ".join(f"{number}.{i}" for i in range(WORDS)) + " end"


def number_of(body):
    return int(json.loads(body)["messages"][-1]["content"][0]["text"].split("#")[1]
               if b'"inferenceConfig"' in body
               else json.loads(body)["messages"][-1]["content"].split("#")[1])


def frame(kind, payload):
    """One message of AWS's event stream."""
    data = json.dumps(payload).encode()
    headers = b""
    for name, value in ((":event-type", kind), (":content-type", "application/json"),
                        (":message-type", "event")):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + \
            value.encode()
    head = struct.pack(">II", 16 + len(headers) + len(data), len(headers))
    head += struct.pack(">I", zlib.crc32(head))
    whole = head + headers + data
    return whole + struct.pack(">I", zlib.crc32(whole))


def quiet_port():
    """Below the range that connections take theirs from: closed for a while, it is still free then."""
    for port in random.sample(range(20000, 30000), 100):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise OSError("no free port between 20000 and 30000")


class Upstream:
    """One listening socket on a port that stays its own; `fault` may change at any time."""

    def __init__(self, name):
        self.name, self.fault, self.server = name, "good", None
        self.requests = 0
        self.port = quiet_port()
        self.writers, self.busy = set(), set()
        self.is_gentle = False  # does not break what has begun when it goes away

    async def become(self, fault):
        self.fault = fault
        if fault == "refuse":
            if self.server is None:
                return
            self.server.close()
            self.server = None
            for writer in self.writers - (self.busy if self.is_gentle else set()):
                writer.transport.abort()
        elif self.server is None:
            await self.listen()

    async def listen(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port, backlog=1024)

    async def serve(self, reader, writer):
        self.writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n")
                               if line.startswith(b"content-length:")), 0)
                body = await reader.readexactly(length)
                self.requests += 1
                self.busy.add(writer)
                if not await self.answer(head, body, writer):
                    break
                self.busy.discard(writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.LimitOverrunError):
            pass
        finally:
            self.writers.discard(writer)
            self.busy.discard(writer)
            writer.close()

    async def answer(self, head, body, writer):
        """False: the connection must end."""
        fault, number = self.fault, number_of(body)
        is_stream = b'"stream": true' in body or b'"stream":true' in body
        if fault == "slow":
            await asyncio.sleep(0.15)
        if fault == "refuse" or fault == "close":
            return False
        if fault == "hang":
            await asyncio.sleep(20)
            return False
        if fault in ("status 500", "status 503", "throttle"):
            status = 429 if fault == "throttle" else int(fault[-3:])
            more = "retry-after: 7\r\n" if fault == "throttle" else ""
            return await whole(writer, status, "application/json",
                               b'{"error":{"message":"no","type":"t","code":null}}', more)
        if fault == "garbage":
            writer.write(b"\x16\x03\x01 what\r\n\r\n")
            return False
        if fault == "html":
            return await whole(writer, 200, "text/html", b"<html><body>Maintenance</body></html>")
        if not is_stream:
            return await self.unary(fault, number, writer)
        return await self.stream(fault, number, writer)

    async def unary(self, fault, number, writer):
        if fault in ("in-band", "in-band late"):
            return await whole(writer, 200, "application/json",
                               b'{"error":{"message":"busy","type":"overloaded_error"}}')
        data = json.dumps({
            "id": f"c-{number}", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": text_of(number)}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}).encode()
        if fault in ("cut", "reset", "polite", "comments"):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
                         + str(len(data)).encode() + b"\r\n\r\n" + data[:len(data) // 2])
            await writer.drain()
            return False
        return await whole(writer, 200, "application/json", data)

    async def stream(self, fault, number, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                     b"transfer-encoding: chunked\r\n\r\n")
        if fault == "comments":
            for _ in range(100):
                chunk(writer, b": ping\n\n")
                await writer.drain()
                await asyncio.sleep(0.2)
            return False
        if fault == "in-band":
            chunk(writer, b'data: {"error":{"message":"busy","type":"overloaded_error"}}\n\n')
            return await end(writer)
        chunk(writer, event(number, {"role": "assistant", "content": ""}))
        pieces = [w + " " for w in text_of(number).split(" ")[:-1]] + ["end"]
        for at, piece in enumerate(pieces):
            if at == WORDS // 2 and fault in LATE:
                return await self.break_stream(fault, writer)
            chunk(writer, event(number, {"content": piece}))
            await writer.drain()
            await asyncio.sleep(GAP)
        chunk(writer, event(number, {}, "stop"))
        chunk(writer, b"data: [DONE]\n\n")
        return await end(writer)

    async def break_stream(self, fault, writer):
        if fault == "in-band late":
            chunk(writer, b'data: {"error":{"message":"busy","type":"overloaded_error"}}\n\n')
        if fault in ("polite", "in-band late"):
            return await end(writer)
        if fault == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
        return False


class Bedrock(Upstream):
    """Speaks Converse and ConverseStream, and never fails."""

    async def answer(self, head, body, writer):
        number = number_of(body)
        if b"converse-stream" not in head.split(b"\r\n", 1)[0]:
            data = {"output": {"message": {"role": "assistant", "content": [{"text": text_of(number)}]}},
                    "stopReason": "end_turn",
                    "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}
            return await whole(writer, 200, "application/json", json.dumps(data).encode())
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n"
                     b"transfer-encoding: chunked\r\n\r\n")
        chunk(writer, frame("messageStart", {"role": "assistant"}))
        for word in text_of(number).split(" ")[:-1] + ["end"]:
            text = word if word == "end" else word + " "
            chunk(writer, frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}}))
            await writer.drain()
            await asyncio.sleep(GAP)
        chunk(writer, frame("contentBlockStop", {"contentBlockIndex": 0}))
        chunk(writer, frame("messageStop", {"stopReason": "end_turn"}))
        chunk(writer, frame("metadata", {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}))
        return await end(writer)


def event(number, delta, finish=None):
    data = {"id": f"c-{number}", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def chunk(writer, data):
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


async def end(writer):
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


async def whole(writer, status, kind, body, more=""):
    writer.write(f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{more}content-length: {len(body)}"
                 "\r\n\r\n".encode() + body)
    await writer.drain()
    return True
