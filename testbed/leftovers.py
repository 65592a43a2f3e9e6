# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Removing what a testbed left on the host, however its daemon ended.

Only what is ours beyond doubt is touched: processes living in namespaces that carry the instance id, mounts below
the testbed's folder, control groups and namespaces with its name.
"""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from testbed import processes
from testbed.kubernetes import cgroups
from testbed.network.namespace import NETNS_FOLDER, Namespace
from testbed.state import State


def daemon(state: State) -> processes.Identity | None:
    """The living daemon of this testbed, or None."""
    try:
        written = json.loads(state.pid_file.read_text(encoding="utf-8"))
        identity = processes.Identity(int(written["pid"]), int(written["started"]))
    except (OSError, ValueError, KeyError):
        return None
    return identity if identity.alive() else None


def namespaces(state: State) -> list[Namespace]:
    """Network namespaces that carry this testbed's id."""
    return [Namespace(path.name) for path in sorted(NETNS_FOLDER.glob(state.namespace("*")))]


def clean(state: State) -> None:
    """End processes and remove namespaces, mounts and control groups. Files stay. Needs root.

    Raises OSError when something resists.
    """
    found = namespaces(state)
    # Short: what matters is on disk already, and nobody waits for a goodbye of these.
    processes.end(processes.inside([namespace.path for namespace in found]), grace=0.5)
    unmount_below(state.home)
    for namespace in found:
        namespace.delete()
    cgroups.remove(state.cgroup)
    state.connection_file.unlink(missing_ok=True)
    shutil.rmtree(state.run, ignore_errors=True)


def mounts_below(folder: Path) -> list[str]:
    """Mount points below a folder, the deepest first."""
    prefix = os.path.realpath(folder) + "/"
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        points = [line.split()[4].encode().decode("unicode_escape") for line in table]
    return sorted((point for point in points if point.startswith(prefix)), key=len, reverse=True)


def unmount_below(folder: Path) -> None:
    """Unmount everything below a folder, layers of one mount point included. Raises OSError."""
    deadline = time.monotonic() + 10
    while points := mounts_below(folder):
        for point in points:
            done = subprocess.run(["umount", "--lazy", point], capture_output=True, text=True, check=False)
            if done.returncode != 0 and time.monotonic() > deadline:
                raise OSError(f"cannot unmount {point}: {done.stderr.strip()}")


def remove_files(state: State) -> None:
    """Remove the testbed's folder. Raises OSError."""
    unmount_below(state.home)
    shutil.rmtree(state.home, ignore_errors=True)
    # A killed process may have been writing its last file.
    if state.home.exists():
        shutil.rmtree(state.home)
