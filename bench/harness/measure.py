"""The measurements themselves, in rounds: in each round every peer does everything once, in a new order."""

import time

from . import processes
from .scenarios import IDLE_CONNECTIONS, OPEN_STREAMS


def settle(peer):
    """Waits until logs are written and counters stand still."""
    if peer.process is not None:
        time.sleep(0.1)


def one_scenario(scenario, peer, load, is_quick):
    arguments = scenario.arguments(peer, is_quick)
    before = peer.cpu_ns()
    result = load.run(f"{peer.name}, {scenario.key}", **arguments)
    settle(peer)
    spent = peer.cpu_ns() - before
    done = result["events"] if scenario.per == "chunk" else result["finished"]
    figures = {"cpu_us": spent / 1000 / done, "count": done}
    if result["p50_us"]:
        figures |= {"p50_us": result["p50_us"], "p99_us": result["p99_us"]}
    return figures


def serves(scenario, peer):
    if scenario.is_ours:
        return peer.translates
    if scenario.upstream == "bedrock":
        return peer.translates or peer.name == "direct"
    return scenario.upstream != "tls" or peer.speaks_tls


def load_rounds(peers, scenarios, load, rounds, is_quick, say):
    """{scenario: {peer: [figures of each round]}}, all peers up at once."""
    results = {scenario.key: {} for scenario in scenarios}
    try:
        for peer in peers:
            peer.start()
        for peer in peers:
            if peer.process is not None:
                peer.wait_ready(load)
        for number in range(-1, rounds):  # round -1 only warms up
            order = peers[number % len(peers):] + peers[:number % len(peers)]
            for scenario in scenarios:
                for peer in order:
                    if not serves(scenario, peer):
                        continue
                    figures = one_scenario(scenario, peer, load, is_quick or number < 0)
                    if number >= 0:
                        results[scenario.key].setdefault(peer.name, []).append(figures)
            say(f"load: round {number + 1} of {rounds}")
    finally:
        for peer in peers:
            peer.stop()
    return results


def held_memory(peer, load, connections, reply, pause):
    """KiB of resident memory per held connection, in a fresh process; also its idle size in MiB."""
    peer.start()
    try:
        common = {"port": peer.port("plain"), "model": peer.model("plain")}
        processes.wait_until(lambda: is_listening(peer), 20, f"{peer.name} listens")
        time.sleep(0.7)
        idle = peer.memory_kib()
        load.run(peer.name, reply="json:1024", connections=4, requests=200, **common)
        load.run(peer.name, reply="sse:20:100:1000", connections=4, requests=40, **common)
        base = peer.memory_kib()

        def measure():
            time.sleep(pause)
            return peer.memory_kib()

        held = load.hold(f"{peer.name}, held", measure, reply=reply, connections=connections, **common)
    finally:
        peer.stop()
    return (held["rss"] - base["rss"]) / connections, idle


def is_listening(peer):
    """Asks the kernel's table, so that the process sees no connection before it is measured."""
    wanted = f"0100007F:{peer.port('plain'):04X}"
    anywhere = f"00000000:{peer.port('plain'):04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as lines:
            for line in lines:
                fields = line.split()
                local, state = fields[1], fields[3]
                is_same_port = local in (wanted, anywhere) or (
                    table.endswith("6") and local.endswith(f":{peer.port('plain'):04X}"))
                if is_same_port and state == "0A":
                    return True
    return False


def standing_rounds(peers, load, rounds, say):
    """{figure: {peer: [value of each round]}} of memory and start."""
    results = {}

    def note(figure, peer, value):
        results.setdefault(figure, {}).setdefault(peer.name, []).append(value)

    for number in range(rounds):
        for peer in peers:
            if peer.name == "direct":
                continue
            note("first_ms", peer, load.first(
                f"{peer.name}, start", peer.command(), peer.log, peer.env,
                port=peer.port("plain"), model=peer.model("plain")))
            per_connection, idle = held_memory(peer, load, IDLE_CONNECTIONS, "json:1024", 2.5)
            per_stream, _ = held_memory(peer, load, OPEN_STREAMS, "sse:1000000:100:100000", 2.0)
            note("idle_mib", peer, idle["rss"] / 1024)
            note("idle_pss_mib", peer, idle["pss"] / 1024)
            note("idle_connection_kib", peer, per_connection)
            note("open_stream_kib", peer, per_stream)
        say(f"memory and start: round {number + 1} of {rounds}")
    return results
