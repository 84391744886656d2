#!/usr/bin/env python3
"""The soak with an operator's bad day on top: every ten seconds one disturbance, drawn from a seed.

  chaos.py [SECONDS] [--rate 60] [--seed N] [--every 10] [--only WORD]
           [--report FILE] [--keep FILE]

Upstreams fail too, but none breaks an answer that has begun, and one is always well: whatever a client
does not get whole is lost by the daemon. Wanted: not one such request, every disturbance proven, and
memory and descriptors as in the soak. Exit status 1 where one of these does not hold.
"""
import argparse
import asyncio
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

import disturbances  # noqa: E402
import soak  # noqa: E402
from harness.daemon import total  # noqa: E402
from stage import Stage  # noqa: E402
from upstreams import EARLY  # noqa: E402

LONGEST = 45.0  # a disturbance is not begun where it might outlast the load
HAND_OVER = "hand-over"
# The only full disk is to be the one that is meant.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
CROWDED = 400  # requests under way


def deal(rng, possible, share):
    """One round. Each process of a hand-over begins with fresh memory: they are early in the run, so
    that what is compared of it later belongs to one process."""
    chosen = [n for n in possible if share < 0.2 or not n.startswith(HAND_OVER)]
    rng.shuffle(chosen)
    if share < 0.01:
        chosen.sort(key=lambda name: not name.startswith(HAND_OVER))
    return chosen


class Table:
    """Disturbances with what clients met while each was on."""

    def __init__(self, stage):
        self.stage, self.rows, self.wrong, self.stories = stage, {}, [], []
        self.lags = []

    def counts(self):
        verdicts = self.stage.client.verdicts
        good = verdicts.get("unary ok", 0) + verdicts.get("stream ok", 0)
        return sum(verdicts.values()), sum(verdicts.values()) - good

    async def run(self, name, seconds):
        row = self.rows.setdefault(name, [0, 0, 0, 0.0])
        (asked, lost), began = self.counts(), time.monotonic()
        known, beats = len(self.stage.client.lost), len(self.lags)
        try:
            await disturbances.ALL[name][0](self.stage)
            row[0] += 1
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            self.wrong.append(f"{name}: {str(error)[-300:]}")
        row[3] = max(row[3], time.monotonic() - began)
        await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        now = self.counts()
        row[1] += now[0] - asked
        row[2] += now[1] - lost
        print(f"{time.strftime('%H:%M:%S')} {name}: {now[0] - asked} answers, {now[1] - lost} lost, "
              f"late by {max(self.lags[beats:], default=0):.2f} s", file=sys.stderr, flush=True)
        for number, when in self.stage.client.lost[known:known + 5]:
            line = await asyncio.to_thread(self.stage.logged, number)
            self.stories.append(f"{name}: {when} {line}")

    def lines(self):
        yield f"{'disturbance':38} {'times':>5} {'longest s':>9} {'answers':>8} {'lost':>5}"
        for name, (times, asked, lost, longest) in sorted(self.rows.items()):
            yield f"{name:38} {times:5} {longest:9.1f} {asked:8} {lost:5}"


async def feel_lag(lags, until):
    """How late this process is: its upstreams are not better than it."""
    while (now := time.monotonic()) < until:
        await asyncio.sleep(0.05)
        lags.append(time.monotonic() - now - 0.05)


async def disturb(stage, table, options, rng, until):
    began = time.monotonic()
    missing = stage.skipped()
    possible = [n for n, (_, needs) in disturbances.ALL.items()
                if needs not in missing and options.only in n]
    while (now := time.monotonic()) < until - LONGEST:
        await asyncio.sleep(0.1)  # a round may be empty
        for name in deal(rng, possible, (now - began) / options.seconds):
            if time.monotonic() > until - LONGEST:
                break
            if (log := stage.on_disk(stage.log)).is_file():
                os.truncate(log, 0)  # as logrotate's copytruncate; the disk is small
            await table.run(name, options.every)
    if HAND_OVER in options.only or not options.only:
        await table.run("hand-over: SIGUSR2", options.every)


async def chaos(options, stage):
    rng = random.Random(options.seed)
    table, samples, turns = Table(stage), [], []
    idle = stage.descriptors()
    until = time.monotonic() + options.seconds
    number, *_ = await asyncio.gather(
        soak.arrive(stage.client, options.rate, rng, until, CROWDED),
        soak.change_faults((stage.first, stage.second), random.Random(options.seed), until, turns,
                           EARLY),
        soak.watch(stage.daemon, samples, until), disturb(stage, table, options, rng, until),
        feel_lag(table.lags, until))
    stage.client.close()
    await asyncio.sleep(2)
    metrics = await asyncio.to_thread(stage.daemon.metrics)
    left = stage.descriptors() - idle - total(metrics, "understudy_upstream_connections_idle")
    return table, number, samples, turns, metrics, left


def report(options, stage, table, number, samples, turns, metrics, left, status):
    wrong = list(table.wrong)
    if lost := stage.client.verdicts.get("stream broken, told"):
        wrong.append(f"{lost} streams broken")
    if left > 20:
        wrong.append(f"{left:g} descriptors more than at the start")
    more = [f"descriptors more than before the load, without pooled ones: {left:g}; "
            f"spans {stage.collector.spans}, of them ending before they began "
            f"{stage.collector.backwards}; this process was late by {max(table.lags):.2f} s at most, "
            f"{sum(lag > 0.5 for lag in table.lags)} times by more than 0.5 s",
            *(f"skipped what needs {needs}: {why}" for needs, why in stage.skipped().items()),
            *table.lines(), *table.stories[:20]]
    if stage.collector.backwards:
        wrong.append("spans that end before they begin")
    return soak.report(options, number, stage.client, samples, turns, metrics, status, more, wrong)


async def whole(options, folder):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    stage = Stage(folder)
    await stage.begin()
    try:
        found = await chaos(options, stage)
        status = await asyncio.to_thread(stage.end)
    finally:
        stage.clear()
        if options.keep:
            pathlib.Path(options.keep).write_text(stage.daemon.stderr())
    return report(options, stage, *found, status)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("seconds", nargs="?", type=float, default=1800)
    parser.add_argument("--rate", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=10, help="seconds from one to the next")
    parser.add_argument("--only", default="", help="disturbances with this in their names")
    parser.add_argument("--report")
    parser.add_argument("--keep", help="a file for what the daemon says on standard error")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos", dir=MEMORY) as folder:
        return asyncio.run(whole(options, pathlib.Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
