"""Clients that ask all the time, while something happens to the daemon; each answer is judged."""
import json
import socket
import threading
import time

from harness import raw

CHAT = "/v1/chat/completions"
JSON = [("content-type", "application/json")]
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
STREAM = BODY[:-1] + b',"stream":true}'


class Load:
    """`kept`, `fresh`, `streams`: how many clients of each kind. Stopped and judged on leaving."""

    def __init__(self, port, kept=2, fresh=2, streams=2, pause=0.005):
        self.port, self.pause = port, pause
        self.failures, self.counts = [], {}
        self._ends = threading.Event()
        kinds = [("kept", self._kept)] * kept + [("fresh", self._fresh)] * fresh \
            + [("streams", self._streams)] * streams
        self._threads = [threading.Thread(target=self._run, args=kind) for kind in kinds]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads), "a client hangs"

    def total(self):
        return sum(self.counts.values())

    def judge(self):
        assert not self.failures, f"{len(self.failures)} of {self.total()}: {self.failures[:5]}"
        assert all(self.counts.get(kind, 0) > 0 for kind in ("kept", "fresh", "streams")), self.counts

    def _run(self, kind, one_turn):
        while not self._ends.is_set():
            try:
                one_turn(kind)
            except Exception as error:  # noqa: BLE001  whatever it is, it is a failed request
                self.failures.append((kind, type(error).__name__, str(error)))
            time.sleep(self.pause)

    def _count(self, kind):
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def _fresh(self, kind):
        answer = raw.ask(self.port, "POST", CHAT, BODY, JSON)
        assert answer.status == 200, answer
        json.loads(answer.body)
        self._count(kind)

    def _kept(self, kind):
        """One connection for as long as the daemon keeps it: it ends when an answer says so, and
        never under a request."""
        with raw.Client(self.port) as client:
            while not self._ends.is_set():
                client.send(raw.request("POST", CHAT, BODY, JSON))
                answer = client.response()
                assert answer.status == 200, answer
                self._count(kind)
                if answer.header("connection", "").lower() == "close":
                    return
                time.sleep(self.pause)

    def _streams(self, kind):
        with raw.Client(self.port) as client:
            client.send(raw.request("POST", CHAT, STREAM, JSON))
            answer = client.response()
            assert answer.status == 200 and answer.body.endswith(b"data: [DONE]\n\n"), answer
            self._count(kind)


def is_listening(port):
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
