# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures as Markdown, to be put into docs/benchmarks.md as they are."""

from __future__ import annotations

from benchmarks.admissions import RATE
from tooling.steps import duration


def markdown(figures: dict) -> str:
    """All of it."""
    lines = ["### Converges", "", "```text", *(line[1:] for line in _converges(figures)), "```", ""]
    lines += ["### A whole organisation", "", *_organization(figures["organization"]), ""]
    lines += ["### Admissions", "", *_admissions(figures["admissions"]), ""]
    lines += ["### The webhook's server", "", *_server(figures["server"]), ""]
    lines += ["### Engines", "", *_engines(figures["engines"]), ""]
    lines += ["### Ways to the pods", "", *latency(figures["latency"])]
    return "\n".join(lines)


def _converges(figures: dict) -> list[str]:
    """What a converge costs, and where its time goes."""
    facts = figures["machine"]
    lines = [
        f" Linux {facts['kernel']}, {facts['cores']} cores, {facts['memory_gib']} GiB, load {facts['load']} at the "
        f"start; Python {facts['python']}, ansible-core {facts['ansible_core']}",
        "",
        f" {'':<22}{'converge':>10}{'bare HTTP':>12}{'ratio':>8}{'gcloud':>12}{'ratio':>8}",
        _row("first", figures["first"]),
        _row("nothing to change", figures["unchanged"]),
        _row("first, TLS", {"converge": figures["tls"]["first"]}),
        _row("nothing, TLS", {"converge": figures["tls"]["unchanged"]}),
        "",
        f" first: {figures['writes']} writes at Google, their operations, 3 objects in Kubernetes, one request.",
        f" nothing to change: {figures['reads']} reads at Google, 3 in Kubernetes, one request; "
        f"median of {len(figures['unchanged']['runs'])}, {min(figures['unchanged']['runs']):.1f} to "
        f"{max(figures['unchanged']['runs']):.1f} s.",
        f" TLS: the same site with TLS to the pods; nothing to change takes "
        f"{figures['tls']['unchanged'] / figures['unchanged']['converge']:.2f} times the plain site's.",
        " ratio: converge divided by the other; below 1 the converge is faster.",
    ]
    lines += [f" {line}" for line in figures.get("left_out", [])] or [" gcloud: not run, because it is not installed"]
    lines += ["", " Where a converge with nothing to change spends its time", ""]
    for name, seconds in figures["around"].items():
        lines.append(f" {seconds:7.2f} s  {name}")
    by_action: dict[str, list[float]] = {}
    for task in figures["tasks"]:
        by_action.setdefault(task["action"], []).append(task["seconds"])
    for action, seconds in sorted(by_action.items(), key=lambda item: -sum(item[1])):
        lines.append(f" {sum(seconds):7.2f} s  {len(seconds)} x {action}")
    lines.append(f" {figures['answers']:7.2f} s  of this, Google's answers (as the testbed gives them)")
    lines += ["", " The five longest tasks", ""]
    for task in sorted(figures["tasks"], key=lambda task: -task["seconds"])[:5]:
        lines.append(f" {task['seconds']:7.2f} s  {task['name']}")
    return lines


def _row(name: str, times: dict) -> str:
    """One line of the comparison."""
    line = f" {name:<22}{duration(times['converge']):>10}"
    for other in ("bare", "gcloud"):
        seconds = times.get(other)
        if seconds:
            line += f"{duration(seconds):>12}{times['converge'] / seconds:>8.2f}"
        else:
            line += f"{'not run':>12}{'':>8}"
    return line.rstrip()


def _organization(found: dict) -> list[str]:
    """The table, as Markdown."""
    role, same, each, sample = found["role"], found["same"], found["each"], found["sample"]

    def row(name: str, first: float | None, unchanged: float, beside: dict[str, float], calls: str) -> str:
        shown = [
            f"{seconds:.1f} s | {beside[key] / seconds:.2f}" if seconds else " | "
            for key, seconds in (("first", first), ("unchanged", unchanged))
        ]
        return f"| {name} | {calls} | {' | '.join(shown)} |"

    few, far = sample["objects"], found["far"]
    apart = f"replies {far['seconds'] * 1000:.0f} ms later"
    return [
        "| | calls | first | role to it | nothing to change | role to it |",
        "|---|---|---|---|---|---|",
        row(f"role, {found['objects']} objects", role["first"], role["unchanged"], role, ""),
        row(
            "bare HTTP, the same calls",
            same["first"],
            same["unchanged"],
            role,
            f"{same['writes']} writes; {same['reads']} reads",
        ),
        row("bare HTTP, every object", None, each["unchanged"], role, f"{each['reads']} reads"),
        row(f"role, {apart}", None, far["role"], {"unchanged": far["role"]}, ""),
        row(f"bare HTTP, the same calls, {apart}", None, far["same"], {"unchanged": far["role"]}, ""),
        row(f"bare HTTP, every object, {apart}", None, far["each"], {"unchanged": far["role"]}, ""),
        row(f"role, {few} objects", *sample["role"].values(), sample["role"], ""),
        row(f"one task per object, {few} objects", *sample["tasks"].values(), sample["role"], ""),
    ]


def _admissions(found: dict[str, dict[str, float]]) -> list[str]:
    """The table, as Markdown."""
    bare = found["bare"]
    lines = [
        "| Dry run of a pod | p50 | p99 | p50 to bare | CPU of the webhook | Memory of a replica |",
        "|---|---|---|---|---|---|",
    ]
    for name, seen in found.items():
        used = f"{seen['cpu'] * 1e6:.0f} µs" if "cpu" in seen else ""
        room = f"{seen['memory']:.0f} MiB" if "memory" in seen else ""
        lines.append(
            f"| {name} | {seen['p50'] * 1e3:.1f} ms | {seen['p99'] * 1e3:.1f} ms | {seen['p50'] / bare['p50']:.2f} "
            f"| {used} | {room} |"
        )
    late = max(seen["late"] for seen in found.values())
    lines += [
        "",
        f"{bare['count']} each at {RATE} a second, {late:.1f} s late at most. CPU per admission, of all replicas.",
    ]
    return lines


def _server(found: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """The table, as Markdown."""
    lines = [
        "| Asked | server | CPU of an admission | to the floor | p50 | p99 | Memory |",
        "|---|---|---|---|---|---|---|",
    ]
    for way, servers in found.items():
        for name, seen in servers.items():
            lines.append(
                f"| {way} | {name} | {seen['cpu'] * 1e6:.0f} µs | {seen['cpu'] / servers['floor']['cpu']:.2f} "
                f"| {seen['p50'] * 1e3:.2f} ms | {seen['p99'] * 1e3:.2f} ms | {seen['memory']:.0f} MiB |"
            )
    return lines


def _engines(found: dict[str, dict[str, float]]) -> list[str]:
    """The table, as Markdown."""
    bare = found["bare"]
    whole = bare["application_cpu"]
    lines = [
        "| Called | p50 | p99 | p50 to bare | CPU of engine | CPU of application | engine to bare application |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, seen in found.items():
        ratio = f"{seen['engine_cpu'] / whole:.2f}" if name != "bare" else ""
        own = f"{seen['engine_cpu'] * 1e6:.0f} µs" if name != "bare" else ""
        lines.append(
            f"| {name} | {seen['p50'] * 1e3:.2f} ms | {seen['p99'] * 1e3:.2f} ms | {seen['p50'] / bare['p50']:.2f} "
            f"| {own} | {seen['application_cpu'] * 1e6:.0f} µs | {ratio} |"
        )
    lines += [
        "",
        f"{bare['requests']:.0f} requests each, a body of 1 kB there and more back; one kept "
        "connection, HTTP/1.1, TLS 1.3 to the engines. CPU per request.",
    ]
    return lines


def latency(found: dict) -> list[str]:
    """The table of the ways to the same pods, as Markdown."""
    lines = [
        "| Way | p50 | p95 | p50 to direct | in single rounds | p95 to direct | cold: p50 | p95 | p50 to direct |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, parts in found["ways"].items():
        warm, cold = parts["warm"], parts["cold"]
        lowest, highest = warm["spread"]
        lines.append(
            f"| {name} | {warm['p50'] * 1e3:.1f} ms | {warm['p95'] * 1e3:.1f} ms | {warm['p50_ratio']:.2f} "
            f"| {lowest:.2f} to {highest:.2f} | {warm['p95_ratio']:.2f} "
            f"| {cold['p50'] * 1e3:.1f} ms | {cold['p95'] * 1e3:.1f} ms | {cold['p50_ratio']:.2f} |"
        )
    counts = [[parts[kind]["count"] for parts in found["ways"].values()] for kind in ("warm", "cold")]
    warm, cold = (str(min(each)) if min(each) == max(each) else f"{min(each)} to {max(each)}" for each in counts)
    began, ended = found["load"]
    lines += [
        "",
        f"{warm} warm and {cold} cold calls of each way in {found['rounds']} rounds; load {began:.1f} at the start, "
        f"{ended:.1f} at the end.",
    ]
    return lines
