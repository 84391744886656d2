"""Ways to break, one function each: of an Exchange, the dialect it speaks and the text it owes."""
import select
import struct
import time
import zlib

from harness.daemon import SLOWNESS
from providers import bedrock
from providers.server import Gone, reads_body_itself

PATIENCE = 20.0  # seconds; nobody here waits longer for the proxy to give up


def silence(exchange, seconds=PATIENCE):
    """Says nothing; Gone as soon as the proxy leaves."""
    poller = select.poll()
    poller.register(exchange.wire.sock, select.POLLIN)
    if poller.poll(seconds * 1000):
        raise Gone("left")


def again_and_again(exchange, data, every=0.03):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        exchange.send(data)
        silence(exchange, every)


# ---- the shapes of a whole answer ---------------------------------------------------------------


class Out:
    """A streamed body in one of HTTP/1.1's framings."""

    def __init__(self, exchange, dialect, framing="chunked", total=1 << 20, headers=()):
        self.exchange, self.framing = exchange, framing
        fields = [("content-type", dialect.stream_type), *headers]
        fields += {"chunked": [("transfer-encoding", "chunked")], "close": [("connection", "close")],
                   "length": [("content-length", str(total))]}[framing]
        exchange.head(200, fields)

    def say(self, data):
        if self.framing == "chunked":
            self.exchange.chunk(data)
        else:
            self.exchange.send(data)

    def end(self):
        if self.framing == "chunked":
            self.exchange.last_chunk()
        elif self.framing == "close":
            self.exchange.close()


def pieces(dialect, text):
    return [*dialect.role(), *dialect.content(text), *dialect.finish()]


def healthy(exchange, dialect, text, is_stream):
    if not is_stream:
        exchange.reply(200, dialect.whole(text))
        return
    out = Out(exchange, dialect)
    for piece in pieces(dialect, text):
        out.say(piece)
    out.end()


# ---- until the head -----------------------------------------------------------------------------


def close(exchange, *_):
    exchange.close()


def reset(exchange, *_):
    exchange.reset()


def garbage(exchange, *_):
    exchange.send(b"\x16\x03\x01 this is no HTTP at all\r\n\r\n")
    exchange.close()


def another_version(exchange, *_):
    exchange.send(b"HTTP/3.7 200 Fine\r\ncontent-length: 2\r\n\r\n{}")
    exchange.close()


def half_a_head(exchange, *_):
    exchange.send(b"HTTP/1.1 200 OK\r\nconte")
    silence(exchange)


def half_a_head_and_away(exchange, *_):
    exchange.send(b"HTTP/1.1 200 OK\r\nconte")
    exchange.close()


def mute(exchange, *_):
    silence(exchange)


def head_in_drops(exchange, *_):
    exchange.send(b"HTTP/1.1 200 OK\r\nx-slow: ")
    again_and_again(exchange, b"x")


def endless_head(exchange, *_):
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    again_and_again(exchange, b"x-more: " + b"y" * 8000 + b"\r\n", 0)


def endless_interim(exchange, *_):
    again_and_again(exchange, b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", 0.001)


def interim_then_nothing(exchange, *_):
    exchange.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
    silence(exchange)


def two_framings(exchange, *_):
    exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")
    exchange.close()


def two_lengths(exchange, *_):
    exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef")
    exchange.close()


def switching(exchange, *_):
    exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n")
    silence(exchange)


def refuses(code, headers=()):
    def script(exchange, dialect, *_):
        exchange.reply(code, dialect.error_object(), headers)
    return script


def says_goodbye(exchange, dialect, *_):
    """As HTTP/2's GOAWAY: an error, and the connection is over."""
    exchange.reply(503, dialect.error_object(), [("connection", "close")])
    exchange.close()


# ---- while the request is sent ------------------------------------------------------------------


@reads_body_itself
def deaf(exchange, *_):
    time.sleep(0)  # reads nothing more; a large body cannot be sent
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(0.05)
        tcp_state = exchange.wire.sock.getsockopt(6, 11, 1)[0]  # TCP_INFO, its first byte
        if tcp_state != 1:  # no longer ESTABLISHED
            raise Gone("left")


@reads_body_itself
def reset_while_sending(exchange, *_):
    exchange.wire.exactly(64 * 1024)
    exchange.reset()


@reads_body_itself
def close_while_sending(exchange, *_):
    exchange.wire.exactly(64 * 1024)
    exchange.close()


@reads_body_itself
def refuses_while_sending(exchange, dialect, *_):
    exchange.reply(503, dialect.error_object(), [("connection", "close")])
    try:
        exchange.wire.sock.shutdown(1)
    except OSError as error:
        raise Gone("left") from error
    exchange.wait_for_peer_to_leave(5)


# ---- in a stream: what follows the head, the role, or some content ------------------------------


def ends(out, exchange, dialect):
    out.end()


def cut(out, exchange, dialect):
    exchange.close()


def torn(out, exchange, dialect):
    exchange.reset()


def stays_silent(out, exchange, dialect):
    silence(exchange)


def pings_forever(out, exchange, dialect):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        out.say(dialect.ping)
        silence(exchange, 0.03)


def says_error(out, exchange, dialect):
    out.say(dialect.error_event())
    out.end()


def says_error_and_waits(out, exchange, dialect):
    out.say(dialect.error_event())
    silence(exchange)


def says_failed(out, exchange, dialect):
    out.say(dialect.failed_event())
    out.end()


def half_an_event(out, exchange, dialect):
    event = dialect.content("Half of this is missing")[0]
    out.say(event[:len(event) // 2])
    out.end()


def half_an_event_and_cut(out, exchange, dialect):
    event = dialect.content("Half of this is missing")[0]
    out.say(event[:len(event) // 2])
    exchange.close()


def no_chunk(out, exchange, dialect):
    exchange.send(b"zz no size\r\n")
    silence(exchange)


def chunk_without_end(out, exchange, dialect):
    exchange.send(b"5\r\nabcdefgh\r\n0\r\n\r\n")
    silence(exchange)


def gibberish(out, exchange, dialect):
    out.say(bytes(range(256)) * 4)
    out.end()


def says_done(out, exchange, dialect):
    out.say(dialect.done)
    out.end()


def bad_checksum(out, exchange, dialect):
    frame = bytearray(dialect.content("wrong")[0])
    frame[-1] ^= 0xFF
    out.say(bytes(frame))
    for piece in dialect.finish():
        out.say(piece)
    out.end()


def bad_prelude(out, exchange, dialect):
    frame = bytearray(dialect.content("wrong")[0])
    frame[9] ^= 0xFF
    out.say(bytes(frame))
    out.end()


def giant_frame(out, exchange, dialect):
    prelude = struct.pack("!II", 0x7FFFFFFF, 16)
    out.say(prelude + struct.pack("!I", zlib.crc32(prelude)))
    silence(exchange)


def throttled(out, exchange, dialect):
    out.say(bedrock.exception("throttlingException", "slow down"))
    out.end()


def timed_out(out, exchange, dialect):
    out.say(bedrock.exception("modelTimeoutException", "too slow"))
    exchange.close()


def unknown_exception(out, exchange, dialect):
    out.say(bedrock.exception("somethingNewException", "who knows"))
    out.end()


BARE, ROLE, CONTENT = "bare", "role", "content"


def broken(position, action, framing="chunked"):
    """A stream that gets as far as `position` and then breaks as `action` says."""
    def script(exchange, dialect, text, is_stream):
        out = Out(exchange, dialect, framing)
        told = {BARE: [], ROLE: dialect.role(),
                CONTENT: [*dialect.role(), *dialect.content(text)[:3]]}[position]
        for piece in told:
            out.say(piece)
        if position == CONTENT:  # it shall have reached the client: what has not may still be rescued
            exchange.wire.wait_until_read()
            silence(exchange, 0.15 * SLOWNESS)
        action(out, exchange, dialect)
    return script
