"""A scripted HTTP/1.1 server on raw sockets: every fault is made exactly where it is asked for.

A script is a function of one Exchange. It runs when a request's head has been read; `exchange.body()`
reads the rest. What the script does not do (answer, read) does not happen.
"""
import collections
import itertools
import socket
import ssl
import struct
import threading
import time

PATIENCE = 30.0  # no script waits longer for anything
LINGER_RESET = struct.pack("ii", 1, 0)


class Gone(Exception):
    """The peer has closed or reset the connection."""


class Request:
    """What arrived: the head as it was spelled, the body once it has been read."""

    def __init__(self, head, connection):
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.method, self.target, self.version = lines[0].split(" ", 2)
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        self.raw_head = head
        self.connection = connection
        self.began = time.monotonic()
        self.body = b""

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name, default=None):
        return next(iter(self.all(name)), default)

    def __repr__(self):
        return f"<{self.line} on connection {self.connection}, {len(self.body)} bytes>"


class Wire:
    """A connection's socket with a read buffer."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.sent = 0
        sock.settimeout(PATIENCE)

    def fill(self):
        try:
            data = self.sock.recv(65536)
        except (ConnectionError, ssl.SSLError, OSError) as error:
            raise Gone(str(error)) from error
        if not data:
            raise Gone("closed by the peer")
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

    def send(self, data):
        view = memoryview(data)
        try:
            while view:
                sent = self.sock.send(view[:65536])
                self.sent += sent
                view = view[sent:]
        except (ConnectionError, ssl.SSLError, OSError) as error:
            raise Gone(str(error)) from error

    def wait_until_read(self):
        """Until the peer, on this machine, has taken what was sent: a reset throws the rest away."""
        theirs, mine = self.sock.getpeername(), self.sock.getsockname()
        ends = " ".join(f"{socket.inet_aton(host)[::-1].hex().upper()}:{port:04X}"
                        for host, port in (theirs, mine))
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with open("/proc/net/tcp", encoding="ascii") as table:
                line = next((line for line in table if ends in line), None)
            if line is None or line.split()[4].endswith(":00000000"):
                return
            time.sleep(0.002)

    def close(self):
        """An orderly end: FIN (and close_notify is left out, as many servers do)."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def reset(self):
        """RST, whatever was under way."""
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
            if isinstance(self.sock, ssl.SSLSocket):
                # Closing the TLS object's descriptor is enough; no close_notify goes out.
                socket.socket(fileno=self.sock.detach()).close()
                return
        except OSError:
            pass
        self.sock.close()


class Exchange:
    """One request on its way through a script."""

    def __init__(self, provider, wire, request):
        self.provider = provider
        self.wire = wire
        self.request = request
        self.is_body_read = False
        self.closes = False

    def body(self):
        if self.is_body_read:
            return self.request.body
        self.is_body_read = True
        request, wire = self.request, self.wire
        if request.header("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int(wire.until(b"\r\n").split(b";")[0], 16):
                body += wire.exactly(size)
                wire.exactly(2)
            while wire.until(b"\r\n"):
                pass
            request.body = body
        else:
            request.body = wire.exactly(int(request.header("content-length", "0")))
        return request.body

    def send(self, data):
        self.wire.send(data)

    def head(self, status=200, headers=(), reason="Whatever"):
        lines = [f"HTTP/1.1 {status} {reason}", *(f"{k}: {v}" for k, v in headers)]
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    def reply(self, status=200, body=b"", headers=(), content_type="application/json"):
        """A whole answer in one write, with a length."""
        fields = [("content-type", content_type), ("content-length", str(len(body))), *headers]
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{k}: {v}" for k, v in fields)]
        sends = b"" if self.request.method == "HEAD" else body
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + sends)

    def chunk(self, data):
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def last_chunk(self):
        self.send(b"0\r\n\r\n")

    def close(self):
        self.closes = True
        self.wire.close()

    def reset(self):
        self.closes = True
        self.wire.reset()

    def wait_for_peer_to_leave(self, timeout=PATIENCE):
        """Blocks until the proxy has closed the connection; returns when it did."""
        self.wire.sock.settimeout(timeout)
        try:
            while True:
                self.wire.fill()
        except Gone:
            self.closes = True
            return time.monotonic()


class Provider:
    """A server on a loopback port of its own. `always` is the script, `once` ones go first."""

    def __init__(self, script, name="provider", tls=None):
        self.name = name
        self.script = script
        self.tls = tls
        self.requests = []
        self.connections = 0
        self.errors = []
        self.is_stale_after_one = False  # keep-alive that ends as the second request arrives
        self.stale_hits = 0
        self.on_accept = None  # replaces everything: called with the fresh socket
        self._once = collections.deque()
        self._lock = threading.Lock()
        self._arrival = threading.Condition(self._lock)
        self._wires = set()
        self._listener = None
        self._ids = itertools.count(1)
        # Bound but never listening: keeps the port ours while the provider refuses connections.
        self._reservation = self._bound(0)
        self.port = self._reservation.getsockname()[1]
        self.listen()

    @staticmethod
    def _bound(port):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        return sock

    # ---- what a test says -------------------------------------------------------------------

    def once(self, *scripts):
        with self._lock:
            self._once.extend(scripts)
        return self

    def always(self, script):
        with self._lock:
            self._once.clear()
            self.script = script
        return self

    def listen(self):
        if self._listener is None:
            self._listener = self._bound(self.port)
            self._listener.listen(256)
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self):
        """Connections are refused from now on; open ones stay."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def kill(self):
        """As a process that dies: nobody listens, every connection is reset."""
        self.refuse()
        self.reset_all()

    def reset_all(self):
        for wire in self._open_wires():
            # Another thread may be inside recv() of this socket: shut it down to wake it.
            try:
                wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
                wire.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close_idle(self):
        """FIN on every open connection, as a server whose keep-alive time is over."""
        for wire in self._open_wires():
            try:
                wire.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def stop(self):
        self.refuse()
        self.reset_all()
        self._reservation.close()

    @property
    def count(self):
        return len(self.requests)

    def wait_for_requests(self, count, timeout=10.0):
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self.requests) >= count, timeout):
                raise AssertionError(
                    f"{self.name} saw {len(self.requests)} requests, {count} were expected")
            return self.requests[count - 1]

    # ---- the server itself ------------------------------------------------------------------

    def _open_wires(self):
        with self._lock:
            return list(self._wires)

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with self._lock:
            self.connections += 1
        if self.on_accept is not None:
            self.on_accept(sock)
            return
        if self.tls is not None:
            sock.settimeout(PATIENCE)
            try:
                sock = self.tls.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
            except (OSError, ssl.SSLError):
                sock.close()
                return
        wire = Wire(sock)
        with self._lock:
            self._wires.add(wire)
        try:
            connection = next(self._ids)
            served = 0
            while self._one_exchange(wire, connection, served):
                served += 1
        except Gone:
            pass
        except Exception as error:  # a script that failed must fail the test
            self.errors.append(error)
        finally:
            with self._lock:
                self._wires.discard(wire)
            wire.close()

    def _one_exchange(self, wire, connection, served):
        if served and self.is_stale_after_one:
            wire.fill()  # the next request arrives: too late
            self.stale_hits += 1
            wire.reset()
            return False
        request = Request(wire.until(b"\r\n\r\n"), connection)
        exchange = Exchange(self, wire, request)
        with self._lock:
            script = self._once.popleft() if self._once else self.script
        try:
            if not getattr(script, "reads_body_itself", False):
                exchange.body()
        finally:
            with self._arrival:
                self.requests.append(request)
                self._arrival.notify_all()
        script(exchange)
        return not exchange.closes


def reads_body_itself(script):
    """Marks a script that starts before the request's body has been read."""
    script.reads_body_itself = True
    return script


# ---- faults that know no dialect ------------------------------------------------------------


def status(code, body=None, headers=()):
    text = body if body is not None else b'{"error":{"message":"status %d of the provider",' \
        b'"type":"simulated","param":null,"code":null}}' % code

    def script(exchange):
        exchange.reply(code, text, headers)
    return script


def close_before_head(exchange):
    exchange.close()


def reset_before_head(exchange):
    exchange.reset()


def garbage(exchange):
    exchange.send(b"\x16\x03\x01 this is no HTTP at all\r\n\r\n")
    exchange.close()


def hang(exchange):
    """Silent until the proxy gives the connection up."""
    exchange.wait_for_peer_to_leave()


def half_a_head(exchange):
    exchange.send(b"HTTP/1.1 200 OK\r\nconte")
    exchange.wait_for_peer_to_leave()


def interim_then(script, code=103):
    def both(exchange):
        exchange.send(b"HTTP/1.1 %d Interim\r\nlink: </x>; rel=preload\r\n\r\n" % code)
        script(exchange)
    return both


def reset_on_accept(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    sock.close()


def no_tls_here(sock):
    """A cleartext server where TLS is expected: the handshake fails."""
    sock.settimeout(PATIENCE)
    try:
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
    except OSError:
        pass
    sock.close()
