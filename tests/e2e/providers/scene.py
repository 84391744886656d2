"""What a simulated provider says, decided by what it is asked: the same play in every dialect."""
import base64
import dataclasses
import re
import struct
import zlib

TEXT = "An understudy knows every line of the play."
IMAGE_TEXT = "One red pixel."
AFTER_TOOLS = "Rain in Oslo, and it is noon."
JSON_TEXT = '{"city":"Oslo","degrees":4}'
# Of each tool: the arguments of its call.
ARGUMENTS = {"get_weather": {"city": "Oslo"}, "get_time": {"zone": "Europe/Oslo"}}
INPUT_TOKENS, OUTPUT_TOKENS = 11, 7
COUNTED_TOKENS = 23
VECTOR = [0.5, -0.25, 0.125]  # exact in 32 bits too
AUDIO = b"ID3\x04 not quite a song \xff\xfb\x00\r\n--not-a-boundary"


def _png():
    def chunk(kind, data):
        return (struct.pack("!I", len(data)) + kind + data +
                struct.pack("!I", zlib.crc32(kind + data)))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack("!IIBBBBB", 1, 1, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b""))


PNG = _png()
PNG_BASE64 = base64.b64encode(PNG).decode()


class Refused(Exception):
    """A request that the provider would not take: status, its word for the kind, its message."""

    def __init__(self, status, kind, message):
        super().__init__(f"{status} {kind}: {message}")
        self.status, self.kind, self.message = status, kind, message
        self.is_asked_for = False


@dataclasses.dataclass
class Asked:
    text: str = ""
    tools: list = dataclasses.field(default_factory=list)
    has_results: bool = False
    has_image: bool = False
    wants_json: bool = False


@dataclasses.dataclass
class Says:
    text: str = ""
    calls: list = dataclasses.field(default_factory=list)  # (id, name, arguments)


def play(asked):
    """The answer, or the failure that the prompt asks for (`fail with 429`)."""
    failure = re.search(r"fail with (\d+)", asked.text)
    if failure:
        error = Refused(int(failure[1]), "", f"the provider was told to fail with {failure[1]}")
        error.is_asked_for = True
        raise error
    if asked.has_results:
        return Says(AFTER_TOOLS)
    if asked.tools:
        names = asked.tools if "both" in asked.text else asked.tools[:1]
        return Says(calls=[(f"call_{i}", name, ARGUMENTS[name]) for i, name in enumerate(names)])
    if asked.has_image:
        return Says(IMAGE_TEXT)
    return Says(JSON_TEXT if asked.wants_json else TEXT)


def check_png(data, refusal):
    """The image that the client sent, to the byte."""
    if data != PNG_BASE64:
        raise Refused(400, refusal, "the image is not the client's")


def words(text):
    pieces = text.split(" ")
    return [piece + " " for piece in pieces[:-1]] + pieces[-1:]


def halves(text):
    return [text[:len(text) // 2], text[len(text) // 2:]]


def need_json(request, kind):
    types = request.all("content-type")
    if len(types) != 1 or types[0].split(";")[0].strip().lower() != "application/json":
        raise Refused(415 if kind != "INVALID_ARGUMENT" else 400, kind, f"content-type {types}")


def sse(data, event=None):
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {data}\n\n".encode()


def stream(exchange, pieces, headers=()):
    """Cut in places that are no event's end."""
    exchange.head(200, [("content-type", "text/event-stream; charset=utf-8"),
                        ("transfer-encoding", "chunked"), *headers])
    data = b"".join(pieces)
    for at in range(0, len(data), 97):
        exchange.chunk(data[at:at + 97])
    exchange.last_chunk()


def guarded(answer, refuse):
    """A script of `answer`; what it refuses is told by `refuse` and noted as the proxy's mistake."""

    def script(exchange):
        exchange.body()
        try:
            answer(exchange)
        except Refused as error:
            if not error.is_asked_for:
                exchange.provider.errors.append(error)
            refuse(exchange, error)
    return script
