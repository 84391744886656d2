"""Upstream servers that play faults: cheap asyncio ones, all in one process.

A server follows a plan: what it does to the n-th attempt, or what it does from a time on. An action
is a status, or one of `refuse blackhole close reset garbage hang cut slow
slow-500 ratelimited`.
"""
import asyncio
import socket
import struct
import time

LINGER_RESET = struct.pack("ii", 1, 0)
SLOW_S = 0.08
LATE = {"slow": 200, "slow-500": 500}
ANSWER = b'{"id":"x","object":"chat.completion","model":"m","choices":[]}'


def response(status, body=ANSWER, claims=None, keeps=False):
    return (b"HTTP/1.1 %d Played\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n%s"
            % (status, b"" if keeps else b"connection: close\r\n",
               len(body) if claims is None else claims, body))


class Plan:
    """`Plan(500)`: always. `Plan(500, 200)`: by attempt, the last one repeats.
    `Plan({0: 500, 6: 200})`: from those times on, in sweeps since the start."""

    def __init__(self, *actions, keeps=False, cycles=False):
        self.is_timed = isinstance(actions[0], dict)
        self.keeps = keeps  # connections are kept for the next request
        self.cycles = cycles  # after the last action comes the first one
        self.actions = dict(sorted(actions[0].items())) if self.is_timed else actions

    def __eq__(self, other):
        return vars(self) == vars(other)

    __hash__ = None

    @property
    def may_refuse(self):
        """Connections may fail that no server sees."""
        actions = self.actions.values() if self.is_timed else self.actions
        return bool({"refuse", "blackhole"} & set(actions))

    def by_count(self, number):
        if self.cycles:
            return self.actions[number % len(self.actions)]
        return self.actions[min(number, len(self.actions) - 1)]


class Server:
    def __init__(self, plan):
        self.plan = plan
        self.seen = []  # (moment, probe) of what arrived
        self.action = next(iter(plan.actions.values())) if plan.is_timed else None
        self.connections = set()
        # Bound and never listening: the port stays ours while connections are refused.
        self.reservation = self.bound(0)
        self.port = self.reservation.getsockname()[1]
        self.listening = None
        self.fillers = []

    @staticmethod
    def bound(port):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        sock.setblocking(False)
        return sock

    @property
    def refuses(self):
        action = self.action if self.plan.is_timed else self.plan.actions[0]
        return action == "refuse"

    async def follow(self):
        """Listens or stops listening, as the plan says now."""
        if self.plan.actions == ("blackhole",):
            return await self.swallow()
        if self.refuses:
            if self.listening is not None:
                self.listening.close()
                self.listening = None
            for one in list(self.connections):
                one.transport.close()
        elif self.listening is None:
            sock = self.bound(self.port)
            sock.listen(128)
            loop = asyncio.get_running_loop()
            self.listening = await loop.create_server(lambda: Connection(self), sock=sock)

    async def swallow(self):
        """A full backlog: the kernel drops every further SYN, connecting takes for ever."""
        if self.listening is None:
            self.listening = self.bound(self.port)
            self.listening.listen(0)
            loop = asyncio.get_running_loop()
            for _ in range(2):
                filler = socket.socket()
                filler.setblocking(False)
                self.fillers.append(filler)
                try:
                    await asyncio.wait_for(loop.sock_connect(filler, ("127.0.0.1", self.port)), 0.2)
                except TimeoutError:
                    pass

    async def switch(self, action):
        self.action = action
        await self.follow()

    def next_action(self):
        return self.action if self.plan.is_timed else self.plan.by_count(len(self.seen) - 1)

    def stop(self):
        if self.listening is not None:
            self.listening.close()
        for one in list(self.connections):
            one.transport.abort()
        for sock in [self.reservation, *self.fillers]:
            sock.close()


class Connection(asyncio.Protocol):
    def __init__(self, server):
        self.server = server
        self.buffer = b""
        self.needed = None  # bytes of the request under way
        self.probe = None

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections.add(self)

    def connection_lost(self, _):
        self.server.connections.discard(self)

    def data_received(self, data):
        self.buffer += data
        while self.buffer:
            if self.needed is None:
                end = self.buffer.find(b"\r\n\r\n")
                if end < 0:
                    return
                fields = dict(line.lower().split(b": ", 1)
                              for line in self.buffer[:end].split(b"\r\n")[1:])
                self.probe = fields.get(b"x-probe", b"").decode()
                self.needed = end + 4 + int(fields.get(b"content-length", b"0"))
                assert b"transfer-encoding" not in fields
            if len(self.buffer) < self.needed:
                return
            self.buffer, self.needed = self.buffer[self.needed:], None
            self.server.seen.append((time.monotonic(), self.probe))
            self.act(self.server.next_action())

    def act(self, action):
        transport, keeps = self.transport, self.server.plan.keeps
        if isinstance(action, int):
            transport.write(response(action, keeps=keeps))
        elif action == "ratelimited":
            transport.write(response(503).replace(b"\r\n", b"\r\nx-envoy-ratelimited: true\r\n", 1))
        elif action == "garbage":
            transport.write(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
        elif action == "cut":
            transport.write(response(200, claims=10 * len(ANSWER)))
            # The head must have been passed on before the end is seen.
            asyncio.get_running_loop().call_later(SLOW_S / 2, transport.close)
            return
        elif action in LATE:
            asyncio.get_running_loop().call_later(SLOW_S, self.answer_late, LATE[action])
            return
        elif action == "hang":
            return
        elif action == "reset":
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
            transport.abort()
            return
        elif action not in ("close", "refuse"):
            raise ValueError(action)
        if not (isinstance(action, int) and keeps):
            transport.close()

    def answer_late(self, status):
        if not self.transport.is_closing():
            self.transport.write(response(status))
            self.transport.close()
