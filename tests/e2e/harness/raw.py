"""A client on a raw socket, for what no SDK ever sends."""
import socket

from harness import secrets
from providers.server import LINGER_RESET


class Response:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.version, status, *_ = lines[0].split(" ", 2)
        self.status = int(status)
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        self.body = b""

    def header(self, name, default=None):
        return next((v for k, v in self.headers if k.lower() == name.lower()), default)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:300]!r}>"


class EndOfStream(Exception):
    pass


class Client:
    def __init__(self, port, timeout=15.0, receive_buffer=None, tls=None, server_name=None):
        self.sock = socket.socket()
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname=server_name)
        self.port = port
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def fill(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionError as error:
            raise EndOfStream(str(error)) from error
        if not data:
            raise EndOfStream("closed")
        secrets.hear(self.port, data)
        self.buffer += data

    def until(self, end):
        while end not in self.buffer:
            self.fill()
        data, _, self.buffer = self.buffer.partition(end)
        return data

    def exactly(self, count):
        while len(self.buffer) < count:
            self.fill()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def head(self):
        return Response(self.until(b"\r\n\r\n"))

    def chunk(self):
        size = int(self.until(b"\r\n").split(b";")[0], 16)
        data = self.exactly(size)
        assert self.exactly(2) == b"\r\n"
        return data

    def response(self, is_head=False):
        """The next whole final response; interim ones are skipped and listed."""
        interim = []
        answer = self.head()
        while 100 <= answer.status < 200:
            interim.append(answer.status)
            answer = self.head()
        answer.interim = interim
        if is_head or answer.status in (204, 304):
            return answer
        if answer.header("transfer-encoding", "").lower() == "chunked":
            pieces = []
            while piece := self.chunk():
                pieces.append(piece)
            answer.body = b"".join(pieces)
        elif answer.header("content-length") is not None:
            answer.body = self.exactly(int(answer.header("content-length")))
        else:
            try:
                while True:
                    self.fill()
            except EndOfStream:
                answer.body, self.buffer = self.buffer, b""
        return answer

    def is_closed_by_peer(self, timeout=5.0):
        self.sock.settimeout(timeout)
        try:
            self.fill()
        except EndOfStream:
            return True
        except TimeoutError:
            return False
        return False

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        self.sock.close()


def request(method, target, body=b"", headers=(), version="HTTP/1.1"):
    fields = [("host", "gateway.example"), *headers]
    if body or method == "POST":
        fields.append(("content-length", str(len(body))))
    head = f"{method} {target} {version}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields)
    return head.encode("latin-1") + b"\r\n" + body


def ask(port, method, target, body=b"", headers=(), **how):
    with Client(port, **how) as client:
        client.send(request(method, target, body, headers))
        return client.response(is_head=method == "HEAD")
