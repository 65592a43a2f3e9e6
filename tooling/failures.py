# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed gate says in a few lines: CI keeps only the end of a long output, and what failed must be in it."""

from __future__ import annotations

import re

#: How much of one gate is told, in lines, and of one test.
GATE, TEST = 40, 8
#: A line that wraps a whole program's output says its cause at the beginning.
WIDTH = 600

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What molecule draws around a playbook's output.
_FRAME = re.compile(r"^ *│ ?")
_TEST = re.compile(r"^_{3,} (?P<name>\S.*) _{3,}$")
_SUMMARY = re.compile(r"^(FAILED|ERROR|SUBFAILED\S*) (\S+::|tests/)")
_PLACE = re.compile(r"^\S+\.py:\d+: ")
_FATAL = re.compile(r"^(fatal|failed): \[")
_PART = re.compile(r"^(TASK|PLAY|RUNNING HANDLER) ")
_FINDING = re.compile(r"^ *(ERROR|FATAL): |^sanity: ")


def essence(group: str, output: str) -> list[str]:
    """Return what matters of a failed gate's output, the names of what failed first; at most :data:`GATE` lines.

    :param group: the gate's group, which says who wrote the output: molecule, sanity, pytest or another tool.
    """
    lines = [_FRAME.sub("", _COLOUR.sub("", line)).rstrip() for line in output.splitlines()]
    told = _molecule(lines) if group == "molecule" else _sanity(lines) if group == "sanity" else _pytest(lines)
    return [line[:WIDTH] for line in (told or [line for line in lines if line][-GATE:])[:GATE]]


def _pytest(lines: list[str]) -> list[str]:
    """The short summary, and of each failed test the place and the last words of its error, as many as there is room.

    The places of tests are taken from the end, as the cause of an error is told after what it was handled by.
    """
    summary = [line for line in lines if _SUMMARY.match(line)]
    tests: dict[str, list[str]] = {}
    name = ""
    for line in lines:
        if found := _TEST.match(line):
            name = found["name"]
        elif line.startswith("===="):
            name = ""
        elif name and (line.startswith("E ") or _PLACE.match(line)):
            tests.setdefault(name, []).append(line)
    room = min(TEST, max(2, (GATE - len(summary)) // max(1, len(tests)) - 1))
    return summary + [line for test, said in tests.items() for line in (f"-- {test}", *said[-room:])]


def _molecule(lines: list[str]) -> list[str]:
    """The task that failed and what it said; of several the last ones, as a rescued one is told before."""
    parts: list[list[str]] = []
    task, inside = "", False
    for line in lines:
        if _PART.match(line):
            task, inside = line, False
        elif _FATAL.match(line) or line.startswith(("ERROR", "CRITICAL", "[ERROR]")):
            if not inside:
                parts.append([task])
            parts[-1].append(line)
            inside = True
        elif inside and line:
            parts[-1].append(line)
    share = GATE // max(1, min(2, len(parts)))
    return [line for part in parts[-2:] for line in part[:share]]


def _sanity(lines: list[str]) -> list[str]:
    """The findings, without what ansible-test tells of its progress."""
    return [line.strip() for line in lines if _FINDING.match(line)]
