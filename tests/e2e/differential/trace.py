"""What a proxy did, and when, in sweeps of its own ejection detector."""
import dataclasses
import datetime
import math
import time

# What the clock of the logs is ahead of the monotonic one.
WALL = time.time() - time.monotonic()


@dataclasses.dataclass
class Attempt:
    host: str
    began: float | None = None  # monotonic, as `ended`; Envoy's only
    ended: float | None = None


@dataclasses.dataclass
class Answer:
    status: int
    is_whole: bool
    began: float  # sweeps
    ended: float
    flags: str = "-"  # of the access log, in Envoy's letters


@dataclasses.dataclass
class Ejection:
    host: str
    at: float  # sweeps
    back: int | None  # the number of the sweep that returned it


@dataclasses.dataclass
class Trace:
    """What one proxy made of one schedule."""
    answers: list = dataclasses.field(default_factory=list)
    attempts: list = dataclasses.field(default_factory=list)  # per request: [host]
    overtaken: int = 0  # Envoy's attempts that were faster than the news of an ejection
    ejections: list = dataclasses.field(default_factory=list)
    noise: list = dataclasses.field(default_factory=list)  # why this play cannot be trusted


@dataclasses.dataclass
class Grid:
    """Where a proxy's sweeps fall: number 0 at `zero` (monotonic), one every `period`."""
    zero: float
    period: float

    def time(self, position):
        return self.zero + position * self.period

    def position(self, moment):
        return (moment - self.zero) / self.period

    def moved_to(self, moment):
        """The same grid, counted from its first sweep after `moment`."""
        sweeps = math.floor(self.position(moment)) + 1
        return Grid(self.time(sweeps), self.period)


def moment(timestamp):
    """Monotonic seconds of an ISO time in UTC."""
    return datetime.datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp() - WALL


def fitted(sweeps, interval):
    """The grid of which the moments `sweeps` are some, by least squares: Envoy's period is the
    interval and whatever its timers are late each time."""
    assert sweeps, "no sweep was seen"
    numbers = [0]
    for before, after in zip(sweeps, sweeps[1:]):
        numbers.append(numbers[-1] + round((after - before) / interval))
    mean_n, mean_t = sum(numbers) / len(numbers), sum(sweeps) / len(sweeps)
    period = interval
    if len(sweeps) > 2:
        period = (sum((n - mean_n) * (t - mean_t) for n, t in zip(numbers, sweeps))
                  / sum((n - mean_n) ** 2 for n in numbers))
    return Grid(mean_t + (numbers[-1] - mean_n) * period, period)  # counted from the last one
