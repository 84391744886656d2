"""Turns the rounds into tables and says where the targets are met."""

import os
import platform
import statistics
from pathlib import Path

from .scenarios import SCENARIOS, STANDING, UNTOUCHED_STREAM

# (figure, peer compared with or None for an absolute bound, bound)
TARGETS = [
    ("unary-64", "nginx", 1.0),
    ("unary-64", "envoy", 0.3),
    ("sse-flood", "nginx", 1.3),
    ("sse-paced", "nginx", 1.3),
    ("idle_connection_kib", None, 8.0),
    ("open_stream_kib", None, 32.0),
    ("idle_mib", None, 12.0),
    ("first_ms", None, 30.0),
]


def machine():
    cpu = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release().split("-")[0],
        "system": system,
    }


def spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def digits(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def shown(values):
    figures = spread(values)
    return f"{digits(figures['median'])} ({digits(figures['min'])}–{digits(figures['max'])})"


def ratios(mine, theirs):
    return [a / b for a, b in zip(mine, theirs) if b > 0]


def row(title, cells):
    return "| " + " | ".join([title, *cells]) + " |"


def table(head, rows):
    return "\n".join([row(head[0], head[1:]), row("---", ["---:"] * (len(head) - 1)), *rows])


def cost_table(results, names):
    peers = [name for name in names if name != "direct"]
    rows = []
    for scenario in SCENARIOS:
        if scenario.key not in results["load"]:
            continue
        by_peer = results["load"][scenario.key]
        if not set(peers) & set(by_peer):
            continue
        rows.append(row(f"{scenario.title}, per {scenario.per}", [
            shown([one["cpu_us"] for one in by_peer[name]]) if name in by_peer else "" for name in peers]))
    return table(["CPU µs", *peers], rows)


def ratio_table(results, names):
    """Ratios taken within each round, then the median of them."""
    if "understudy" not in names:
        return ""
    peers = [name for name in names if name not in ("direct", "understudy")]
    rows = []
    for scenario in SCENARIOS:
        by_peer = results["load"].get(scenario.key, {})
        if "understudy" not in by_peer or len(by_peer) < 2 or scenario.is_translated:
            continue
        mine = [one["cpu_us"] for one in by_peer["understudy"]]
        rows.append(row(f"{scenario.title}, per {scenario.per}", [
            shown(ratios(mine, [one["cpu_us"] for one in by_peer[name]])) if name in by_peer else ""
            for name in peers]))
    return table(["understudy's CPU as a share of", *peers], rows)


def translation_table(results):
    """A translated chunk beside an untouched one, both through understudy in the same round."""
    untouched = results["load"].get(UNTOUCHED_STREAM, {}).get("understudy")
    rows = []
    for scenario in SCENARIOS:
        mine = results["load"].get(scenario.key, {}).get("understudy")
        if untouched and mine and scenario.is_ours:
            rows.append(row(f"{scenario.title}, per chunk", [
                shown(ratios(*([one["cpu_us"] for one in rounds] for rounds in (mine, untouched))))]))
    return table(["understudy's CPU per chunk", "÷ untouched"], rows) if rows else ""


def latency_table(results, names):
    peers = [name for name in names if name != "direct"]
    rows = []
    for scenario in SCENARIOS:
        by_peer = results["load"].get(scenario.key, {})
        base = by_peer.get("direct", [])
        for quantile in ("p50_us", "p99_us"):
            if not base or quantile not in base[0] or not set(peers) & set(by_peer):
                continue
            cells = []
            for name in peers:
                mine = [one[quantile] for one in by_peer.get(name, []) if quantile in one]
                cells.append(shown(ratios(mine, [one[quantile] for one in base])) if mine else "")
            note = f" ({scenario.note})" if scenario.note else ""
            rows.append(row(f"{scenario.title}{note}, {quantile[:3]}", cells))
    return table(["latency ÷ direct", *peers], rows)


def standing_table(results, names):
    peers = [name for name in names if name != "direct"]
    rows = []
    for key, title, unit in STANDING:
        by_peer = results["standing"].get(key)
        if by_peer:
            rows.append(row(f"{title}, {unit}", [
                shown(by_peer[name]) if name in by_peer else "" for name in peers]))
    return table(["memory and start", *peers], rows) if rows else ""


def target_table(results):
    rows = []
    titles = {one.key: one.title for one in SCENARIOS} | {key: title for key, title, _ in STANDING}
    units = {key: unit for key, _, unit in STANDING}
    for figure, peer, bound in TARGETS:
        if peer is None:
            values = results["standing"].get(figure, {}).get("understudy")
            wanted = f"≤ {bound:g} {units[figure]}"
        else:
            by_peer = results["load"].get(figure, {})
            values = None
            if "understudy" in by_peer and peer in by_peer:
                values = ratios([one["cpu_us"] for one in by_peer["understudy"]],
                                [one["cpu_us"] for one in by_peer[peer]])
            wanted = f"CPU ≤ {bound:g} × {peer}"
        if values:
            verdict = "met" if statistics.median(values) <= bound else "**missed**"
            rows.append(row(titles[figure], [wanted, shown(values), verdict]))
    return table(["target", "wanted", "measured", ""], rows) if rows else ""


def markdown(results):
    names = list(results["peers"])
    here = results["machine"]
    peers = "\n".join(f"- {name}: {said}" for name, said in results["peers"].items())
    parts = [
        "# Benchmark results",
        f"{results['date']}, {results['rounds']} rounds{' (quick)' if results['is_quick'] else ''}; "
        f"{here['cpu']}, {here['cores']} cores, Linux {here['kernel']}, {here['system']}. "
        "Median of the rounds, in parentheses the smallest and the largest.",
        peers,
        target_table(results),
        "## CPU per unit of work\n\nUser and system time of the proxy's own processes.\n\n"
        + cost_table(results, names),
        ratio_table(results, names),
        translation_table(results),
        "## Latency\n\nThrough the proxy, divided by the same without a proxy in the same round. At 64 "
        "connections and in streams without pause a queue is measured, not a distance.\n\n"
        + latency_table(results, names),
        "## Memory and start\n\n" + standing_table(results, names) if results["standing"] else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
