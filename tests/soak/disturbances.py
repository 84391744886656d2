"""What an operator's day does to a daemon, each for real, each proven by what the daemon says.

A disturbance is a coroutine of a Stage. It leaves things as it found them, and raises AssertionError
where the daemon shows no sign that it happened, or that it is over.
"""
import asyncio
import os
import resource
import signal
import socket
import time

HOLD = 4.0  # seconds that something stays broken
PATIENCE = 30.0  # for a sign; the machine may be busy
REQUESTS = 50_000_000  # numbers of the requests of our own

ALL = {}


def disturbance(name, needs=None):
    def note(function):
        ALL[name] = (function, needs)
        return function
    return note


async def until(claim, what, patience=PATIENCE):
    """The first truthy value of claim(), which may be a coroutine function."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while True:
        value = claim()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert loop.time() < deadline, f"no sign of {what} within {patience:g} s"
        await asyncio.sleep(0.1)


async def grows(stage, name, act, **labels):
    """Does `act` and waits until the metric has grown."""
    before = await stage.metric(name, **labels)
    if act is not None:
        value = act()
        if asyncio.iscoroutine(value):
            await value

    async def has_grown():
        return await stage.metric(name, **labels) > before
    await until(has_grown, f"{name} {labels}")


def reloads(stage, act, result="accepted"):
    return grows(stage, "understudy_reloads_total", act, result=result)


# ---- reloads ------------------------------------------------------------------------------------


@disturbance("reload: SIGHUP")
async def by_signal(stage):
    await reloads(stage, lambda: os.kill(stage.daemon.pid, signal.SIGHUP))


@disturbance("reload: the file changes")
async def by_file(stage):
    await reloads(stage, stage.write_config)


@disturbance("reload: POST /reload")
async def by_admin(stage):
    async def post():
        status, text = await stage.admin("/reload", "POST")
        assert status == 200, text
    await reloads(stage, post)


@disturbance("reload: a file that must be refused")
async def refused(stage):
    text = stage.valid_config()
    for broken in (text[:len(text) // 2], text.replace('"backendRefs"', '"backendReefs"')):
        await reloads(stage, lambda: stage.write_config(broken), "refused")  # pylint: disable=W0640
        await asyncio.sleep(1)
    await reloads(stage, stage.write_config)


# ---- the collector ------------------------------------------------------------------------------


async def collector(stage, fault):
    await until(lambda: stage.collector.spans, "spans")
    await grows(stage, "understudy_trace_spans_dropped_total",
                lambda: stage.collector.become(fault))
    await asyncio.sleep(HOLD)
    await stage.collector.become("good")
    taken = stage.collector.spans
    await until(lambda: stage.collector.spans > taken + 50, "spans after the collector is back")


@disturbance("collector: killed")
async def collector_killed(stage):
    await collector(stage, "refuse")


@disturbance("collector: hangs")
async def collector_hangs(stage):
    await collector(stage, "hang")


@disturbance("collector: 503")
async def collector_refuses(stage):
    await collector(stage, "status 503")


# ---- the access log -----------------------------------------------------------------------------


def reopen(stage):
    os.kill(stage.daemon.pid, signal.SIGUSR1)


async def writes(stage):
    path = stage.on_disk(stage.log)

    def size():
        return path.stat().st_size if path.exists() else 0
    before = size()
    await until(lambda: size() > before, "new lines in the access log")


@disturbance("access log: disk full", needs="root")
async def disk_full(stage):
    filler = stage.on_disk(stage.log.parent) / "filler"

    def fill():
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
    try:
        await grows(stage, "understudy_access_log_dropped_total", fill)
        await asyncio.sleep(HOLD)
        await grows(stage, "understudy_access_log_dropped_total", None)
    finally:
        filler.unlink()
    await writes(stage)


async def begins_anew(stage, path):
    reopen(stage)
    await until(path.is_file, "a new access log")
    await writes(stage)


@disturbance("access log: /dev/full")
async def dev_full(stage):
    path = stage.on_disk(stage.log)
    path.unlink()
    path.symlink_to("/dev/full")
    await grows(stage, "understudy_access_log_dropped_total", lambda: reopen(stage))
    await asyncio.sleep(HOLD)
    path.unlink()
    await begins_anew(stage, path)


@disturbance("access log: moved, SIGUSR1")
async def log_moved(stage):
    path = stage.on_disk(stage.log)
    moved = path.with_suffix(".1")
    path.rename(moved)
    await asyncio.sleep(1)
    await begins_anew(stage, path)
    moved.unlink()


@disturbance("access log: a folder in its place")
async def log_folder(stage):
    path = stage.on_disk(stage.log)
    path.unlink()
    path.mkdir()  # nobody can open it for writing, not even root
    await grows(stage, "understudy_access_log_dropped_total", lambda: reopen(stage))
    await asyncio.sleep(HOLD)
    path.rmdir()
    await begins_anew(stage, path)


# ---- the certificate ----------------------------------------------------------------------------


async def shown(stage):
    """The certificate that a new connection gets."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.https_port, ssl=stage.tls)
    del reader
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return der


class Held:
    """A client with one TLS connection, asked before and after."""

    def __init__(self, stage):
        self.client = type(stage.client)(stage.daemon.port, (stage.https_port, stage.tls))

    async def ask(self):
        """The connection that it was asked on."""
        await self.client.ask(REQUESTS, False)
        assert self.client.verdicts.keys() == {"unary ok"}, self.client.violations
        return self.client.idle[1][0][1]


@disturbance("certificate: rotated")
async def rotated(stage):
    held = Held(stage)
    before = await held.ask()
    new = {}

    async def rotate():
        new["der"] = await asyncio.to_thread(stage.issue)
    await reloads(stage, rotate)

    async def is_new():
        return await shown(stage) == new["der"]
    await until(is_new, "the new certificate")
    assert await held.ask() is before, "the old connection has not lived on"
    held.client.close()


@disturbance("certificate: garbage, then rotated")
async def garbage(stage):
    was = await shown(stage)
    await reloads(stage, lambda: (stage.folder / "tls.crt").write_text("garbage\n"), "refused")
    assert await shown(stage) == was
    await rotated(stage)


# ---- names --------------------------------------------------------------------------------------


async def names(stage, mode, during=None):
    asked, lost, found = stage.names.questions, stage.said("does not resolve"), \
        stage.said("resolves again")
    stage.names.mode = mode
    try:
        await until(lambda: stage.said("does not resolve") > lost, "a name that does not resolve")
        assert stage.names.questions > asked
        if during:
            await during(stage)
        await asyncio.sleep(HOLD)
    finally:
        stage.names.mode = "well"
    await until(lambda: stage.said("resolves again") > found, "a name that resolves again")


@disturbance("DNS: silent", needs="root")
async def dns_silent(stage):
    await names(stage, "silent")


@disturbance("DNS: SERVFAIL", needs="root")
async def dns_servfail(stage):
    await names(stage, "servfail")


@disturbance("DNS: silent, with a reload", needs="root")
async def dns_silent_reload(stage):
    await names(stage, "silent", by_file)


# ---- the clock ----------------------------------------------------------------------------------


async def jump(stage, *offsets):
    try:
        for offset in (*offsets, 0):
            stage.set_clock(offset)
            await until(lambda: abs(stage.collector.last_start - time.time() - offset) < 60,  # pylint: disable=W0640
                        f"a span {offset} s from now (last {stage.collector.last_start:.0f})")
            await asyncio.sleep(2)
    finally:
        stage.set_clock(0)


@disturbance("clock: an hour forward, and back", needs="compiler")
async def clock_forward(stage):
    await jump(stage, 3600)


@disturbance("clock: a day back, a year forward", needs="compiler")
async def clock_far(stage):
    await jump(stage, -86400, 31536000)


# ---- descriptors --------------------------------------------------------------------------------


def knock(port, count):
    """That many connections which say nothing."""
    made = []
    for _ in range(count):
        made.append(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
    return made


async def crowd_at(stage, limit):
    """More clients than `limit` has pairs of descriptors for: who is in is served, the others wait."""
    allowed = await stage.metric("process_max_fds")
    assert allowed == limit, f"the daemon has {allowed:g} descriptors, not {limit}"
    size = limit * 3 // 5
    short = await stage.metric("understudy_attempts_total", outcome="local_shortage")
    crowd = await asyncio.to_thread(knock, stage.daemon.port, size)
    late = type(stage.client)(stage.daemon.port)
    try:
        asks = asyncio.create_task(late.ask(REQUESTS + 1, False))
        await asyncio.sleep(HOLD)
        inside = await stage.metric("understudy_downstream_connections_active")
        assert limit / 4 < inside <= limit / 2, f"{inside:g} of {size} connections are let in"
        assert not asks.done(), f"who came last has not waited: {late.verdicts} {late.violations}"
    finally:
        for one in crowd:
            one.close()
    await asks
    assert late.verdicts == {"unary ok": 1}, f"who waited: {late.violations}"
    late.close()
    short = await stage.metric("understudy_attempts_total", outcome="local_shortage") - short
    assert short == 0, f"{short:g} attempts found no descriptor, although half of them are set aside"


@disturbance("descriptors: at the limit")
async def descriptor_limit(stage):
    await crowd_at(stage, stage.limit)


@disturbance("descriptors: fewer while it runs")
async def fewer_descriptors(stage):
    fewer = stage.limit // 2
    resource.prlimit(stage.daemon.pid, resource.RLIMIT_NOFILE, (fewer, stage.limit))
    try:
        await asyncio.sleep(1)  # the daemon looks four times a second
        await crowd_at(stage, fewer)
    finally:
        resource.prlimit(stage.daemon.pid, resource.RLIMIT_NOFILE, (stage.limit, stage.limit))


# ---- the program itself -------------------------------------------------------------------------


@disturbance("hand-over: SIGUSR2")
async def hand_over(stage):
    """The process before it has to end by itself, when its last client has gone."""
    was = stage.daemon.pid
    await asyncio.to_thread(stage.generations.upgrade)
    await asyncio.to_thread(stage.generations.exit_code, was, 60)


@disturbance("hand-over: while DNS is silent", needs="root")
async def hand_over_without_names(stage):
    lost, found = stage.said("does not resolve"), stage.said("resolves again")
    stage.names.mode = "silent"
    try:
        await hand_over(stage)
        assert stage.said("does not resolve") > lost
    finally:
        stage.names.mode = "well"
    await until(lambda: stage.said("resolves again") > found, "a name that resolves again")
