"""A recording upstream that forgives nothing. It knows HTTP/1.1 by a reading of its own, shared with
nobody, and everything that it could not take in one way only is a violation."""
import json
import re
import select
import socket
import threading

TOKEN = re.compile(rb"[!#$%&'*+\-.^`|~0-9A-Za-z]+")  # no underscore: some fold it into a hyphen
VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
TARGET = re.compile(rb"[\x21-\x7e]+")
FORBIDDEN = {b"transfer-encoding", b"te", b"trailer", b"trailers", b"keep-alive", b"connection",
             b"upgrade", b"http2-settings", b"expect"}
FORBIDDEN_PREFIXES = (b"proxy-", b"x-ai-eg-", b"x-envoy-", b"x-understudy-")
PATIENCE = 20.0


class Seen:
    """A request as it arrived."""

    def __init__(self, method, target, fields, body, connection):
        self.method, self.target, self.fields = method, target, fields
        self.body, self.connection = body, connection

    def header(self, name):
        return next((v for k, v in self.fields if k == name), None)

    @property
    def tag(self):
        return self.header("x-tag")

    def __repr__(self):
        return f"<{self.method} {self.target} {self.fields} {len(self.body)} bytes>"


def answer_to(tag):
    """A chat completion that says whose answer it is."""
    body = json.dumps({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop",
                     "message": {"role": "assistant", "content": f"answer to {tag}"}}]}).encode()
    return (b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-answer-to: %s\r\n"
            b"content-length: %d\r\n\r\n" % ((tag or "-").encode(), len(body))) + body


class Connection:
    def __init__(self, sock, number, violations):
        self.sock, self.number, self.violations = sock, number, violations
        self.buffer = b""
        sock.settimeout(PATIENCE)

    def complain(self, what):
        self.violations.append(f"{what}: {self.buffer[:400]!r}")
        raise EOFError(what)

    def fill(self):
        try:
            data = self.sock.recv(65536)
        except OSError as error:
            raise EOFError(str(error)) from error
        if not data:
            raise EOFError("closed")
        self.buffer += data

    def wait_for_close(self):
        """Reads nothing: the peer's window fills up. Ends when it gives the connection up."""
        poll = select.poll()
        poll.register(self.sock, select.POLLRDHUP)
        poll.poll(5000)

    def read_request(self):
        while b"\r\n\r\n" not in self.buffer:
            self.fill()
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        if any(b"\r" in text or b"\n" in text for text in lines):
            self.complain("a bare line end")
        parts = lines[0].split(b" ")
        if len(parts) != 3 or parts[2] != b"HTTP/1.1" or not TOKEN.fullmatch(parts[0]) or \
                not TARGET.fullmatch(parts[1]):
            self.complain("a request line that is none")
        fields = [self.field(text) for text in lines[1:]]
        lengths = [v for k, v in fields if k == b"content-length"]
        if sum(k == b"host" for k, _ in fields) != 1:
            self.complain("not exactly one Host")
        if len(lengths) > 1 or not all(re.fullmatch(rb"\d{1,12}", v) for v in lengths):
            self.complain("a length that two may read in two ways")
        size = int(lengths[0]) if lengths else 0
        self.buffer = rest
        while len(self.buffer) < size:
            self.fill()
        body, self.buffer = self.buffer[:size], self.buffer[size:]
        text = [(k.decode(), v.decode("latin-1")) for k, v in fields]
        return Seen(parts[0].decode(), parts[1].decode(), text, body, self.number)

    def field(self, text):
        name, colon, value = text.partition(b":")
        if not colon or not TOKEN.fullmatch(name) or not VALUE.fullmatch(value):
            self.complain("a malformed field")
        name = name.lower()
        if name in FORBIDDEN or name.startswith(FORBIDDEN_PREFIXES):
            self.complain(f"the field {name.decode()} travelled")
        return name, value.strip(b" \t")


class StrictUpstream:
    """`script(connection, seen)`, where given, answers in place of the honest answer; false closes."""

    def __init__(self, script=None):
        self.script = script
        self.on_accept = None  # called with the connection before anything is read
        self.requests, self.violations, self.errors = [], [], []
        self.connections = 0
        self._lock = threading.Lock()
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self):
        with self._lock:
            self.requests.clear()

    def tags(self):
        with self._lock:
            return [seen.tag for seen in self.requests]

    def stop(self):
        self._listener.close()
        with self._lock:
            for sock in self._open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock, self.connections),
                             daemon=True).start()

    def _serve(self, sock, number):
        with self._lock:
            self._open.add(sock)
        connection = Connection(sock, number, self.violations)
        try:
            if self.on_accept is not None:
                self.on_accept(connection)
            while True:
                seen = connection.read_request()
                with self._lock:
                    self.requests.append(seen)
                script = self.script
                if script is None:
                    sock.sendall(answer_to(seen.tag))
                elif script(connection, seen) is False:
                    return
        except (EOFError, OSError):  # the proxy has closed, or has been silent for too long
            pass
        except Exception as error:  # a script that failed must fail the test
            self.errors.append(error)
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()
