"""All scenarios against one form: one daemon and one wall, as the referee has them. Short ones go one after
the other, those that wait for minutes beside them."""
import concurrent.futures
import threading
import time

from harness.daemon import Daemon

from .catalogue import FALLBACK, SCENARIOS, Facts, judge
from .client import call
from .forms import FORMS
from .wall import OUTAGE, Wall

LONG = ("S15", "S09", "S06", "S07")
SEQUENCE, EVERY, LIMIT_OF_ONE = 20, 4.0, 30.0


class Row:
    """The verdicts of one form, each a future."""

    def __init__(self, form, folder):
        folder.mkdir()
        self.form = form
        self.wall = Wall()
        path = folder / "config.yaml"
        path.write_text(FORMS[form](self.wall.port))
        self.daemon = Daemon(folder, path)
        self.verdicts = {s.id: concurrent.futures.Future() for s in SCENARIOS}
        by_id = {s.id: s for s in SCENARIOS}
        queues = [[by_id[i]] for i in LONG]
        queues.append([s for s in SCENARIOS if s.id not in LONG])
        self.threads = [threading.Thread(target=self.play, args=(queue,)) for queue in queues]
        for thread in self.threads:
            thread.start()

    def play(self, scenarios):
        for scenario in scenarios:
            try:
                self.verdicts[scenario.id].set_result(self.verdict(scenario))
            except Exception as error:  # told by the test that asks for this cell
                self.verdicts[scenario.id].set_exception(error)

    def verdict(self, scenario):
        facts = self.sequence(scenario) if scenario.is_sequence else self.single(scenario)
        probe = call(self.daemon.port, FALLBACK, f"{self.form}-{scenario.id}-alive", 10, is_stream=False)
        facts.is_alive = probe.outcome == "success" and probe.is_whole
        return judge(scenario, facts)

    def single(self, scenario):
        began = time.monotonic()
        name = f"{self.form}-{scenario.id}"
        return self.facts(scenario, began, [name], call(self.daemon.port, scenario.model, name,
                                                        scenario.limit))

    def sequence(self, scenario):
        began = time.monotonic()
        self.wall.outage_ends = began + OUTAGE
        names, replies, asked_at = [], [], []
        for number in range(SEQUENCE):
            time.sleep(max(0.0, began + number * EVERY - time.monotonic()))
            names.append(f"{self.form}-{scenario.id}-{number}")
            asked_at.append(time.monotonic() - began)
            replies.append(call(self.daemon.port, scenario.model, names[-1], LIMIT_OF_ONE))
        worst = next((r for r in replies if r.outcome == "hang"),
                     next((r for r in replies if r.outcome == "error"), replies[-1]))
        facts = self.facts(scenario, began, names, worst)
        facts.is_whole = all(r.is_whole for r in replies)
        in_outage = [r for at, r in zip(asked_at, replies) if at < OUTAGE]
        facts.asked_in_outage = len(in_outage)
        facts.served_in_outage = sum(r.outcome == "success" for r in in_outage)
        facts.probes = sum(at < OUTAGE for at in facts.primary)
        back = [s.time - began for s in self.wall.seen(scenario.model, names) if s.what == "200"]
        facts.back_after = min(back) - OUTAGE if back else None
        facts.seconds = time.monotonic() - began
        return facts

    def facts(self, scenario, began, names, reply):
        fallback = self.wall.seen(scenario.fallback, names)
        return Facts(
            reply.outcome, reply.is_whole, reply.seconds, reply.error, reply.model, reply.usage,
            [s.time - began for s in self.wall.seen(scenario.model, names)],
            [s.time - began for s in fallback], sum(s.what == "prefill" for s in fallback))

    def stop(self):
        for thread in self.threads:
            thread.join()
        code = self.daemon.stop()
        self.wall.provider.stop()
        assert not self.wall.provider.errors, self.wall.provider.errors
        assert code == 0, self.daemon.logs()
