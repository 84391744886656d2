"""The two proxies: started on their configurations, and asked what they did."""
import asyncio
import collections
import json
import signal
import subprocess
import time

from differential import bootstrap
from differential.model import CALIBRATOR
from differential.trace import WALL, Attempt, Grid, fitted, moment
from differential.upstreams import Plan, Server
from harness.daemon import Daemon, environment


class Ports:
    """Ports that stay ours from when they are chosen: bound, never listening."""

    def __init__(self):
        self.held = []

    def take(self):
        self.held.append(Server.bound(0))
        return self.held[-1].getsockname()[1]

    def give_back(self):
        for sock in self.held:
            sock.close()


class Envoy:
    """One process for all schedules, one listener each."""
    name = "envoy"

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.read, self.events = 0, collections.defaultdict(list)
        self.calibrator = Server(Plan(500))
        self.process = None
        self.ports = Ports()
        self.admin_port = self.ports.take()

    async def start(self, stages):
        await self.calibrator.follow()
        for stage in stages:
            stage.port = self.ports.take()
        path = self.folder / "envoy.json"
        path.write_text(json.dumps(bootstrap.bootstrap(
            {s.schedule.name: (s.port, s.text_for_envoy) for s in stages}, self.admin_port, self.folder),
            indent=1))
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

    def read_events(self):
        """What the log has told so far: per cluster [(kind, port, monotonic moment)]."""
        path = self.folder / "ejections.log"
        for line in path.read_text().splitlines()[self.read:] if path.exists() else ():
            try:
                event = json.loads(line)
            except ValueError:
                break  # the last line is still being written
            self.read += 1
            if event["action"] == "EJECT" and not event["enforced"]:
                continue  # noticed only
            self.events[event["cluster_name"]].append((
                event["action"].lower(), port_of(event["upstream_url"]), moment(event["timestamp"])))

    async def grid(self, stage):
        self.read_events()
        calibrator = self.events[f"{stage.schedule.name}/{CALIBRATOR}/0"]
        return fitted([at for kind, _, at in calibrator if kind == "uneject"],
                      stage.schedule.interval_s)

    @staticmethod
    def sweep_of_return(position):
        return round(position)

    async def collect(self, stages):
        attempts = {}
        for line in (self.folder / "attempts.log").read_text().splitlines():
            probe, began, lasted_ms, host, flags = line.split(" ")
            if probe != "-" and "UO" not in flags:  # no calibration, no breaker's refusal
                attempts.setdefault(probe, []).append(
                    (float(began) - WALL, float(lasted_ms) / 1000, port_of(host)))
        flags = dict(line.split(" ")
                     for line in (self.folder / "requests.log").read_text().splitlines())
        self.read_events()
        for stage in stages:
            mine = {probe: [Attempt(stage.name_of_port[port], began, began + lasted)
                            for began, lasted, port in sorted(all_)]
                    for probe, all_ in attempts.items()
                    if probe.rpartition("-")[0] == stage.schedule.name}
            own = [(kind, stage.name_of_port[port], at)
                   for kind, port, at in self.events[f"{stage.schedule.name}/llm/0"]]
            real = await self.grid(stage)
            stage.finish(mine, flags, own, real.moved_to(stage.grid.zero - real.period / 2))

    async def stop(self):
        self.calibrator.stop()
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(self.process.wait, 20)
        self.ports.give_back()


class Understudy:
    """A process for every schedule."""
    name = "understudy"

    def __init__(self, folder):
        self.folder = folder
        self.calibrator = Server(Plan(500))
        self.daemons = {}
        self.ports = Ports()
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
                folder, folder / "config.yaml", workers=1, wait=False, flags=["--no-watch"],
                ports=(self.ports.take(), self.ports.take()))
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
                    return Grid(moment(endpoint["ejected_until"]), stage.schedule.interval_s)
            await asyncio.sleep(0.05)
        raise AssertionError(f"the calibrator of {stage.schedule.name} is never ejected: {status}")

    @staticmethod
    def sweep_of_return(position):
        """It is told by a timer of its own, up to 250 ms after the sweep."""
        return int(position + 0.02)

    async def collect(self, stages):
        for stage in stages:
            name = stage.schedule.name
            attempts, flags = {}, {}
            for line in self.daemons[name].access_lines():
                if line["request_id"].startswith(name):
                    attempts[line["request_id"]] = self.hosts(stage, line)
                    flags[line["request_id"]] = line["flags"] or "-"
            events = []
            for event in self.heard[name]:
                kind = {"ejection": "eject", "return": "uneject"}.get(event["kind"])
                if kind and event["backend"] != CALIBRATOR:
                    port = port_of(event["address"])
                    events.append((kind, stage.name_of_port[port], moment(event["time"])))
            stage.finish(attempts, flags, events, stage.grid)

    @staticmethod
    def hosts(stage, line):
        """The log names backends; which of a backend's addresses it was, its servers know."""
        visits = {}
        for server, (name, _, _) in zip(stage.servers, stage.schedule.hosts):
            visits.setdefault(name[:-1], {})[name] = server
        found = []
        for attempt in line["attempts"]:
            if attempt["outcome"] == "overflow":
                continue
            servers = visits[attempt["backend"]]
            if isinstance(servers, dict) and len(servers) > 1:
                servers = visits[attempt["backend"]] = iter(sorted(
                    (moment, name) for name, server in servers.items()
                    for moment, probe in server.seen if probe == line["request_id"]))
            if isinstance(servers, dict):
                name = next(iter(servers))
            else:
                name = next(servers)[1]
            # Sent once more on a fresh connection: one attempt in the log, two for the server.
            found += [Attempt(name)] * (2 if attempt.get("replayed") else 1)
        return found

    async def stop(self):
        self.calibrator.stop()
        for task in self.listening:
            task.cancel()
        await asyncio.gather(*self.listening, return_exceptions=True)
        codes = await asyncio.to_thread(lambda: {n: d.stop() for n, d in self.daemons.items()})
        self.ports.give_back()
        wrong = {n: c for n, c in codes.items() if c not in (0, 1)}
        assert not wrong, f"daemons ended with {wrong}"


def port_of(address):
    return int(address.rsplit(":", 1)[1])


def endpoints(status, backend):
    return [e for route in status["routes"] for rule in route["rules"]
            for priority in rule["priorities"] for b in priority["backends"]
            if b["name"] == backend for e in b["endpoints"]]
