"""Plays schedules to Envoy and to understudy, at the same time, and tells what each of them did."""
import asyncio
import dataclasses
import datetime
import json
import signal
import subprocess
import time

from differential import bootstrap
from differential.model import CALIBRATOR, INTERVAL_S
from differential.upstreams import Plan, Server
from harness.daemon import Daemon, environment, free_port

LATE_S = 0.05  # a request sent later than this after its planned time spoils the play
NEAR_S = 0.06  # nor may a sweep fall this near to what was not planned to meet one
HAND_OFF_S = 0.005
CALIBRATIONS, CALIBRATION_GAP_S = 4, 1.1
WALL = time.time() - time.monotonic()


@dataclasses.dataclass
class Attempt:
    host: str
    began: float | None = None  # monotonic; Envoy's only


@dataclasses.dataclass
class Answer:
    status: int
    is_whole: bool
    began: float  # sweeps
    ended: float


@dataclasses.dataclass
class Ejection:
    host: str
    at: float  # sweeps
    back: int | None  # the number of the sweep that returned it


@dataclasses.dataclass
class Trace:
    """What one proxy made of one schedule."""
    answers: list = dataclasses.field(default_factory=list)
    attempts: list = dataclasses.field(default_factory=list)  # per request: [host]
    overtaken: int = 0  # Envoy's attempts that were faster than the news of an ejection
    ejections: list = dataclasses.field(default_factory=list)
    noise: list = dataclasses.field(default_factory=list)  # why this play cannot be trusted


@dataclasses.dataclass
class Grid:
    """Where a proxy's sweeps fall: number 0 at `zero` (monotonic), one every `period`."""
    zero: float
    period: float

    def time(self, position):
        return self.zero + position * self.period

    def position(self, moment):
        return (moment - self.zero) / self.period

    def moved_to(self, moment):
        """The same grid, counted from its first sweep after `moment`."""
        sweeps = int(self.position(moment)) + 1
        return Grid(self.time(sweeps), self.period)


async def until(moment):
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


async def ask(port, body, headers):
    """(status, whether the body was whole); status 0: no answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        fields = {"host": "gateway.example", "content-type": "application/json",
                  "connection": "close", "content-length": len(body), **headers}
        head = "".join(f"{k}: {v}\r\n" for k, v in fields.items())
        writer.write(f"POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n".encode() + body)
        data = b""
        try:
            while piece := await reader.read(65536):
                data += piece
        except ConnectionError:
            pass
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            return 0, False
        lines = head.lower().split(b"\r\n")
        fields = dict(line.split(b": ", 1) for line in lines[1:])
        if fields.get(b"transfer-encoding") == b"chunked":
            is_whole = rest.endswith(b"0\r\n\r\n")
        else:
            is_whole = len(rest) == int(fields[b"content-length"])
        return int(lines[0].split(b" ")[1]), is_whole
    finally:
        writer.close()


class Stage:
    """One proxy and one schedule: its servers, its requests, its trace."""

    def __init__(self, proxy, schedule, calibrator_port):
        self.proxy, self.schedule = proxy, schedule
        self.servers = [Server(plan) for _, _, plan in schedule.hosts]
        self.text = schedule.documents([s.port for s in self.servers], calibrator_port)
        self.name_of_port = {s.port: name for s, (name, _, _) in zip(self.servers, schedule.hosts)}
        self.port = None  # the proxy's listener
        self.grid = None
        self.trace = Trace()

    async def calibrate(self):
        body = json.dumps({"model": CALIBRATOR, "messages": []}).encode()
        await ask(self.port, body, {"x-ai-eg-model": CALIBRATOR})

    async def play(self):
        requests = self.schedule.requests
        self.trace.answers = await asyncio.gather(
            *(self.send(number, request) for number, request in enumerate(requests)),
            *(self.follow(server) for server in self.servers if server.plan.is_timed))
        self.trace.answers = self.trace.answers[:len(requests)]
        await until(self.grid.time(self.schedule.length))

    async def send(self, number, request):
        planned = self.grid.time(request.at)
        await until(planned)
        began = time.monotonic()
        if began > planned + LATE_S:
            self.trace.noise.append(f"request {number} was sent {began - planned:.3f} s late")
        status, is_whole = await ask(self.port, self.schedule.body(request), {
            "x-probe": self.probe(number), "x-request-id": self.probe(number), "x-ai-eg-model": "m"})
        return Answer(status, is_whole, began, time.monotonic())

    async def follow(self, server):
        for position, action in server.plan.actions.items():
            if position == 0:
                continue
            await until(self.grid.time(position))
            await server.switch(action)

    def probe(self, number):
        return f"{self.schedule.name}-{number:04}"

    def finish(self, attempts, events, grid):
        """Turns moments into positions on the grid as it really was."""
        made = [attempts.get(self.probe(n), []) for n in range(len(self.schedule.requests))]
        self.check_counts(made)
        self.leave_out_overtaken(made, [(h, at) for kind, h, at in events if kind == "eject"])
        self.trace.attempts = [[a.host for a in all_] for all_ in made]
        for answer in self.trace.answers:
            answer.began, answer.ended = grid.position(answer.began), grid.position(answer.ended)
        for kind, host, moment in events:
            position = grid.position(moment)
            if kind == "eject":
                self.trace.ejections.append(Ejection(host, position, None))
                continue
            open_ones = [e for e in self.trace.ejections if e.host == host and e.back is None]
            open_ones[0].back = self.proxy.sweep_of_return(position)
        self.judge_noise(grid)

    def check_counts(self, made):
        """What the proxy's log says must be what its servers saw."""
        for server, (name, _, plan) in zip(self.servers, self.schedule.hosts):
            if plan.may_refuse:
                continue
            told = sum(a.host == name for all_ in made for a in all_)
            assert told == len(server.seen), f"{name}: {told} attempts in the log, saw {server.seen}"

    def leave_out_overtaken(self, made, ejections):
        """Envoy publishes an ejection from another thread. A retry within a few milliseconds may
        still meet the ejected host; the policy means it not to, and understudy does not."""
        for number, all_ in enumerate(made):
            for before, attempt in list(zip(all_, all_[1:])):
                if attempt.began is not None and attempt.host == before.host and any(
                        host == attempt.host and abs(attempt.began - at) < HAND_OFF_S
                        for host, at in ejections):
                    if len(all_) > self.schedule.retries:
                        self.trace.noise.append(f"an overtaken retry was the last of request {number}")
                    all_.remove(attempt)
                    self.trace.overtaken += 1

    def judge_noise(self, grid):
        near = NEAR_S / grid.period
        for number, (answer, request) in enumerate(zip(self.trace.answers, self.schedule.requests)):
            begin, end = answer.began, max(answer.began, answer.ended - request.lasts)
            if int(begin - near) != int(end + near):
                self.trace.noise.append(
                    f"request {number} ran from {answer.began:.2f} to {answer.ended:.2f} sweeps")


class Envoy:
    """One process for all schedules, one listener each."""
    name = "envoy"

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.calibrator = Server(Plan(500))
        self.process = None
        self.admin_port = free_port()

    async def start(self, stages):
        await self.calibrator.follow()
        for stage in stages:
            stage.port = free_port()
        path = self.folder / "envoy.json"
        path.write_text(json.dumps(bootstrap.bootstrap(
            {s.schedule.name: (s.port, s.text) for s in stages}, self.admin_port, self.folder), indent=1))
        with open(self.folder / "envoy.stderr", "wb") as log:
            self.process = subprocess.Popen(
                [self.binary, "-c", path, "--concurrency", "1", "--disable-hot-restart",
                 "-l", "warning", "--file-flush-interval-msec", "50"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment())

    async def wait_ready(self):
        limit = time.monotonic() + 30
        while True:
            if self.process.poll() is not None or time.monotonic() > limit:
                raise AssertionError(f"Envoy does not start:\n{self.stderr()}")
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.admin_port)
                writer.write(b"GET /ready HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
                head = await reader.readline()
                writer.close()
                if b" 200 " in head:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.05)

    def stderr(self):
        return (self.folder / "envoy.stderr").read_text(errors="replace")[-5000:]

    def events(self):
        """[(cluster, kind, port, monotonic moment)] of the log so far."""
        found = []
        path = self.folder / "ejections.log"
        for line in path.read_text().splitlines() if path.exists() else ():
            try:
                event = json.loads(line)
            except ValueError:
                continue  # the last line is still being written
            found.append((event["cluster_name"], event["action"].lower(),
                          port_of(event["upstream_url"]), moment(event["timestamp"])))
        return found

    def returns_of_calibrator(self, stage):
        name = f"{stage.schedule.name}/{CALIBRATOR}/0"
        return [at for cluster, kind, _, at in self.events() if cluster == name and kind == "uneject"]

    async def grid(self, stage):
        return fitted(self.returns_of_calibrator(stage))

    @staticmethod
    def sweep_of_return(position):
        return round(position)

    def collect(self, stages):
        attempts = {}
        for line in (self.folder / "attempts.log").read_text().splitlines():
            probe, began, host, _ = line.split(" ")
            if probe != "-" and host != "-":  # no calibration, no breaker's refusal
                attempts.setdefault(probe, []).append((float(began) - WALL, port_of(host)))
        events = self.events()
        for stage in stages:
            mine = {probe: [Attempt(stage.name_of_port[port], began) for began, port in sorted(all_)]
                    for probe, all_ in attempts.items()
                    if probe.rpartition("-")[0] == stage.schedule.name}
            own = [(kind, stage.name_of_port[port], at) for cluster, kind, port, at in events
                   if cluster == f"{stage.schedule.name}/llm/0"]
            real = fitted(self.returns_of_calibrator(stage))
            stage.finish(mine, own, real.moved_to(stage.grid.zero - real.period / 2))

    async def stop(self):
        self.calibrator.stop()
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(self.process.wait, 20)


class Understudy:
    """A process for every schedule."""
    name = "understudy"

    def __init__(self, folder):
        self.folder = folder
        self.calibrator = Server(Plan(500))
        self.daemons = {}
        self.heard = {}
        self.listening = []

    async def start(self, stages):
        await self.calibrator.follow()
        for stage in stages:
            name = stage.schedule.name
            folder = self.folder / name
            folder.mkdir(parents=True)
            (folder / "config.yaml").write_text(stage.text)
            daemon = self.daemons[name] = Daemon(
                folder, folder / "config.yaml", workers=1, wait=False, flags=["--no-watch"])
            stage.port = daemon.port

    async def wait_ready(self):
        for name, daemon in self.daemons.items():
            await asyncio.to_thread(daemon.wait_ready, 30)
            self.heard[name] = []
            self.listening.append(asyncio.create_task(self.listen(daemon, self.heard[name])))

    @staticmethod
    async def listen(daemon, heard):
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.admin_port, limit=1 << 20)
        writer.write(b"GET /events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        try:
            while line := await reader.readline():
                if line.startswith(b"data:"):
                    heard.append(json.loads(line[5:]))
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def grid(self, stage):
        """/status tells the very moment at which the calibrator returns: a sweep."""
        limit = time.monotonic() + 10
        while time.monotonic() < limit:
            await stage.calibrate()
            status = json.loads((await asyncio.to_thread(
                self.daemons[stage.schedule.name].admin, "/status"))[1])
            for endpoint in endpoints(status, CALIBRATOR):
                if endpoint["state"] == "ejected":
                    return Grid(moment(endpoint["ejected_until"]), INTERVAL_S)
            await asyncio.sleep(0.05)
        raise AssertionError(f"the calibrator of {stage.schedule.name} is never ejected: {status}")

    @staticmethod
    def sweep_of_return(position):
        """It is told by a timer of its own, up to 250 ms after the sweep."""
        return int(position + 0.02)

    def collect(self, stages):
        for stage in stages:
            name = stage.schedule.name
            attempts = {}
            for line in self.daemons[name].access_lines():
                if line["request_id"].startswith(name):
                    attempts[line["request_id"]] = self.hosts(stage, line)
            events = []
            for event in self.heard[name]:
                kind = {"ejection": "eject", "return": "uneject"}.get(event["kind"])
                if kind and event["backend"] != CALIBRATOR:
                    port = port_of(event["address"])
                    events.append((kind, stage.name_of_port[port], moment(event["time"])))
            stage.finish(attempts, events, stage.grid)

    @staticmethod
    def hosts(stage, line):
        """The log names backends; which of a backend's addresses it was, its servers know."""
        visits = {}
        for server, (name, _, _) in zip(stage.servers, stage.schedule.hosts):
            visits.setdefault(name[:-1], {})[name] = server
        found = []
        for attempt in line["attempts"]:
            if attempt["backend"] is None:
                continue
            servers = visits[attempt["backend"]]
            if isinstance(servers, dict) and len(servers) > 1:
                servers = visits[attempt["backend"]] = iter(sorted(
                    (moment, name) for name, server in servers.items()
                    for moment, probe in server.seen if probe == line["request_id"]))
            if isinstance(servers, dict):
                found.append(Attempt(next(iter(servers))))
            else:
                found.append(Attempt(next(servers)[1]))
        return found

    async def stop(self):
        self.calibrator.stop()
        for task in self.listening:
            task.cancel()
        await asyncio.gather(*self.listening, return_exceptions=True)
        codes = await asyncio.to_thread(lambda: {n: d.stop() for n, d in self.daemons.items()})
        wrong = {n: c for n, c in codes.items() if c not in (0, 1)}
        assert not wrong, f"daemons ended with {wrong}"


def port_of(address):
    return int(address.rsplit(":", 1)[1])


def endpoints(status, backend):
    return [e for route in status["routes"] for rule in route["rules"]
            for priority in rule["priorities"] for b in priority["backends"]
            if b["name"] == backend for e in b["endpoints"]]


def moment(timestamp):
    """Monotonic seconds of an ISO time in UTC."""
    return datetime.datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp() - WALL


def fitted(returns):
    """The grid of which `returns` are sweeps, by least squares."""
    assert len(returns) >= CALIBRATIONS - 1, f"only {len(returns)} sweeps were seen"
    numbers, period = [0], INTERVAL_S
    for before, after in zip(returns, returns[1:]):
        numbers.append(numbers[-1] + round((after - before) / period))
    mean_n, mean_t = sum(numbers) / len(numbers), sum(returns) / len(returns)
    period = (sum((n - mean_n) * (t - mean_t) for n, t in zip(numbers, returns))
              / sum((n - mean_n) ** 2 for n in numbers))
    return Grid(mean_t - mean_n * period, period)


async def play_all(schedules, envoy_binary, folder):
    """{name: (Envoy's trace, understudy's trace)} of the schedules, all played at once."""
    folder.mkdir(parents=True)
    envoy = Envoy(envoy_binary, folder)
    understudy = Understudy(folder)
    proxies = (envoy, understudy)
    stages = {p: [Stage(p, s, p.calibrator.port) for s in schedules] for p in proxies}
    every = [s for p in proxies for s in stages[p]]
    try:
        for stage in every:
            for server in stage.servers:
                await server.follow()
        for proxy in proxies:
            await proxy.start(stages[proxy])
        for proxy in proxies:
            await proxy.wait_ready()
        calibrating = asyncio.create_task(keep_calibrating(stages[envoy]))
        await asyncio.sleep(CALIBRATIONS * CALIBRATION_GAP_S + 0.3)
        for proxy in proxies:
            for stage in stages[proxy]:
                stage.grid = await proxy.grid(stage)
        start = time.monotonic() + 0.5
        for stage in every:
            stage.grid = stage.grid.moved_to(start)
        await asyncio.gather(*(stage.play() for stage in every))
        calibrating.cancel()
        await asyncio.sleep(0.3)  # what is still to be told and written
        for proxy in proxies:
            proxy.collect(stages[proxy])
    finally:
        for stage in every:
            for server in stage.servers:
                server.stop()
        for proxy in proxies:
            await proxy.stop()
    return {s.name: tuple(stages[p][n].trace for p in proxies) for n, s in enumerate(schedules)}


async def keep_calibrating(stages):
    """Envoy's sweeps drift; the calibrator's returns tell where they are, all the time."""
    while True:
        for stage in stages:
            await stage.calibrate()
        await asyncio.sleep(CALIBRATION_GAP_S)
