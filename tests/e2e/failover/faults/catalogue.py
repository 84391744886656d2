"""Our own faults: where in an attempt, which, and what may become of the request.

fallback: the client has the fallback's whole answer · primary: the primary's own · told: an error event in
the client's schema and a connection that ends as an error · refused: an error status in the client's schema ·
unreadable: a unary body that no client of the schema can take for an answer."""
import dataclasses
import functools

from . import breaks, wholes
from .breaks import BARE, CONTENT, ROLE, broken
from .dialects import DIALECTS

ALL = tuple(DIALECTS)
SSE = tuple(name for name in ALL if name != "converse")
PINGED = ("chat", "completions", "messages")


@dataclasses.dataclass(frozen=True)
class Fault:
    phase: str
    name: str
    script: object
    allowed: frozenset = frozenset({"fallback"})
    dialects: tuple = ALL
    kinds: tuple = ("stream", "unary")
    policy: str = "hasty"
    backend: str = "a"  # connection faults have backends of their own
    body_size: int = 0
    is_pooled_too: bool = True  # also on a connection that has served before
    is_once: bool = False  # only the first attempt meets it

    @property
    def id(self):
        return f"{self.phase}-{self.name}"


def _fault(phase, name, script, allowed=("fallback",), **more):
    return Fault(phase, name.replace(" ", "_"), script, frozenset(allowed), **more)


connecting = functools.partial(_fault, "connect", script=None, is_pooled_too=False)
sending = functools.partial(_fault, "send", body_size=1_000_000, policy="steady",
                            dialects=("chat", "converse", "messages"))
heading = functools.partial(_fault, "head")
early = functools.partial(_fault, "early", kinds=("stream",))
inside = functools.partial(_fault, "inside", kinds=("stream",), allowed=("told",))
ending = functools.partial(_fault, "end", kinds=("stream",), allowed=("primary",), policy="patient",
                           is_pooled_too=False)
unary = functools.partial(_fault, "body", kinds=("unary",),
                          allowed=("fallback", "told", "refused", "unreadable"))


def _each(position, kind):
    """The breaks that can come after the bare head, after the role, and inside the answer."""
    make = functools.partial(broken, position)
    yield kind(f"{position} then ends politely", script=make(breaks.ends))
    yield kind(f"{position} then cut", script=make(breaks.cut))
    yield kind(f"{position} then reset", script=make(breaks.torn))
    yield kind(f"{position} then silence", script=make(breaks.stays_silent))
    yield kind(f"{position} then an error event", script=make(breaks.says_error))
    yield kind(f"{position} then an error event and silence", script=make(breaks.says_error_and_waits))
    yield kind(f"{position} then half an event", script=make(breaks.half_an_event))
    yield kind(f"{position} then half an event and cut", script=make(breaks.half_an_event_and_cut))
    yield kind(f"{position} then no chunk size", script=make(breaks.no_chunk))
    yield kind(f"{position} then a chunk without end", script=make(breaks.chunk_without_end))
    yield kind(f"{position} then gibberish", script=make(breaks.gibberish))
    yield kind(f"{position} in a body until close then closed", script=make(breaks.cut, framing="close"))
    yield kind(f"{position} in a body too short", script=make(breaks.cut, framing="length"))
    yield kind(f"{position} then response failed", script=make(breaks.says_failed),
               dialects=("responses",))
    for action in (breaks.bad_checksum, breaks.bad_prelude, breaks.giant_frame, breaks.throttled,
                   breaks.timed_out, breaks.unknown_exception):
        yield kind(f"{position} then {action.__name__}", script=make(action), dialects=("converse",))


def _stalls(exchange, dialect, text, is_stream):
    exchange.head(200, [("content-type", "application/json"), ("content-length", "500")])
    exchange.send(b'{"id":')
    breaks.silence(exchange)


def _page(exchange, *_):
    exchange.reply(200, b"<html><body>Sign in</body></html>", content_type="text/html")


def _nothing(exchange, *_):
    exchange.reply(200, b"")


def _no_content(exchange, *_):
    exchange.head(204)


def _error_object(exchange, dialect, *_):
    exchange.reply(200, dialect.error_object())


def _half(exchange, dialect, text, _, framing="polite"):
    body = dialect.whole(text)
    length = len(body) // 2 if framing == "polite" else len(body)
    fields = {"polite": [("content-length", str(length))], "length": [("content-length", str(length))],
              "chunked": [("transfer-encoding", "chunked")], "close": [("connection", "close")]}[framing]
    exchange.head(200, [("content-type", "application/json"), *fields])
    half = body[:len(body) // 2]
    if framing == "chunked":
        exchange.chunk(half)
    else:
        exchange.send(half)
    if framing != "polite":
        exchange.close()


FAULTS = [
    connecting("refused", backend="refusing"),
    connecting("reset as soon as accepted", backend="resetting"),
    connecting("closed as soon as accepted", backend="closing"),
    connecting("accepted and nothing", backend="mute"),
    connecting("never accepted", backend="full"),
    connecting("name that does not resolve", backend="nowhere"),
    connecting("TLS handshake that hangs", backend="tls-mute"),
    connecting("no TLS there", backend="tls-plain"),
    connecting("TLS closed in the handshake", backend="tls-closing"),
    connecting("certificate of another name", backend="tls-other"),
    connecting("certificate of nobody we know", backend="tls-unknown"),

    sending("reads nothing of a large body", breaks.deaf, body_size=8_000_000, is_pooled_too=False),
    sending("reset in a large body", breaks.reset_while_sending),
    sending("close in a large body", breaks.close_while_sending),
    sending("503 in a large body", breaks.refuses_while_sending),

    heading("close", breaks.close),
    heading("reset", breaks.reset),
    heading("garbage", breaks.garbage),
    heading("another version", breaks.another_version),
    heading("half a head and silence", breaks.half_a_head),
    heading("half a head and away", breaks.half_a_head_and_away),
    heading("silence", breaks.mute),
    heading("head in drops", breaks.head_in_drops),
    heading("head without end", breaks.endless_head),
    heading("interim responses without end", breaks.endless_interim),
    heading("interim response then silence", breaks.interim_then_nothing),
    heading("length and chunked at once", breaks.two_framings),
    heading("two lengths", breaks.two_lengths),
    heading("101", breaks.switching),
    heading("500", breaks.refuses(500)),
    heading("503", breaks.refuses(503)),
    heading("503 and goodbye", breaks.says_goodbye),
    heading("529", breaks.refuses(529)),
    heading("408", breaks.refuses(408)),
    heading("429", breaks.refuses(429)),
    heading("429 for an hour", breaks.refuses(429, [("retry-after", "3600")]),
            is_pooled_too=False),  # the first of them is the last for an hour
    heading("500 once", breaks.refuses(500), allowed=("fallback", "primary"), is_once=True),

    *_each(BARE, early),
    *_each(ROLE, early),
    early("bare then pings forever", broken(BARE, breaks.pings_forever), dialects=PINGED),
    early("role then pings forever", broken(ROLE, breaks.pings_forever), dialects=PINGED),
    early("bare then DONE", broken(BARE, breaks.says_done), dialects=("chat", "completions")),
    early("role then DONE", broken(ROLE, breaks.says_done), dialects=("chat", "completions")),
    early("a page instead of a stream", _page),
    early("nothing instead of a stream", _nothing),
    early("204 instead of a stream", _no_content),
    early("an error object instead of a stream", _error_object),
    *_each(CONTENT, inside),

    ending("without DONE", wholes.without_done, dialects=("chat", "completions")),
    ending("until close", wholes.until_close),
    ending("with a length", wholes.with_length),
    ending("goodbye at once", wholes.goodbye),
    ending("byte by byte", wholes.byte_by_byte),
    ending("all in one write", wholes.at_once),
    ending("after interim responses", wholes.after_interim),
    ending("pings for longer than the idle limit", wholes.pinged, dialects=PINGED,
           policy="watchful"),
    ending("CRLF", wholes.crlf, dialects=SSE),
    ending("no space after the colon", wholes.no_space, dialects=SSE),
    ending("thinks first", wholes.thinks_first, dialects=("chat",), policy="watchful"),

    unary("page", _page),
    unary("nothing", _nothing),
    unary("error object", _error_object, allowed=("fallback",), dialects=SSE),
    unary("half politely", _half),
    unary("half of the length", functools.partial(_half, framing="length")),
    unary("half in chunks", functools.partial(_half, framing="chunked")),
    unary("half until close", functools.partial(_half, framing="close")),
    unary("stalls", _stalls, allowed=("fallback", "told", "refused")),
]
assert len({f.id for f in FAULTS}) == len(FAULTS)
