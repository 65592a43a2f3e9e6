# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What processes have used: CPU to the nanosecond, as the scheduler counts it, and memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")


def descendants(process: int) -> set[int]:
    """The process and everything that it started."""
    found, left = set(), [process]
    while left:
        found.add(each := left.pop())
        with contextlib.suppress(OSError):
            for task in (PROC / str(each) / "task").iterdir():
                left += map(int, (task / "children").read_text(encoding="ascii").split())
    return found


def of_pods(identities: Iterable[str]) -> set[int]:
    """The processes of pods, by the pods' UIDs."""
    marks = [mark for identity in identities for mark in (identity, identity.replace("-", "_"))]
    found = set()
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            group = (folder / "cgroup").read_text(encoding="ascii")
            if any(mark in group for mark in marks):
                found.add(int(folder.name))
    return found


def cpu(processes: Iterable[int]) -> float:
    """Seconds that the threads of the processes have run."""
    nanoseconds = 0
    for process in processes:
        for task in (PROC / str(process) / "task").glob("*"):
            with contextlib.suppress(OSError):
                nanoseconds += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return nanoseconds / 1e9


def memory(process: int) -> float:
    """Resident MiB of one process; 0 when it has ended."""
    with contextlib.suppress(OSError):
        for line in (PROC / str(process) / "status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def quantile(values: list[float], share: float) -> float:
    """The value below which a share of them lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
