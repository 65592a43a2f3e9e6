# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of the cache that are made once on a machine, whoever needs them first."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def made_once(target: Path, make: Callable[[Path], None]) -> Path:
    """The folder ``target``, made when it is missing; of several processes one makes it and the others wait.

    ``make`` fills a new folder beside it, which gets its name when it is whole. What ``make`` raises is passed on, and
    nothing is there then. Its neighbours in ``target.parent`` share one lock.
    """
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            partial = target.with_name(f"{target.name}.partial")
            # Of a process that was killed meanwhile.
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            make(partial)
            os.rename(partial, target)
    return target
