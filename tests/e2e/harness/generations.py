"""The processes of one daemon that hand over to each other (SIGUSR2)."""
import ctypes
import os
import pathlib
import re
import signal

from harness.daemon import SLOWNESS, wait_until

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans(whether=True):
    """A process of a later generation becomes this one's child when the one before it has ended."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(whether), 0, 0, 0)


class Generations:
    """The processes of one daemon, each started by the one before it."""

    def __init__(self, daemon):
        self.daemon, self.pids = daemon, [daemon.process.pid]

    def signal(self, what):
        os.kill(self.pids[-1], what)

    def started(self):
        return [int(pid) for pid in re.findall(r"upgrade: process (\d+) is started",
                                               self.daemon.stderr())]

    def upgrade(self):
        before = len(self.started())
        self.signal(signal.SIGUSR2)
        wait_until(lambda: len(self.started()) > before, what="the start of the new process")
        pid = self.started()[-1]
        wait_until(lambda: f"process {pid} serves now" in self.daemon.stderr(), timeout=20,
                   what=f"the hand-over to {pid}\n{self.daemon.stderr()[-3000:]}")
        self.pids.append(pid)
        self.daemon.pid = pid

    def exit_code(self, pid, timeout=20.0):
        if pid == self.daemon.process.pid:
            return self.daemon.process.wait(timeout * SLOWNESS)
        status = wait_until(lambda: next((s for p, s in [os.waitpid(pid, os.WNOHANG)] if p), None)
                            or self._clean(pid), timeout, what=f"the end of {pid}")
        return 0 if status == "clean" else os.waitstatus_to_exitcode(status)

    @staticmethod
    def _clean(pid):
        """A status of 0 is no truth."""
        return None if pathlib.Path(f"/proc/{pid}").exists() else "clean"

    def stop(self):
        for pid in reversed(self.pids):
            for what in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.kill(pid, what)
                    self.exit_code(pid, 5.0)
                    break
                except (ProcessLookupError, ChildProcessError):
                    break
                except AssertionError:
                    continue
