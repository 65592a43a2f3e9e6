# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""testbed requests: the Google calls received, so that anyone can see that a second run changed nothing."""
from __future__ import annotations

import argparse
import json
from typing import Any

from testbed.commands import common
from testbed.state import State


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", type=int, default=0, metavar="NUMBER", help="only calls after this number")
    parser.add_argument("--list", action="store_true", help="each call in order, not only the counts")
    parser.add_argument("--clear", action="store_true", help="forget all calls, then print nothing")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(state: State, options: argparse.Namespace) -> int:
    common.require_up(state)
    if options.clear:
        common.emulator(state, "DELETE", "requests")
        return 0
    facts = common.emulator(state, "GET", f"requests?after={options.since}")
    facts["totals"] = {"reads": facts["counters"]["reads"], "writes": facts["counters"]["mutating"]}
    if options.json:
        print(json.dumps(facts, indent=2))
    else:
        print("\n".join(report(facts, listed=options.list, since=options.since)))
    return 0


def report(facts: dict[str, Any], *, listed: bool = False, since: int = 0) -> list[str]:
    """Lines for people: mutating methods first, since they are what one looks for."""
    entries = facts.get("requests", [])
    lines = []
    if listed:
        lines += [f" {entry['number']:>5} {entry['status']:>3} {entry['verb']:6} {entry['method'] or 'unknown'}  "
                  f"{entry['path']}" for entry in entries]
        lines += [""] if entries else []
    changing = {entry["method"] for entry in entries if entry.get("mutating")}
    counters = facts["counters"]
    for name, count in sorted(counters["by_method"].items(), key=lambda item: (item[0] not in changing, item[0])):
        lines.append(f" {count:6}  {'writes' if name in changing else 'reads ':6}  {name}")
    after = f" after call {since}" if since else ""
    lines.append(f" {counters['reads']} reads, {counters['mutating']} writes{after}")
    if entries:
        last = entries[-1]["number"]
        lines.append(f" The last call has number {last}: testbed requests --since {last}")
    return lines
