"""Bytes of requests and answers, written out by hand."""
import dataclasses

CHAT = "/v1/chat/completions"
PLAIN = "/plain/upload"
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
HOST = "Host: gateway.example"
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"
JSON = "Content-Type: application/json"


def head(*lines, end="\r\n"):
    return (end.join(lines) + end + end).encode("latin-1")


def chunks(*pieces, end=b"0\r\n\r\n"):
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


CODED = chunks(BODY[:5], BODY[5:])
# What a smuggler wants to have answered; nobody upstream may ever see it.
SMUGGLED = head("GET /plain/smuggled HTTP/1.1", HOST, "X-Tag: smuggled")


def marker(tag, target=PLAIN, *fields):
    """An honest request, told apart by its tag."""
    return head(f"POST {target} HTTP/1.1", HOST, JSON, LENGTH, f"X-Tag: {tag}", *fields) + BODY


@dataclasses.dataclass(frozen=True)
class Refused:
    """Answered with one of the statuses, closed, and nothing of it or behind it went on."""
    statuses: tuple = (400,)


@dataclasses.dataclass(frozen=True)
class Served:
    """Went on once, as what it is; the connection carries the next request."""
    body: bytes = BODY
    target: str | None = None  # upstream; None: as it was asked for
    host: str = "gateway.example"
    closes: bool = False
    absent: tuple = ()  # fields that must not travel


@dataclasses.dataclass(frozen=True)
class Answered:
    """Answered here without a word to anybody; the connection stays in step."""
    statuses: tuple
    closes: bool = False


def refused(*statuses):
    return Refused(statuses or (400,))


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    sent: bytes  # `@T` stands for the target
    expected: object

    def bytes_for(self, target):
        return self.sent.replace(b"@T", target.encode())


def post(name, expected, *fields, body=BODY, line="POST @T HTTP/1.1", host=(HOST,)):
    """A POST with these fields beside its Host, and with this body."""
    return Case(name, head(line, *host, JSON, "X-Tag: case", *fields) + body, expected)


def coded(name, expected, body):
    """A chunked POST."""
    return post(name, expected, CHUNKED, body=body)


def line(name, expected, text, *fields):
    """A request line without a body."""
    return Case(name, head(text, HOST, "X-Tag: case", *fields), expected)


def raw(name, expected, data):
    return Case(name, data, expected)
