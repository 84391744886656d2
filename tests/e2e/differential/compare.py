"""What must be the same of two traces, and how a difference is told.

Where chance decides by design (the first host of a round, the choice between priorities), only what it
leaves determined is compared. `compares` of a schedule says how much that is:

hosts     every attempt's host
twins     hosts of a priority with equal plans may stand for each other, over the whole schedule
request   … and anew in each request: the order within the request counts
windows   requests between the same two sweeps may change places, too
counts    how many attempts each host had between two sweeps
number    how many attempts each request had
"""
import collections
import itertools


class Twins:
    """Gives hosts that cannot be told apart the same names in the order of their appearance."""

    def __init__(self, schedule):
        self.kinds, self.names = {}, {}
        plans = []
        for name, priority, plan in schedule.hosts:
            if (priority, plan) not in plans:
                plans.append((priority, plan))
            self.kinds[name] = f"p{priority}.{plans.index((priority, plan))}"
        self.counters = collections.defaultdict(itertools.count)

    def kind(self, host):
        return self.kinds[host]

    def name(self, host):
        if host not in self.names:
            kind = self.kinds[host]
            self.names[host] = f"{kind}#{next(self.counters[kind])}"
        return self.names[host]

    def forget(self):
        self.names.clear()
        self.counters.clear()


def attempts(schedule, trace):
    """The attempts of each request (or window), as far as they are determined."""
    mode = schedule.compares
    twins = Twins(schedule)
    if mode == "hosts":
        return trace.attempts
    if mode == "number":
        return [len(made) for made in trace.attempts]
    if mode == "counts":
        counted = collections.defaultdict(collections.Counter)
        for request, made in zip(schedule.requests, trace.attempts):
            counted[int(request.at)].update(made)
        return [(window, sorted(c.items())) for window, c in sorted(counted.items())]
    told = []
    for made in trace.attempts:
        if mode != "twins":
            twins.forget()
        told.append([twins.name(host) for host in made])
    if mode != "windows":
        return told
    return by_window(schedule, told)


def by_window(schedule, values):
    windows = collections.defaultdict(list)
    for request, value in zip(schedule.requests, values):
        windows[int(request.at)].append(value)
    return [(window, sorted(these)) for window, these in sorted(windows.items())]


def statuses(schedule, trace):
    # How a broken answer is marked in the log is each proxy's own.
    told = [(a.status, a.flags if a.is_whole else "cut") for a in trace.answers]
    return by_window(schedule, told) if schedule.compares in ("windows", "counts") else told


def ejections(schedule, trace):
    """Who was ejected in which sweep's time, and which sweep brought it back (None: none so far)."""
    twins = Twins(schedule)
    if schedule.compares == "twins":
        for made in trace.attempts:
            for host in made:
                twins.name(host)
    name = {"hosts": str, "counts": str, "twins": twins.name}.get(schedule.compares, twins.kind)
    # By rate a host is ejected at a sweep, by its answers somewhere between two.
    return sorted((int(e.at + 0.05), name(e.host), e.back if e.back and e.back <= schedule.length else None)
                  for e in trace.ejections)


def differences(schedule, envoy, understudy):
    """Lines `what: Envoy's | understudy's`; empty when the traces are the same."""
    found = []
    for what, view in (("answer", statuses), ("attempts", attempts), ("ejection", ejections)):
        theirs, ours = view(schedule, envoy), view(schedule, understudy)
        for number, (e, u) in enumerate(itertools.zip_longest(theirs, ours)):
            if e != u:
                found.append(f"{what} {number}: {told(e)} | {told(u)}")
    return found


def is_left_to_chance(trace):
    """Whether Envoy may or may not have lowered a multiplier that mattered: the first sweep after a
    return does so by chance, and it takes one sweep more than the multiplier until it is 0 anyway."""
    multipliers, returns = collections.defaultdict(int), {}
    for ejection in sorted(trace.ejections, key=lambda e: e.at):
        host = ejection.host
        sweeps = int(ejection.at) - returns[host] if host in returns else 0
        if 1 <= sweeps <= multipliers[host]:
            return True
        multipliers[host] = max(0, multipliers[host] - sweeps) + 1
        if ejection.back is not None:
            returns[host] = ejection.back
    return False


def told(value):
    if isinstance(value, (list, tuple)):
        return " ".join(map(told, value)) if value else "nothing"
    return str(value)
