"""The real binary as a child process: started, waited for, asked, drained, its logs kept."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from harness import secrets

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("UNDERSTUDY_BINARY") or ROOT / "build/release/understudy")
# What the shell of whoever runs the tests may hold must not decide anything here.
KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "ASAN_OPTIONS",
                    "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS")
SLOWNESS = float(os.environ.get("UNDERSTUDY_TEST_SLOWNESS", "1"))  # sanitizers, busy machines


def wait_until(claim, timeout=10.0, interval=0.02, what="the claim"):
    """The first truthy value of claim(); the one way in which these tests wait for a state."""
    deadline = time.monotonic() + timeout * SLOWNESS
    while True:
        value = claim()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout * SLOWNESS:.0f} s")
        time.sleep(interval)


def free_ports(count):
    """Of the operating system's choice, no two alike. Whoever binds them next is the daemon: nothing
    else on this machine asks for ports in between, as far as the tests are concerned."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in held:
            sock.bind(("127.0.0.1", 0))
        return tuple(sock.getsockname()[1] for sock in held)


def free_port():
    return free_ports(1)[0]


def environment(more=None):
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    kept["AWS_EC2_METADATA_DISABLED"] = "true"
    return {**kept, **(more or {})}


def run(*arguments, env=None, timeout=20):
    """A command that ends by itself: (status, stdout, stderr)."""
    done = subprocess.run([BINARY, *map(str, arguments)], env=environment(env), timeout=timeout,
                          capture_output=True, text=True, check=False)
    return done


class Daemon:
    def __init__(self, folder, *configurations, flags=(), env=None, command="run", workers=2,
                 log_format="json", wait=True, admin=True, ports=None, listen=True,
                 descriptors=(), prefix=()):
        self.port, self.admin_port = ports or free_ports(2)
        self.folder = folder
        self.stdout_path, self.stderr_path = folder / "stdout.log", folder / "stderr.log"
        arguments = [*map(str, prefix), str(BINARY), command, *map(str, configurations),
                     *(["--listen", f"127.0.0.1:{self.port}"] if listen else []),
                     "--admin", f"127.0.0.1:{self.admin_port}" if admin else "off",
                     "--workers", str(workers), "--log-format", log_format, *map(str, flags)]
        self.arguments = arguments
        self.confidence = secrets.Confidence(
            [pathlib.Path(one) for one in configurations], env, flags)
        self.told_operator = []  # whatever the admin listener answered
        self.leaks = []
        secrets.forget(self.port)
        self.started = time.monotonic()
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.process = subprocess.Popen(arguments, stdout=out, stderr=err,
                                            stdin=subprocess.DEVNULL, env=environment(env),
                                            pass_fds=descriptors)
        self.pid = self.process.pid  # another one after a hand-over
        if wait:
            self.wait_ready()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def wait_ready(self, timeout=10.0):
        def is_ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.process.returncode}\n{self.logs()}")
            return self.admin("/ready", quiet=True)[0] == 200
        wait_until(is_ready, timeout, what="readiness")

    def admin(self, path, method="GET", quiet=False, headers=None):
        """(status, text) of the admin listener; (0, "") where nobody answers and `quiet`."""
        url = f"http://127.0.0.1:{self.admin_port}{path}"
        request = urllib.request.Request(url, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                status, text = response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        except OSError:
            if quiet:
                return 0, ""
            raise
        self.told_operator.append(text)
        return status, text

    def stdout(self):
        return self.stdout_path.read_text(errors="replace")

    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    def logs(self):
        return (f"$ {' '.join(self.arguments)}\n--- stdout\n{self.stdout()[-20000:]}\n"
                f"--- stderr\n{self.stderr()[-20000:]}")

    def access_lines(self):
        """The access log so far: JSON lines that have attempts."""
        found = []
        for line in self.stdout().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and "attempts" in entry:
                found.append(entry)
        return found

    def access_line(self, request_id, timeout=5.0):
        def find():
            return next((e for e in self.access_lines() if e["request_id"] == request_id), None)
        return wait_until(find, timeout, what=f"an access log line of {request_id}")

    def metrics(self):
        """{(name, frozenset of label pairs): value} of the exposition."""
        status, text = self.admin("/metrics")
        assert status == 200, text
        return parse_metrics(text)

    def rss_bytes(self):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) * 1024

    def signal(self, what):
        self.process.send_signal(what)

    def wait(self, timeout=15.0):
        return self.process.wait(timeout * SLOWNESS)

    def stop(self):
        """As the suite does after each test: clean drain, else the test has left a wreck."""
        try:
            return self._stop()
        finally:
            self.look_for_secrets()

    def look_for_secrets(self):
        """Once, when it has said everything that it will ever say."""
        if self.confidence is None:
            return
        self.leaks = self.confidence.leaks({
            "standard output": self.stdout_path.read_bytes(),
            "standard error": self.stderr_path.read_bytes(),
            "the admin listener": "\0".join(self.told_operator).encode(),
            "what clients received": secrets.forget(self.port)})
        self.confidence = None
        secrets.LEAKS += self.leaks

    def _stop(self):
        if self.process.poll() is not None:
            return self.process.returncode
        self.signal(signal.SIGTERM)
        try:
            return self.wait(1.0)
        except subprocess.TimeoutExpired:
            pass
        self.signal(signal.SIGTERM)
        try:
            return self.wait(5.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


METRIC = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)')


def parse_metrics(text):
    values = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        found = METRIC.match(line)
        assert found, f"no exposition line: {line!r}"
        name, labels, value = found.groups()
        pairs = LABEL.findall(labels or "")
        assert "".join(f'{k}="{v}",' for k, v in pairs).rstrip(",") == (labels or "").rstrip(","), line
        values[name, frozenset(pairs)] = float(value)
    return values


def total(metrics, name, **labels):
    """Sum over all series of that name that carry the labels."""
    wanted = set(labels.items())
    return sum(v for (n, have), v in metrics.items() if n == name and wanted <= have)
