"""What a chaos run plays on: the daemon of the soak with everything around it that an operator has:
files, certificates, a name server, a collector, a log on a small disk, a clock."""
import asyncio
import json
import os
import pathlib
import signal
import ssl
import struct
import subprocess

import soak
from client import Client
from harness import config
from harness.daemon import Daemon, total
from harness.generations import Generations, adopt_orphans
from harness.names import NameServer, asking, may_mount
from upstreams import Bedrock, Upstream, quiet_port, whole

NAME_SERVER = "127.7.7.8"  # not that of tests/e2e/test_dns.py, which may run beside this
PATIENCE = 60.0  # of clients, seconds
LOG_DISK = "16m"
DESCRIPTORS = 3000  # the daemon's limit: two workers take about 720 clients each


class Collector(Upstream):
    """Takes OTLP/JSON; its faults are an upstream's."""

    def __init__(self):
        super().__init__("collector")
        self.spans, self.last_start, self.backwards = 0, 0.0, 0

    async def answer(self, head, body, writer):
        if self.fault == "hang":
            await asyncio.sleep(20)
            return False
        if self.fault == "status 503":
            return await whole(writer, 503, "application/json", b"{}")
        for resource in json.loads(body)["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
                    self.spans += 1
                    self.backwards += end < start
                    self.last_start = start / 1e9
        return await whole(writer, 200, "application/json", b"{}")


def build_clock(folder):
    """The library that moves the daemon's wall clock; None without a C compiler."""
    library, source = folder / "wall_clock.so", pathlib.Path(__file__).parent / "wall_clock.c"
    try:
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source],
                       check=True)
    except FileNotFoundError:
        return None
    return library


class Stage:
    def __init__(self, folder):
        self.folder = folder
        self.first, self.second, self.last = Upstream("first"), Upstream("second"), Bedrock("last")
        self.collector, self.names, self.moves_clock = Collector(), None, build_clock(folder)
        self.is_root, self.limit = may_mount(), DESCRIPTORS
        self.https_port, self.edition, self.serial = quiet_port(), 0, 0
        self.config, self.clock = folder / "chaos.yaml", folder / "clock"
        self.log = folder / "disk" / "access.log"

    def skipped(self):
        """{what a disturbance needs: why it is not here}."""
        why = {}
        if not self.is_root:
            why["root"] = "not root: no mount namespace"
        if not self.moves_clock:
            why["compiler"] = "no gcc: the clock can't be moved"
        return why

    # ---- beginning and end

    async def begin(self):
        for upstream in (self.first, self.second, self.last, self.collector):
            upstream.is_gentle = True
            await upstream.listen()
        (self.folder / "disk").mkdir()
        self.set_clock(0)
        self.issue()
        self.write_config()
        prefix = ["sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$0" "$@"']
        if self.moves_clock:
            prefix += ["env", f"LD_PRELOAD={self.moves_clock}", f"WALL_CLOCK={self.clock}"]
        if self.is_root:
            self.names = NameServer(NAME_SERVER)
            disk = f"mount -t tmpfs -o size={LOG_DISK} chaos {self.folder}/disk"
            prefix = asking(NAME_SERVER, self.folder, disk) + prefix
        adopt_orphans()
        self.daemon = await asyncio.to_thread(
            Daemon, self.folder, self.config, prefix=prefix, flags=["--access-log", str(self.log)],
            env={"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "none",
                 "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.collector.port}",
                 "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_TIMEOUT": "1000",
                 "OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_BSP_MAX_QUEUE_SIZE": "128",
                 "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "64",
                 "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"})
        self.generations = Generations(self.daemon)
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE
        self.client = Client(self.daemon.port, (self.https_port, self.tls), PATIENCE)

    def end(self):
        """The last process's exit status."""
        self.generations.signal(signal.SIGTERM)
        return self.generations.exit_code(self.daemon.pid, 40)

    def clear(self):
        """No process stays, whatever has happened."""
        self.generations.stop()
        if self.names:
            self.names.stop()

    # ---- what disturbances turn

    def write_config(self, text=None):
        """A valid one, each time another, unless told."""
        if text is None:
            self.edition += 1
            text = self.valid_config()
        new = self.folder / "new.yaml.tmp"
        new.write_text(text)
        os.replace(new, self.config)

    def valid_config(self):
        found = soak.objects(self.first, self.second, self.last)
        found[0]["spec"]["parentRefs"] = [{"name": "gw", "kind": "Gateway", "group": config.GROUP}]
        if self.is_root:
            found[2]["spec"]["endpoints"] = [
                {"fqdn": {"hostname": "first.example", "port": self.first.port}}]
        # The machine may be busy: what is slow for that reason is not to look like a fault.
        found[-1]["spec"] |= {"attempts": {"timeout": "6s", "max": 8 + self.edition % 2},
                              "firstToken": {"timeout": "5s"}, "hedge": {"budget": 20}}
        gateway = {"apiVersion": f"{config.GROUP}/v1", "kind": "Gateway", "metadata": {"name": "gw"},
                   "spec": {"gatewayClassName": "understudy", "listeners": [
                       {"name": "http", "protocol": "HTTP", "port": 1975},
                       {"name": "https", "protocol": "HTTPS", "port": self.https_port, "tls": {
                           "mode": "Terminate", "certificateRefs": [{"name": "cert"}]}}]}}
        files = {f"substitution.aigw.run/file/tls.{part}": str(self.folder / f"tls.{part}")
                 for part in ("crt", "key")}
        secret = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
                  "metadata": {"name": "cert", "annotations": files},
                  "stringData": {"tls.crt": "-", "tls.key": "-"}}
        return config.documents(*found, gateway, secret,
                                config.traffic_policy(dns={"dnsRefreshRate": "1s"}))

    def issue(self):
        """A new certificate in the files that the listener reads, one file after the other; its DER."""
        self.serial += 1
        new = [self.folder / f"new.{part}.tmp" for part in ("crt", "key")]
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "30", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-subj", f"/CN=edition-{self.serial}",
                        "-addext", "subjectAltName=DNS:chaos.example",
                        "-out", new[0], "-keyout", new[1]], check=True, capture_output=True)
        der = ssl.PEM_cert_to_DER_cert(new[0].read_text())
        for path, part in zip(new, ("crt", "key")):
            os.replace(path, self.folder / f"tls.{part}")
        return der

    def set_clock(self, offset):
        with open(self.clock, "r+b" if self.clock.exists() else "wb") as file:
            file.write(struct.pack("q", offset))

    def on_disk(self, path):
        """As the daemon sees it: its disk is mounted in its namespace only."""
        return pathlib.Path(f"/proc/{self.daemon.pid}/root{path}") if self.is_root else path

    # ---- what can be seen

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon.pid}/fd"))

    async def admin(self, path, method="GET"):
        return await asyncio.to_thread(self.daemon.admin, path, method)

    async def metric(self, name, **labels):
        return total(await asyncio.to_thread(self.daemon.metrics), name, **labels)

    def said(self, what):
        return self.daemon.stderr().count(what)

    def logged(self, number):
        """The access log's line of a request of the load, as far as it is still there."""
        path, marked = self.on_disk(self.log), f'"soak-{number}"'
        lines = path.read_text(errors="replace").splitlines() if path.is_file() else ()
        return next((line for line in lines if marked in line), f"soak-{number} is not in the log")
