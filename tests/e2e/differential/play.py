"""Plays schedules to Envoy and to understudy, at the same time, and tells what each of them did."""
import asyncio
import itertools
import math
import time

from differential.proxies import Envoy, Understudy
from differential.stage import Stage
from harness.daemon import SLOWNESS

MAX_AT_ONCE = 75
SPREAD = 0.1  # of a sweep
CALIBRATIONS, CALIBRATION_GAP_S = 3, 0.9


async def play_batches(schedules, envoy_binary, folder):
    """{name: (Envoy's trace, understudy's trace)} of the schedules, as many at once as one Python
    process can play on time."""
    traces = {}
    batches = math.ceil(len(schedules) / MAX_AT_ONCE * SLOWNESS)
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
        await asyncio.gather(*(start(stage, number / len(schedules))
                               for proxy in proxies for number, stage in enumerate(stages[proxy])))
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


async def start(stage, share):
    """Plays it once the proxy's sweeps are known. Not all schedules send at the same moment."""
    await asyncio.sleep(max(CALIBRATIONS * CALIBRATION_GAP_S, stage.schedule.interval_s + 0.3) + share)
    grid = await stage.proxy.grid(stage)
    stage.grid = grid.moved_to(time.monotonic() + 0.3)
    stage.shift = SPREAD * (share - 0.5)
    await stage.play()


async def keep_calibrating(stages):
    """Envoy's sweeps drift; the calibrator's returns tell where they are, all the time."""
    for number in itertools.count():
        for stage in stages:
            await stage.calibrate()
        await asyncio.sleep(CALIBRATION_GAP_S if number < CALIBRATIONS else 3 * CALIBRATION_GAP_S)
