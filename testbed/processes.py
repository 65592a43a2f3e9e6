# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Processes of a testbed: recognised beyond doubt, waited for, ended politely, then firmly.

A bare pid may have been given to a stranger since it was written down. So a process is known by its pid and start
time, or by living in a network namespace that is ours.
"""
from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROC = Path("/proc")


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is none (or only its zombie)."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The command, in brackets, may hold spaces and brackets itself: count from the last one.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else int(fields[19])


@dataclass(frozen=True)
class Identity:
    """A process that cannot be mistaken for another."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        started = start_time(pid)
        return None if started is None else cls(pid, started)

    def alive(self) -> bool:
        return start_time(self.pid) == self.started

    def signal(self, number: int) -> None:
        """Send a signal if this very process still lives."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def inside(namespaces: Iterable[Path]) -> list[Identity]:
    """Processes that live in one of these network namespaces."""
    wanted = set()
    for path in namespaces:
        with contextlib.suppress(OSError):
            found = path.stat()
            wanted.add((found.st_dev, found.st_ino))
    if not wanted:
        return []
    living = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            seen = (entry / "ns" / "net").stat()
            identity = Identity.of(int(entry.name))
            if identity is not None and (seen.st_dev, seen.st_ino) in wanted:
                living.append(identity)
    return living


def end(processes: Iterable[Identity], grace: float = 5.0) -> None:
    """TERM, wait up to ``grace`` seconds, then KILL what is left and wait until it is gone."""
    living = [process for process in processes if process.alive()]
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
        for process in living:
            process.signal(number)
        deadline = time.monotonic() + patience
        while living and time.monotonic() < deadline:
            living = [process for process in living if process.alive()]
            if living:
                time.sleep(0.02)
        if not living:
            return


async def end_child(process: asyncio.subprocess.Process, grace: float = 5.0) -> None:
    """End a child of this event loop and collect it."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), grace)
    except asyncio.TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def listens(child: subprocess.Popen[Any], port: int, seconds: float) -> bool:
    """Wait until a child takes connections at a port of 127.0.0.1; False when it ends or takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and child.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def end_started(child: subprocess.Popen[Any], grace: float) -> int:
    """End a child of no event loop as Kubernetes does and collect it; returns its exit status."""
    child.terminate()
    try:
        return child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()
