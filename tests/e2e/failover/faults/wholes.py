"""Answers that are whole, said in unusual ways: nothing of them may be taken for a break."""
import time

from harness.daemon import SLOWNESS
from providers import openai_dialect

from .breaks import Out, healthy, pieces


def without_done(exchange, dialect, text, _):
    out = Out(exchange, dialect)
    for piece in pieces(dialect, text)[:-1]:
        out.say(piece)
    out.end()


def _framed(framing, headers=()):
    def script(exchange, dialect, text, _):
        said = pieces(dialect, text)
        out = Out(exchange, dialect, framing, sum(map(len, said)), headers)
        for piece in said:
            out.say(piece)
        out.end()
    return script


until_close = _framed("close")
with_length = _framed("length")


def goodbye(exchange, dialect, text, _):
    _framed("chunked", [("connection", "close")])(exchange, dialect, text, _)
    exchange.close()


def byte_by_byte(exchange, dialect, text, _):
    out = Out(exchange, dialect)
    for piece in pieces(dialect, text):
        for at in range(len(piece)):
            out.say(piece[at:at + 1])
    out.end()


def at_once(exchange, dialect, text, _):
    body = b"".join(pieces(dialect, text))
    exchange.reply(200, body, content_type=dialect.stream_type)


def after_interim(exchange, dialect, text, is_stream):
    exchange.send(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" * 3)
    healthy(exchange, dialect, text, is_stream)


def pinged(exchange, dialect, text, _):
    out = Out(exchange, dialect)
    said = pieces(dialect, text)
    half = len(dialect.role()) + 2
    for piece in said[:half]:
        out.say(piece)
    for _ in range(9):  # 2.7 s: longer than that policy lets a stream be silent
        time.sleep(0.3 * SLOWNESS)
        out.say(dialect.ping)
    for piece in said[half:]:
        out.say(piece)
    out.end()


def crlf(exchange, dialect, text, _):
    out = Out(exchange, dialect)
    for piece in pieces(dialect, text):
        out.say(piece.replace(b"\n", b"\r\n"))
    out.end()


def no_space(exchange, dialect, text, _):
    out = Out(exchange, dialect)
    for piece in pieces(dialect, text):
        out.say(piece.replace(b"data: ", b"data:"))
    out.end()


def thinks_first(exchange, dialect, text, _):
    """Reasoning is content: a model that thinks aloud for longer than the first-token limit is alive."""
    out = Out(exchange, dialect)
    said = pieces(dialect, text)
    out.say(said[0])
    out.say(openai_dialect.event({"reasoning_content": "Let me think."}))
    time.sleep(1.5 * SLOWNESS)
    for piece in said[1:]:
        out.say(piece)
    out.end()
