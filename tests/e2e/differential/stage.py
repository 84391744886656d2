"""One schedule on one proxy: its upstream servers, its requests, and what came of them."""
import asyncio
import json
import math
import time

from differential.model import CALIBRATOR
from differential.trace import Answer, Ejection, Trace
from differential.upstreams import Server

LATE_S = 0.05  # a request sent later than this after its planned time spoils the play
NEAR_S = 0.06  # nor may a sweep fall this near to what was not planned to meet one
APART = 0.05  # sweeps between requests that are not meant to overlap
HAND_OFF_S = 0.006  # in Envoy, from a failed attempt to its ejection being in force


async def until(moment):
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


async def ask(port, body, headers):
    """(status, whether the body was whole); status 0: no answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        fields = {"host": "gateway.example", "content-type": "application/json",
                  "connection": "close", "content-length": len(body), **headers}
        head = "".join(f"{k}: {v}\r\n" for k, v in fields.items())
        writer.write(f"POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n".encode() + body)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            fields = dict(line.split(b": ", 1) for line in lines[1:] if line)
            status = int(lines[0].split(b" ")[1])
        except (ConnectionError, asyncio.IncompleteReadError):
            return 0, False
        assert b"transfer-encoding" not in fields, "nobody here sends chunks"
        try:
            await reader.readexactly(int(fields[b"content-length"]))
        except (ConnectionError, asyncio.IncompleteReadError):
            return status, False
        return status, True
    finally:
        writer.close()


def model_fields(model):
    """What Agent Router's own filter would have taken from the body, and what an HTTPRoute matches."""
    return {"x-ai-eg-model": model, "x-model": model}


class Stage:
    """One proxy and one schedule: its servers, its requests, its trace."""

    def __init__(self, proxy, schedule, calibrator_port):
        self.proxy, self.schedule = proxy, schedule
        self.servers = [Server(plan) for _, _, plan in schedule.hosts]
        self.text = schedule.documents([s.port for s in self.servers], calibrator_port)
        self.text_for_envoy = self.text
        if schedule.tampered:
            self.text_for_envoy = self.text.replace(*schedule.tampered)
            assert self.text_for_envoy != self.text
        self.name_of_port = {s.port: name for s, (name, _, _) in zip(self.servers, schedule.hosts)}
        self.port = None  # the proxy's listener
        self.grid = None
        self.shift = 0.0  # of its requests, in sweeps
        self.trace = Trace()

    async def calibrate(self):
        body = json.dumps({"model": CALIBRATOR, "messages": []}).encode()
        await ask(self.port, body, model_fields(CALIBRATOR))

    async def play(self):
        requests = self.schedule.requests
        self.trace.answers = await asyncio.gather(
            *(self.send(number, request) for number, request in enumerate(requests)),
            *(self.follow(server) for server in self.servers if server.plan.is_timed))
        self.trace.answers = self.trace.answers[:len(requests)]
        await until(self.grid.time(self.schedule.length))

    async def send(self, number, request):
        planned = self.grid.time(request.at + self.shift)
        await until(planned)
        began = time.monotonic()
        if began > planned + LATE_S:
            self.trace.noise.append(f"request {number} was sent {began - planned:.3f} s late")
        status, is_whole = await ask(self.port, self.schedule.body(request), {
            "x-probe": self.probe(number), "x-request-id": self.probe(number), **model_fields("m")})
        return Answer(status, is_whole, began, time.monotonic())

    async def follow(self, server):
        for position, action in server.plan.actions.items():
            if position == 0:
                continue
            planned = self.grid.time(position)
            await until(planned)
            await server.switch(action)
            if time.monotonic() > planned + LATE_S:
                self.trace.noise.append(f"a server changed late, at {position}")

    def probe(self, number):
        return f"{self.schedule.name}-{number:04}"

    def finish(self, attempts, flags, events, grid):
        """Turns moments into positions on the grid as it really was."""
        made = [attempts.get(self.probe(n), []) for n in range(len(self.schedule.requests))]
        self.check_counts(made)
        self.leave_out_overtaken(made, [(h, at) for kind, h, at in events if kind == "eject"])
        self.trace.attempts = [[a.host for a in all_] for all_ in made]
        for number, answer in enumerate(self.trace.answers):
            answer.flags = flags[self.probe(number)]
            answer.began, answer.ended = grid.position(answer.began), grid.position(answer.ended)
        for kind, host, moment in events:
            position = grid.position(moment)
            if kind == "eject":
                self.trace.ejections.append(Ejection(host, position, None))
                continue
            open_ones = [e for e in self.trace.ejections if e.host == host and e.back is None]
            open_ones[0].back = self.proxy.sweep_of_return(position)
        self.judge_noise(grid)

    def check_counts(self, made):
        """What the proxy's log says must be what its servers saw."""
        for server, (name, _, plan) in zip(self.servers, self.schedule.hosts):
            if plan.may_refuse:
                continue
            told = sum(a.host == name for all_ in made for a in all_)
            assert told == len(server.seen), \
                    f"{self.proxy.name}, {self.schedule.name}: {name} saw {server.seen}, not {told}"

    def leave_out_overtaken(self, made, ejections):
        """Envoy publishes an ejection from another thread. A retry within a few milliseconds may
        still meet the ejected host; the policy means it not to, and understudy does not."""
        if self.schedule.compares == "number":
            return
        for number, all_ in enumerate(made):
            for before, attempt in list(zip(all_, all_[1:])):
                if attempt.began is None or attempt.host != before.host \
                        or attempt.began - before.ended > HAND_OFF_S \
                        or not any(host == attempt.host and abs(attempt.began - at) < HAND_OFF_S
                                   for host, at in ejections):
                    continue
                is_decisive = len(all_) > self.schedule.retries or self.schedule.is_steered
                if is_decisive or not self.schedule.ejects_at_once:
                    self.trace.noise.append(f"a retry of request {number} overtook an ejection")
                    continue
                all_.remove(attempt)
                self.trace.overtaken += 1

    def judge_noise(self, grid):
        """A request that met a sweep, or another request, that it was not planned to meet."""
        near = NEAR_S / grid.period
        pairs = list(zip(self.schedule.requests, self.trace.answers))
        for number, (request, answer) in enumerate(pairs):
            begin, end = answer.began, max(answer.began, answer.ended - request.lasts)
            if self.schedule.is_swept and math.floor(begin - near) != math.floor(end + near):
                self.trace.noise.append(
                    f"request {number} ran from {answer.began:.2f} to {answer.ended:.2f} sweeps")
        for number, ((request, answer), (later, its)) in enumerate(zip(pairs, pairs[1:])):
            if later.at > request.at + request.lasts + APART and its.began < answer.ended:
                self.trace.noise.append(f"request {number + 1} began before {number} had ended")
