#!/usr/bin/env python3
"""Runs the real daemon for a long time while its upstreams fail in turns, and judges every answer.

  soak.py [SECONDS] [--rate 200] [--seed N] [--report FILE]

Three upstreams: two OpenAI ones that change what they do every 5 s, and a Bedrock one that is well.
Half of the requests are streams. Wanted: no request hangs, no answer looks complete that is not, no
error reaches a client but in a stream that had begun, and memory and descriptors are flat after the
first fifth. Exit status 1 where one of these does not hold.
"""
import argparse
import asyncio
import json
import os
import pathlib
import random
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from client import Client  # noqa: E402
from harness import config  # noqa: E402
from harness.daemon import Daemon, total  # noqa: E402
from upstreams import EARLY, LATE, Bedrock, Upstream  # noqa: E402

TURN = 5.0
# The largest crowd comes first: what it leaves in pools is not mistaken for a leak later.
OPENING = (("good", "good"), ("hang", "hang"), ("refuse", "hang"), ("good", "good"))


def objects(first, second, last):
    """Of the configuration: the route comes first, then the first backend's two."""
    refs = [{"name": "first", "priority": 0}, {"name": "second", "priority": 1},
            {"name": "last", "priority": 2, "modelNameOverride": "some.model-v1:0"}]
    # Whole crowds hang at once here: the retry budget must let them all go on.
    policy = config.failover_policy(
        attempts={"timeout": "2s", "max": 8}, firstToken={"timeout": "1s"},
        retryBudget={"percent": 100, "minimum": 100}, hedge={"budget": 100})
    # Bedrock's own name would mean TLS on port 443 only; here it is a plain port.
    return [config.route(refs), *config.backend("first", first.port),
            *config.backend("second", second.port), *config.bedrock("last", last.port), policy]


async def change_faults(upstreams, rng, until, log, faults=EARLY + LATE):
    """Every turn each of the failing ones draws anew; sometimes both are well."""
    while time.monotonic() < until:
        drawn = OPENING[len(log)] if len(log) < len(OPENING) else \
            [rng.choice(faults + ("good", "good", "good")) for _ in upstreams]
        for upstream, fault in zip(upstreams, drawn):
            await upstream.become(fault)
        log.append((round(until - time.monotonic()), [u.fault for u in upstreams]))
        await asyncio.sleep(TURN)
    for upstream in upstreams:
        await upstream.become("good")


async def arrive(client, rate, rng, until, most=10**6):
    """Open loop: requests come when they come, whether or not the others have ended. Beyond `most`
    open ones they stay away: a machine that was busy for a while is not to drown in them."""
    tasks, number, due = set(), 0, time.monotonic()
    while (now := time.monotonic()) < until:
        while due <= now:
            due += rng.expovariate(rate)
            if len(tasks) >= most:
                continue
            number += 1
            task = asyncio.create_task(client.ask(number, number % 2 == 0))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.sleep(0.002)
    if tasks:
        await asyncio.wait(tasks)
    return number


async def watch(daemon, samples, until):
    began = time.monotonic()
    while time.monotonic() < until:
        descriptors = len(os.listdir(f"/proc/{daemon.pid}/fd"))
        samples.append((time.monotonic() - began, daemon.rss_bytes(), descriptors))
        await asyncio.sleep(2)


def growth(samples, column, seconds):
    """Median of the last fifth against that of the second fifth."""
    second = [s[column] for s in samples if 0.2 * seconds <= s[0] < 0.4 * seconds]
    last = [s[column] for s in samples if s[0] >= 0.8 * seconds]
    return statistics.median(second), statistics.median(last)


async def soak(options, folder):
    rng = random.Random(options.seed)
    first, second, last = Upstream("first"), Upstream("second"), Bedrock("last")
    for upstream in (first, second, last):
        await upstream.listen()
    path = folder / "soak.yaml"
    path.write_text(config.documents(*objects(first, second, last)))
    daemon = await asyncio.to_thread(
        Daemon, folder, path, env={"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "none"})
    client, samples, turns = Client(daemon.port), [], []
    until = time.monotonic() + options.seconds
    number, *_ = await asyncio.gather(
        arrive(client, options.rate, rng, until),
        change_faults((first, second), rng, until, turns), watch(daemon, samples, until))
    client.close()
    await asyncio.sleep(1)
    metrics = await asyncio.to_thread(daemon.metrics)
    status = await asyncio.to_thread(daemon.stop)
    return number, client, samples, turns, metrics, status


def report(options, number, client, samples, turns, metrics, status, more=(), wrong=()):
    """`more`: lines of the caller's; `wrong`: what it has found."""
    latencies = sorted(client.latencies)
    rss = growth(samples, 1, options.seconds)
    fds = growth(samples, 2, options.seconds)
    peak = max(s[1] for s in samples)
    active = total(metrics, "understudy_exchanges_active")
    wrong = list(wrong)
    if client.violations:
        wrong.append(f"{len(client.violations)} violations")
    if sum(client.verdicts.values()) != number:
        wrong.append("not every request has a verdict")
    if rss[1] > rss[0] * 1.05 + (1 << 20):
        wrong.append("memory grows")
    if fds[1] > fds[0] * 1.5 + 50:
        wrong.append("descriptors grow")
    if status != 0 or active != 0:
        wrong.append(f"end: status {status}, {active:g} exchanges left")
    lines = [f"{options.seconds:g} s at {options.rate:g} requests a second, seed {options.seed}, "
             f"{len(turns)} turns of faults: {number} requests",
             "verdicts: " + ", ".join(f"{k} {v}" for k, v in sorted(client.verdicts.items())),
             "latency ms: " + ", ".join(f"p{q} {1000 * latencies[int(q / 100 * (len(latencies) - 1))]:.0f}"
                                        for q in (50, 90, 99, 100)),
             f"memory MiB: second fifth {rss[0] / 2**20:.1f}, last fifth {rss[1] / 2**20:.1f}, "
             f"peak {peak / 2**20:.1f}; descriptors {fds[0]:.0f} and {fds[1]:.0f}",
             "attempts " + f"{total(metrics, 'understudy_attempts_total'):g}"
             + f", ejections {total(metrics, 'understudy_ejections_total'):g}",
             *more, *client.violations[:20], "FAILED: " + "; ".join(wrong) if wrong else "held"]
    text = "\n".join(lines)
    print(text)
    if options.report:
        pathlib.Path(options.report).write_text(json.dumps(
            {"text": lines, "turns": turns, "samples": samples, "violations": client.violations}))
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("seconds", nargs="?", type=float, default=900)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak") as folder:
        return report(options, *asyncio.run(soak(options, pathlib.Path(folder))))


if __name__ == "__main__":
    sys.exit(main())
