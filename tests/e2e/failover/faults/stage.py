"""One daemon with a rule for every cell (a fault in a dialect, streamed or not), the providers that misbehave,
and a pool of threads that plays the cells beside each other."""
import concurrent.futures
import dataclasses
import socket
import struct
import threading
import time

from harness import config
from harness.daemon import SLOWNESS, Daemon
from harness.tls import Authority
from providers import bedrock
from providers.server import Provider, no_tls_here, reads_body_itself, reset_on_accept

from . import breaks
from .dialects import DIALECTS

TEXTS = {"a": "The quick brown fox jumps over the lazy dog.",
         "b": "Somebody else answers for the one that failed."}
# First token, head, idleness and connecting, in milliseconds: everything a cell may have to wait for.
FIRST, HEAD, IDLE, CONNECT = (round(ms * SLOWNESS) for ms in (300, 900, 900, 400))
LIMIT = 8.0 * SLOWNESS  # seconds; nothing takes longer unless it hangs
AT_ONCE = 14
NO_EJECTION = {"healthCheck": config.passive(consecutive5XxErrors=0)}  # cells repeat their fault
BUDGETS = {"hedge": {"budget": 100}, "retryBudget": {"percent": 100, "minimum": 1000}}
POLICIES = {
    "hasty": {"attempts": {"perPriority": 1, "timeout": f"{HEAD}ms",
                           "backoff": {"base": "1ms", "max": "2ms"}},
              "firstToken": {"timeout": f"{FIRST}ms"}, "stream": {"idleTimeout": f"{IDLE}ms"},
              **BUDGETS},
    "steady": {"attempts": {"perPriority": 1, "timeout": f"{3 * HEAD}ms",
                            "backoff": {"base": "1ms", "max": "2ms"}},
               "firstToken": {"timeout": f"{3 * HEAD}ms"}, **BUDGETS},
    "watchful": {"firstToken": {"timeout": f"{4 * FIRST}ms"}, "stream": {"idleTimeout": f"{2 * IDLE}ms"},
                 **BUDGETS},
    "patient": BUDGETS,
}
RULES_A_ROUTE = 15


@dataclasses.dataclass(frozen=True)
class Cell:
    fault: object
    dialect_name: str
    kind: str
    layout: str = "pair"

    @property
    def id(self):
        parts = [self.fault.id, self.dialect_name, self.kind]
        return "-".join(parts if self.layout == "pair" else [*parts, self.layout])

    @property
    def dialect(self):
        return DIALECTS[self.dialect_name]

    @property
    def is_stream(self):
        return self.kind == "stream"

    @property
    def is_shared(self):
        """The faulty one and the healthy one have the same priority: chance picks who is asked first."""
        return self.layout in ("one priority", "endpoints")

    @property
    def allowed(self):
        if self.layout == "alone" and self.fault.phase != "inside":
            return frozenset({"refused"})
        return self.fault.allowed | ({"fallback"} if self.is_shared else set())


def refs(cell):
    """(backend, priority) of the cell's rule."""
    a = cell.fault.backend
    return {"pair": [(a, 0), ("b", 1)], "one priority": [(a, 0), ("b", 0)],
            "three": [(a, 0), ("c", 1), ("b", 2)], "endpoints": [("ab", 0)], "alone": [(a, 0)]}[cell.layout]


class Stage:
    def __init__(self, folder, cells):
        self.cells = {f"c{number}": cell for number, cell in enumerate(cells)}
        self.codes = {cell.id: code for code, cell in self.cells.items()}
        self.seen = []  # (request id, letter, whether the connection had served before, when)
        self.lock = threading.Lock()
        self.served = set()
        self.providers = {letter: Provider(self._script(letter), letter) for letter in "abc"}
        self.authority = Authority(folder)
        self._hold = []
        ports = self._connection_faults(folder)
        path = folder / "config.yaml"
        path.write_text(self._configuration(ports))
        self.daemon = Daemon(folder, path, env={"SSL_CERT_FILE": str(self.authority.path),
                                                **bedrock.ENVIRONMENT})
        self.pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)

    # ---- providers --------------------------------------------------------------------------

    def _script(self, letter):
        @reads_body_itself
        def script(exchange):
            request_id = exchange.request.header("x-request-id")
            mark = (letter, exchange.request.connection)
            with self.lock:
                is_first = not any(s[:2] == (request_id, letter) for s in self.seen)
                self.seen.append((request_id, letter, mark in self.served, time.monotonic()))
                self.served.add(mark)
            code, mode, *_ = request_id.split("-")
            cell = self.cells[code]
            is_faulty = letter != "b" and mode != "warm" and (is_first or not cell.fault.is_once)
            play = cell.fault.script if is_faulty and cell.fault.script else breaks.healthy
            if not getattr(play, "reads_body_itself", False):
                exchange.body()
            play(exchange, cell.dialect, TEXTS["b" if letter == "b" else "a"], cell.is_stream)
        return script

    def _connection_faults(self, folder):
        """Ports of what goes wrong before a request is read."""
        def special(on_accept=None, tls=None):
            made = Provider(breaks.close, "special", tls=tls)
            made.on_accept = on_accept
            self.providers[len(self.providers)] = made
            return made
        stranger = folder / "stranger"
        stranger.mkdir()
        refusing = special()
        refusing.refuse()
        full = socket.socket()
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        self._hold.append(full)
        for _ in range(4):  # the queue is full: further SYNs are dropped
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            self._hold.append(filler)
        return {"refusing": refusing.port, "resetting": special(reset_on_accept).port,
                "closing": special(lambda sock: sock.close()).port,
                "mute": special(self._hold.append).port, "full": full.getsockname()[1],
                "tls-mute": special(self._hold.append).port, "tls-plain": special(no_tls_here).port,
                "tls-closing": special(_close_in_the_handshake).port,
                "tls-other": special(tls=self.authority.server_context("other.example")).port,
                "tls-unknown": special(tls=Authority(stranger, "nobody").server_context("a.example")).port}

    # ---- configuration ----------------------------------------------------------------------

    def _configuration(self, ports):
        backends = {}
        ports = {**ports, **{letter: self.providers[letter].port for letter in "abc"}, "nowhere": 80,
                 "ab": None}
        groups = {}
        for code, cell in self.cells.items():
            group = "connect" if cell.fault.phase == "connect" else cell.fault.policy
            schema = cell.dialect.schema
            rule_refs = []
            for name, priority in refs(cell):
                backend = f"{schema}-{name}".lower()
                backends[backend] = (schema, name, ports[name])
                rule_refs.append({"name": backend, "priority": priority})
            groups.setdefault(group, []).append({
                "matches": [{"headers": [{"name": "x-ai-eg-model", "value": code}]}],
                "backendRefs": rule_refs})
        documents = []
        for group, rules in groups.items():
            for at in range(0, len(rules), RULES_A_ROUTE):
                name = f"{group}-{at}"
                route = config.route([], name=name)
                route["spec"]["rules"] = rules[at:at + RULES_A_ROUTE]
                policy = POLICIES["hasty" if group == "connect" else group]
                documents += [route, config.failover_policy(name, **policy)]
                documents.append(config.traffic_policy(name, **NO_EJECTION, **(
                    {"timeout": {"tcp": {"connectTimeout": f"{CONNECT}ms"}}}
                    if group == "connect" else {})))
        for backend, about in backends.items():
            documents += self._backend(backend, *about)
        return config.documents(*documents)

    def _backend(self, backend, schema, name, port):
        host = "bedrock-runtime.us-east-1.amazonaws.com" if schema == "AWSBedrock" else "a.example"
        is_tls = name.startswith("tls-")
        spec = {"tls": {"wellKnownCACertificates": "System"}} if is_tls else {}
        objects = config.backend(backend, port, hostname=host, schema=schema, **spec)
        if name == "nowhere":
            objects[1]["spec"]["endpoints"] = [{"fqdn": {"hostname": "nowhere.invalid", "port": 80}}]
        if name == "ab":
            objects[1]["spec"]["endpoints"] = [
                {"ip": {"address": "127.0.0.1", "port": self.providers[letter].port},
                 "hostname": host} for letter in "ab"]
        return objects

    # ---- what was seen ----------------------------------------------------------------------

    def attempts(self, request_id, letter):
        return [s for s in list(self.seen) if s[:2] == (request_id, letter)]

    def stop(self):
        self.pool.shutdown(cancel_futures=True)
        code = self.daemon.stop()
        for one in self.providers.values():
            one.stop()
        for sock in self._hold:
            sock.close()
        errors = [e for one in self.providers.values() for e in one.errors]
        assert not errors, errors
        assert code == 0, self.daemon.logs()


def _close_in_the_handshake(sock):
    sock.recv(100)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
    sock.close()
