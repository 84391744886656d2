"""The client's side: keep-alive connections, every answer judged to its last byte."""
import asyncio
import datetime
import json
import select

from upstreams import text_of

PATIENCE = 25.0  # seconds; a request that takes longer hangs


class Client:
    """Sends requests and keeps their verdicts: ok, broken (told to the client), or a violation."""

    def __init__(self, port, secure=None, patience=PATIENCE):
        """`secure`: (port, ssl.SSLContext) of a listener that every tenth request goes to."""
        self.doors = ((port, None), secure or (port, None))
        self.idle, self.patience = ([], []), patience
        self.verdicts = {}
        self.violations = []
        self.lost = []  # (number, when): whoever did not get a whole answer
        self.latencies = []
        self.in_flight = 0

    def count(self, verdict):
        self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1

    def violate(self, number, what):
        self.count("violation")
        self.violations.append(f"#{number}: {what}")
        self.lose(number)

    def lose(self, number):
        self.lost.append((number, datetime.datetime.now().strftime("%H:%M:%S.%f")))

    async def ask(self, number, is_stream):
        self.in_flight += 1
        began = asyncio.get_running_loop().time()
        try:
            await asyncio.wait_for(self.exchange(number, is_stream), self.patience)
        except asyncio.TimeoutError:
            self.violate(number, "no end within the client's patience")
        except (OSError, asyncio.IncompleteReadError) as error:
            self.violate(number, f"connection lost without an answer: {error!r}")
        finally:
            self.in_flight -= 1
            self.latencies.append(asyncio.get_running_loop().time() - began)

    async def exchange(self, number, is_stream):
        body = json.dumps({"model": "m", "stream": is_stream,
                           "messages": [{"role": "user", "content": f"say #{number}"}]}).encode()
        which = number % 20 in (0, 11)
        reader, writer = await self.connection(which)
        is_reusable = False
        try:
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: soak\r\n"
                         b"content-type: application/json\r\nx-request-id: soak-"
                         + f"{number}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            status = int(head.split(" ", 2)[1])
            is_chunked = "transfer-encoding: chunked" in head
            if is_chunked:
                data, is_clean = await read_chunks(reader)
            else:
                length = int(head.split("content-length:")[1].split("\r\n")[0])
                data, is_clean = await reader.readexactly(length), True
            is_reusable = is_clean and "connection: close" not in head
            self.judge(number, is_stream, status, data, is_clean, head)
        finally:
            if is_reusable:
                self.idle[which].append((reader, writer))
            else:
                writer.close()

    async def connection(self, which):
        """One that is open and idle, else a new one."""
        while self.idle[which]:
            reader, writer = self.idle[which].pop()
            if not is_readable(writer):
                return reader, writer
            writer.close()  # the other side has closed it
        port, tls = self.doors[which]
        return await asyncio.open_connection("127.0.0.1", port, ssl=tls)

    def close(self):
        for _, writer in self.idle[0] + self.idle[1]:
            writer.close()

    def judge(self, number, is_stream, status, data, is_clean, head):
        if status != 200:
            return self.violate(number, f"{status}: {data[:300].decode(errors='replace')}")
        if not is_stream:
            text = json.loads(data)["choices"][0]["message"]["content"]
            if text != text_of(number):
                return self.violate(number, f"a unary answer is not whole: {data[:200]!r}")
            return self.count("unary ok")
        text, has_finish, has_done, has_error = read_events(data)
        is_whole = text == text_of(number) and has_finish and has_done
        if is_whole and is_clean and not has_error:
            return self.count("stream ok")
        if has_done or (is_clean and not has_error):
            return self.violate(number, f"looks complete and is not: {data[-300:]!r}")
        if not text_of(number).startswith(text):
            return self.violate(number, f"words of two answers: {text!r}")
        if not has_error:
            return self.violate(number, f"broken without a word: {data[-300:]!r}")
        self.lose(number)
        return self.count("stream broken, told")


def is_readable(writer):
    poll = select.poll()
    poll.register(writer.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


async def read_chunks(reader):
    """(data, whether the body has its proper end)."""
    data = b""
    try:
        while True:
            size = int(await reader.readuntil(b"\r\n"), 16)
            piece = await reader.readexactly(size + 2)
            if size == 0:
                return data, True
            data += piece[:-2]
    except (asyncio.IncompleteReadError, ConnectionError):
        return data, False


def read_events(data):
    text, has_finish, has_done, has_error = "", False, False, False
    for block in data.decode().split("\n\n"):
        line = next((x[6:] for x in block.split("\n") if x.startswith("data: ")), None)
        if line is None:
            continue
        if line == "[DONE]":
            has_done = True
            continue
        value = json.loads(line)
        has_error = has_error or "error" in value
        for choice in value.get("choices", ()):
            text += choice["delta"].get("content") or ""
            has_finish = has_finish or choice["finish_reason"] is not None
    return text, has_finish, has_done, has_error
