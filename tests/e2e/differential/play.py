"""Plays schedules to Envoy and to understudy, at the same time, and tells what each of them did."""
import asyncio
import contextlib
import gc
import itertools
import math
import statistics
import time

from differential.proxies import Envoy, Understudy
from differential.stage import Stage
from differential.trace import Grid
from harness.daemon import SLOWNESS

SPREAD = 0.1  # of a sweep, so that not all schedules send at the same moment
CALIBRATIONS, CALIBRATION_GAP_S = 3, 0.9


async def play_batches(schedules, envoy_binary, folder, at_once):
    """{name: (Envoy's trace, understudy's trace)} of the schedules, `at_once` of them together."""
    traces = {}
    batches = math.ceil(len(schedules) / at_once * SLOWNESS)
    for number in range(batches):
        traces |= await play_all(schedules[number::batches], envoy_binary, folder / str(number))
    return traces


async def play_all(schedules, envoy_binary, folder):
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
        await asyncio.sleep(max(CALIBRATIONS * CALIBRATION_GAP_S,
                                *(s.interval_s + 0.3 for s in schedules)))
        begin = time.monotonic() + 0.5
        for proxy in proxies:
            await put_on_grids(proxy, stages[proxy], begin)
        with no_pauses():
            await asyncio.gather(*(stage.play() for stage in every))
        calibrating.cancel()
        await asyncio.sleep(0.3)  # what is still to be told and written
        for proxy in proxies:
            await proxy.collect(stages[proxy])
    finally:
        for stage in every:
            for server in stage.servers:
                server.stop()
        for proxy in proxies:
            await proxy.stop()
    return {s.name: tuple(stages[p][n].trace for p in proxies) for n, s in enumerate(schedules)}


async def put_on_grids(proxy, stages, begin):
    """Each schedule starts with the first sweep of its detector after `begin`. All the detectors of
    a proxy are late by the same share, each time."""
    grids = await asyncio.gather(*(proxy.grid(stage) for stage in stages))
    drift = statistics.median(g.period / s.schedule.interval_s for g, s in zip(grids, stages))
    for number, (stage, grid) in enumerate(zip(stages, grids)):
        stage.grid = Grid(grid.zero, drift * stage.schedule.interval_s).moved_to(begin)
        stage.shift = SPREAD * (number / len(stages) - 0.5)


@contextlib.contextmanager
def no_pauses():
    """Collecting garbage takes long in a process that holds as much as the test suite's."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def keep_calibrating(stages):
    """Envoy's sweeps drift; the calibrator's returns tell where they are, all the time."""
    for number in itertools.count():
        for stage in stages:
            await stage.calibrate()
        await asyncio.sleep(CALIBRATION_GAP_S if number < CALIBRATIONS else 3 * CALIBRATION_GAP_S)
