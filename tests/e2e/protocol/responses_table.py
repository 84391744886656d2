"""Answers of an upstream that is broken, or means harm: what the client may get of each."""
import dataclasses
import gzip

OK = b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,' \
     b'"finish_reason":"stop","message":{"role":"assistant","content":"from the crooked one"}}]}'
SIZE = b"content-length: %d" % len(OK)
TYPE = b"content-type: application/json"
# Whatever stands behind an answer: nobody may ever get it.
POISON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-answer-to: poison\r\n" \
         b"content-length: 6\r\n\r\npoison"


@dataclasses.dataclass(frozen=True)
class Failed:
    """A failed attempt that nobody has seen: the fallback answers, or we do."""


@dataclasses.dataclass(frozen=True)
class Whole:
    """The answer of the crooked one, whole."""
    body: bytes = OK
    status: int = 200
    absent: tuple = ()


@dataclasses.dataclass(frozen=True)
class Cut:
    """Begun and never ended as if it were whole; where it was still held, a failed attempt."""


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    sent: bytes
    expected: object
    then: str = "keep"  # keep | close | reset | silent | forever
    method: str = "POST"


def head(status, *fields):
    return b"\r\n".join((status, *fields)) + b"\r\n\r\n"


def answer(name, expected, *fields, status=b"HTTP/1.1 200 OK", body=OK, then="keep", **more):
    return Case(name, head(status, TYPE, *fields) + body, expected, then, **more)


def status_line(text, expected):
    return Case(f"status line {text!r}", head(text, TYPE, SIZE) + OK, expected)


def chunked(name, expected, body, then="keep", **more):
    return answer(name, expected, b"transfer-encoding: chunked", body=body, then=then, **more)


N = b"%x\r\n" % len(OK)
HALF = b"%x\r\n" % 40 + OK[:40] + b"\r\n"

STATUS_LINES = [
    *(status_line(text, Failed()) for text in (
        b"", b"HTTP/1.1", b"HTTP/1.1 ", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 2OO OK",
        b"HTTP/1.1  200 OK", b"HTTP/1.1 200OK", b"HTTP/1.1 -200 OK", b"HTTP/1.1\t200 OK",
        b"HTTP/1.1 099 OK", b"HTTP/1.1 000 OK", b"HTTP/2.0 200 OK", b"HTTP/0.9 200 OK",
        b"HTTP/1.2 200 OK", b"HTTP/11 200 OK", b"http/1.1 200 OK", b"ICY 200 OK", b"HTTP 200 OK",
        b" HTTP/1.1 200 OK", b"\r\nHTTP/1.1 200 OK", b"\nHTTP/1.1 200 OK", b"xHTTP/1.1 200 OK",
        b"\x00HTTP/1.1 200 OK", b"HTTP/1.1 200 a\x00b", b"HTTP/1.1 200 a\rx-injected: 1",
        b"HTTP/1.1 200 a\nx-injected: 1", b"GET / HTTP/1.1", b"SSH-2.0-OpenSSH_9.2",
        b"220 mail.example ESMTP", b"<html>", b'{"id":1}', b"\x15\x03\x03\x00\x02\x02\x28"))]
STATUS_LINES += [
    status_line(b"HTTP/1.1 200 ", Whole()),
    status_line(b"HTTP/1.1 200 " + b"long " * 200, Whole()),
    status_line(b"HTTP/1.0 200 OK", Whole()),
    Case("HTTP/1.0 to the end of the connection", head(b"HTTP/1.0 200 OK", TYPE) + OK, Whole(), "close"),
    Case("status beyond 599", head(b"HTTP/1.1 999 Odd", TYPE, SIZE) + OK, Whole(status=999)),
    Case("nothing but an end", b"", Failed(), "close"),
    Case("nothing but a reset", b"", Failed(), "reset"),
    Case("half a status line", b"HTTP/1.1 20", Failed(), "close"),
    Case("half a head", b"HTTP/1.1 200 OK\r\ncontent-le", Failed(), "close"),
    Case("half a head and silence", b"HTTP/1.1 200 OK\r\ncontent-le", Failed(), "silent"),
    Case("HTTP/0.9", OK, Failed(), "close"),
]

FRAMING = [
    *(answer(f"{name}", Failed(), *fields, body=body)
      for name, fields, body in (
          ("length and coding", (SIZE, b"transfer-encoding: chunked"), N + OK + b"\r\n0\r\n\r\n"),
          ("coding and length", (b"transfer-encoding: chunked", SIZE), N + OK + b"\r\n0\r\n\r\n"),
          ("coding and a length of zero", (b"transfer-encoding: chunked", b"content-length: 0"),
           N + OK + b"\r\n0\r\n\r\n"),
          ("two equal lengths", (SIZE, SIZE), OK),
          ("two lengths, larger first", (SIZE, b"content-length: 4"), OK),
          ("two lengths, smaller first", (b"content-length: 4", SIZE), OK),
          ("coding twice", (b"transfer-encoding: chunked",) * 2, N + OK + b"\r\n0\r\n\r\n"),
          ("coding in HTTP/1.0's place", (b"transfer-encoding: identity", SIZE), OK)))]
FRAMING += [
    *(answer(f"length {value!r}", Failed(), b"content-length: " + value)
      for value in (b"", b"-1", b"+5", b"0x10", b"5, 5", b"5,5", b"5 5", b"5a", b"1e3", b'"5"',
                    b"18446744073709551999", b"9" * 40, b"\x0b5", b"5\x00", b"99999999999999999999")),
    *(answer(f"coding {value!r}", Failed(), b"transfer-encoding: " + value, body=N + OK + b"\r\n0\r\n\r\n")
      for value in (b"identity", b"gzip", b"gzip, chunked", b"chunked, gzip", b"chunked, chunked",
                    b"xchunked", b"\x0bchunked", b'"chunked"', b"", b"chunked;q=1", b"cow")),
    answer("coding in HTTP/1.0", Failed(), b"transfer-encoding: chunked", status=b"HTTP/1.0 200 OK",
           body=N + OK + b"\r\n0\r\n\r\n"),
    answer("coding of any case", Whole(), b"Transfer-Encoding: CHUNKED", body=N + OK + b"\r\n0\r\n\r\n"),
]

FIELDS = [
    *(Case(name, sent, Failed()) for name, sent in (
        ("LF in every line", (head(b"HTTP/1.1 200 OK", TYPE, SIZE) + OK).replace(b"\r\n", b"\n")),
        ("LF behind one field", b"HTTP/1.1 200 OK\r\n" + TYPE + b"\n" + SIZE + b"\r\n\r\n" + OK),
        ("CR behind one field", b"HTTP/1.1 200 OK\r\n" + TYPE + b"\r" + SIZE + b"\r\n\r\n" + OK),
        ("the end as LF LF", b"HTTP/1.1 200 OK\r\n" + SIZE + b"\n\n" + OK)))]
FIELDS += [
    *(answer(name, Failed(), *fields, SIZE) for name, fields in (
        ("folded field", (b"x-a: b", b" c")), ("folded with a tab", (b"x-a: b", b"\tc")),
        ("no colon", (b"nonsense",)), ("empty name", (b": b",)), ("space in a name", (b"x a: b",)),
        ("space before a colon", (b"x-a : b",)), ("NUL in a value", (b"x-a: b\0c",)),
        ("CR in a value", (b"x-a: b\rset-cookie: injected=1",)),
        ("LF in a value", (b"x-a: b\nset-cookie: injected=1",)), ("DEL in a value", (b"x-a: \x7f",)),
        ("NUL in a name", (b"x\0a: b",)), ("bracket in a name", (b"x[a]: b",)),
        ("three hundred fields", tuple(b"x-%d: y" % i for i in range(300))),
        ("a field of 70,000 bytes", (b"x-a: " + b"y" * 70000,)),
        ("a hundred connection options",
         (b"connection: " + b", ".join(b"x-%d" % i for i in range(100)),)))),
    Case("a head without an end", b"HTTP/1.1 200 OK\r\n" + TYPE + b"\r\n", Failed(), "forever"),
    answer("hop-by-hop fields", Whole(absent=("x-hop", "keep-alive", "proxy-authenticate", "upgrade",
                                              "trailer", "te")),
           SIZE, b"connection: X-Hop", b"x-hop: 1", b"keep-alive: timeout=5", b"trailer: x",
           b"proxy-authenticate: Basic", b"upgrade: h2c", b"te: trailers"),
    answer("fields in our name", Whole(absent=("x-understudy-config",)), SIZE,
           b"x-understudy-config: forged", b"x-understudy-attempts: 77"),
    answer("an option that names the length", Whole(), SIZE, b"connection: content-length"),
    answer("high bytes in a value", Whole(), SIZE, b"x-a: \xe9\xff"),
]

INTERIM = [
    *(Case(name, interim + head(b"HTTP/1.1 200 OK", TYPE, SIZE) + OK, expected)
      for name, interim, expected in (
          ("100 before", b"HTTP/1.1 100 Continue\r\n\r\n", Whole()),
          ("102, 103 before", b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nlink: </x>\r\n\r\n",
           Whole(absent=("link",))),
          ("eight before", b"HTTP/1.1 100 Continue\r\n\r\n" * 8, Whole()),
          ("nine before", b"HTTP/1.1 100 Continue\r\n\r\n" * 9, Failed()),
          ("199 before", b"HTTP/1.1 199 Odd\r\n\r\n", Whole()),
          ("101 before", b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", Failed()),
          ("100 with a body", b"HTTP/1.1 100 Continue\r\ncontent-length: 4\r\n\r\nbody", Failed()),
          ("100 with chunks", b"HTTP/1.1 100 C\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", Failed()),
          ("a malformed 100", b"HTTP/1.1 100 Continue\n\n", Failed()),
          ("a large 100", b"HTTP/1.1 100 C\r\nx: " + b"y" * 70000 + b"\r\n\r\n", Failed()))),
    Case("1xx and nothing else", b"HTTP/1.1 100 Continue\r\n\r\n", Failed(), "close"),
    Case("1xx without an end", b"HTTP/1.1 102 Processing\r\n\r\n", Failed(), "forever"),
    answer("a final 101", Failed(), b"upgrade: websocket", b"connection: upgrade",
           status=b"HTTP/1.1 101 Switching Protocols"),
]

BODIES = [
    answer("another answer behind", Whole(), SIZE, body=OK + POISON),
    answer("another head behind, begun", Whole(), SIZE, body=OK + POISON[:20]),
    answer("one byte behind", Whole(), SIZE, body=OK + b"x"),
    answer("CR LF behind", Whole(), SIZE, body=OK + b"\r\n"),
    answer("shorter than its length", Cut(), SIZE, body=OK[:-10], then="close"),
    answer("shorter than its length, torn", Cut(), SIZE, body=OK[:-10], then="reset"),
    answer("shorter than its length, silent", Cut(), SIZE, body=OK[:-10], then="silent"),
    answer("a length and no body", Cut(), SIZE, body=b"", then="close"),
    answer("to the end of the connection", Whole(), then="close"),
    answer("to a reset of the connection", Cut(), body=OK, then="reset"),
    answer("to the end, with more behind", Whole(OK + b"\n"), body=OK + b"\n", then="close"),
    chunked("chunks", Whole(), N + OK + b"\r\n0\r\n\r\n"),
    chunked("chunks and an answer behind", Whole(), N + OK + b"\r\n0\r\n\r\n" + POISON),
    chunked("chunks and a byte behind", Whole(), N + OK + b"\r\n0\r\n\r\nx"),
    chunked("chunk with an extension", Whole(), b"%x;a=b\r\n" % len(OK) + OK + b"\r\n0;z\r\n\r\n"),
    chunked("trailers", Whole(absent=("x-late",)), N + OK + b"\r\n0\r\nx-late: 1\r\n\r\n"),
    chunked("framing in trailers", Whole(), N + OK + b"\r\n0\r\ncontent-length: 1\r\n"
            b"transfer-encoding: x\r\n\r\n" + POISON),
    chunked("no last chunk", Cut(), N + OK + b"\r\n", then="close"),
    chunked("no end behind the last chunk", Cut(), N + OK + b"\r\n0\r\n", then="close"),
    chunked("half a chunk", Cut(), N + OK[:30], then="close"),
    chunked("half a chunk, torn", Cut(), N + OK[:30], then="reset"),
    chunked("half a chunk, silent", Cut(), N + OK[:30], then="silent"),
    *(chunked(f"chunk size {size!r}", Cut(), HALF + size + b"\r\n" + OK[40:] + b"\r\n0\r\n\r\n", "silent")
      for size in (b"zz", b"", b"-1", b"+5", b"0x5", b" 5", b"5 ", b"FFFFFFFFFFFFFFFF",
                   b"1" + b"0" * 16, b"0" * 40, b"5\0", b"5\n")),
    *(chunked(f"chunk end {text!r}", Cut(), b"%x\r\n" % 40 + OK[:40] + text + b"0\r\n\r\n", "silent")
      for text in (b"", b"\n", b"\r", b"XX", b"\r\r\n")),
    *(chunked(f"trailer {text[:20]!r}", Cut(), N + OK + b"\r\n0\r\n" + text + b"\r\n\r\n", "silent")
      for text in (b"no colon", b"x-a: b\0", b"x-a: b\nx-b: c", b"x-a: b\r\n c", b"x-a: " + b"y" * 9000)),
    chunked("extension of a megabyte", Cut(), b"%x;" % len(OK) + b"x" * 1_000_000, "silent"),
    chunked("extensions without an end", Cut(), HALF + (b"1;" + b"x" * 1000 + b"\r\n \r\n") * 40, "silent"),
]

NO_BODIES = [
    Case("204 with a body", head(b"HTTP/1.1 204 No Content", SIZE) + OK, Whole(b"", 204)),
    Case("204 with chunks", head(b"HTTP/1.1 204 No Content", b"transfer-encoding: chunked") + N + OK
         + b"\r\n0\r\n\r\n", Whole(b"", 204)),
    Case("204 and an answer behind", head(b"HTTP/1.1 204 No Content") + POISON, Whole(b"", 204)),
    Case("304 with a body", head(b"HTTP/1.1 304 Not Modified", SIZE) + OK, Whole(b"", 304)),
    Case("304 with chunks", head(b"HTTP/1.1 304 Not Modified", b"transfer-encoding: chunked") + N + OK
         + b"\r\n0\r\n\r\n", Whole(b"", 304)),
    Case("HEAD with a body", head(b"HTTP/1.1 200 OK", TYPE, SIZE) + OK, Whole(b""), method="HEAD"),
    Case("HEAD with chunks", head(b"HTTP/1.1 200 OK", TYPE, b"transfer-encoding: chunked") + N + OK
         + b"\r\n0\r\n\r\n", Whole(b""), method="HEAD"),
    Case("HEAD and an answer behind", head(b"HTTP/1.1 200 OK", SIZE) + POISON, Whole(b""), method="HEAD"),
]

PACKED = gzip.compress(OK)
CODINGS = [
    answer("gzip", Whole(PACKED), b"content-encoding: gzip", b"content-length: %d" % len(PACKED),
           body=PACKED),
]

TABLE = [*STATUS_LINES, *FRAMING, *FIELDS, *INTERIM, *BODIES, *NO_BODIES, *CODINGS]
assert len({case.name for case in TABLE}) == len(TABLE)
