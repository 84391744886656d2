"""Starting and ending processes, and reading from /proc what a process tree used."""

import ctypes
import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_ports(count):
    """Port numbers that were free a moment ago."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def cores():
    """(core of the proxy, core of origin and load); (None, None) on a single core."""
    available = sorted(os.sched_getaffinity(0))
    return (available[-1], available[0]) if len(available) > 1 else (None, None)


def start(command, log, core, env=None, is_realtime=False, **pipes):
    """A child on one core, that dies with this process; its output goes to the file `log`."""

    def before_exec():
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if core is not None:
            os.sched_setaffinity(0, {core})
        if is_realtime:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))

    out = open(log, "ab") if log else subprocess.PIPE
    streams = {"stdout": out, "stderr": subprocess.STDOUT if log else None} | pipes
    return subprocess.Popen(
        [str(part) for part in command],
        env={**os.environ, **(env or {})},
        preexec_fn=before_exec,
        **streams,
    )


def stop(process):
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        for pid in tree(process.pid)[::-1]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.wait(timeout=5)


def tree(pid):
    """The process and all its descendants."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*"):
            try:
                found += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                pass
    return found


def cpu_ns(pid):
    """Time on a processor of all threads of the tree (user and system), from the scheduler's own count."""
    total = 0
    for one in tree(pid):
        for task in Path(f"/proc/{one}/task").glob("*"):
            total += int((task / "schedstat").read_text().split()[0])
    return total


def memory_kib(pid):
    """{"rss", "pss"} of the tree in KiB: resident, and resident with shared pages divided."""
    total = {"rss": 0, "pss": 0}
    for one in tree(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in ("Rss", "Pss"):
                total[name.lower()] += int(value.split()[0])
    return total


def wait_until(claim, seconds, what):
    limit = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > limit:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.02)
