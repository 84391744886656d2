"""The programs of ours: building them, the origin's life, one run of the load generator."""

import json
import subprocess
from pathlib import Path

from . import processes
from .scenarios import TRANSLATED_STREAM

BENCH = Path(__file__).resolve().parent.parent
WORK = BENCH / "work"


def build():
    """Compiles origin and load when their sources are newer."""
    WORK.mkdir(exist_ok=True)
    newest = max(path.stat().st_mtime for path in (BENCH / "src").iterdir())
    for name, libraries in (("origin", ["-lssl", "-lcrypto"]), ("load", []), ("relay", [])):
        binary = WORK / name
        if binary.exists() and binary.stat().st_mtime > newest:
            continue
        print(f"building {name}", flush=True)
        source = BENCH / "src" / f"{name}.cpp"
        subprocess.run(["g++", "-std=c++20", "-O2", source, "-o", binary, *libraries], check=True)


def make_certificate():
    """A throwaway CA and the origin's certificate under it, made once."""
    if (WORK / "origin.pem").exists():
        return

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=WORK, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "3650",
            "-subj", "/CN=bench CA", "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", *key, "-keyout", "origin.key", "-out", "origin.csr", "-subj", "/CN=bench-origin.test")
    (WORK / "origin.ext").write_text("subjectAltName=DNS:bench-origin.test\n")
    openssl("x509", "-req", "-in", "origin.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "3650", "-extfile", "origin.ext", "-out", "origin.pem")


class Origin:
    """The origin process and its ports: plain, fallback, tls."""

    def __init__(self, is_realtime, is_anywhere=False):
        self.ports = dict(zip(("plain", "fallback", "tls"), processes.free_ports(3)))
        self.process = processes.start(
            [WORK / "origin", "--port", self.ports["plain"], "--fallback", self.ports["fallback"],
             "--tls", self.ports["tls"], "--cert", WORK / "origin.pem", "--key", WORK / "origin.key",
             "--stream", TRANSLATED_STREAM, "--anywhere", int(is_anywhere)],
            WORK / "origin.log", processes.cores()[1], is_realtime=is_realtime)

    def stop(self):
        processes.stop(self.process)


class Load:
    """Runs the load generator; any wrong answer raises."""

    def __init__(self, is_realtime):
        self.is_realtime = is_realtime

    def _start(self, mode, arguments, **pipes):
        command = [WORK / "load", mode]
        for name, value in arguments.items():
            command += [f"--{name}", value]
        command += pipes.pop("command", [])
        return processes.start(
            command, None, processes.cores()[1], is_realtime=self.is_realtime, text=True, **pipes)

    @staticmethod
    def _result(process, text, what):
        lines = text.strip().splitlines()
        result = json.loads(lines[-1]) if lines else {"errors": 1, "first_error": "no output"}
        if result["errors"] or process.returncode:
            raise RuntimeError(f"{what}: {result['first_error']}")
        return result

    def run(self, what, **arguments):
        process = self._start("run", arguments)
        text, _ = process.communicate(timeout=300)
        return self._result(process, text, what)

    def hold(self, what, measure, **arguments):
        """Opens everything, calls `measure()`, lets go; returns what it measured."""
        process = self._start("hold", arguments, stdin=-1)
        try:
            first = process.stdout.readline()
            if first.strip() != "ready":
                process.wait(timeout=30)
                self._result(process, first, what)
            measured = measure()
            text, _ = process.communicate(timeout=30)
            self._result(process, text, what)
            return measured
        finally:
            processes.stop(process)

    def first(self, what, command, log, env, **arguments):
        """Milliseconds from exec of `command` to the first right answer."""
        arguments |= {"log": log}
        if processes.cores()[0] is not None:
            arguments["cpu"] = processes.cores()[0]
        process = self._start("first", arguments, command=["--", *command], env=env)
        text, _ = process.communicate(timeout=60)
        return self._result(process, text, what)["first_ms"]
