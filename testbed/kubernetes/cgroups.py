# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control group under which kubelet keeps its pods, on hosts with cgroup v1 (also hybrid) and v2.

kubelet wants the group to exist, in every v1 hierarchy, or on v2 with its controllers enabled. Development and
tests ran on a v1 (hybrid) machine only: v2 is written from the kernel's cgroup-v2 documentation and from what
kubelet checks (pkg/kubelet/cm: ``cgroupManagerImpl.Exists``), and its file operations are tested on a plain folder.
"""
from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path

MOUNT = Path("/sys/fs/cgroup")
#: Controllers that kubelet and runc use, where the kernel has them.
CONTROLLERS = ("cpuset", "cpu", "memory", "hugetlb", "pids", "io")


def version(mount: Path = MOUNT) -> int:
    """2 where the unified hierarchy is mounted at ``mount`` itself, else 1 (hybrid included)."""
    return 2 if (mount / "cgroup.controllers").exists() else 1


def hierarchies(mount: Path = MOUNT) -> list[Path]:
    """Roots of the mounted hierarchies: each one on v1 (once, by its real path), the one of v2."""
    if version(mount) == 2:
        return [mount]
    roots = (each.resolve() for each in sorted(mount.iterdir()) if each.is_dir())
    return list(dict.fromkeys(root for root in roots if (root / "cgroup.procs").exists()))


def create(name: str, mount: Path = MOUNT) -> None:
    """Make the group ``/parent/child``. An existing one is kept.

    Raises OSError where the file system is read-only, as in an unprivileged container.
    """
    parts = Path(name).relative_to("/").parts
    for root in hierarchies(mount):
        folder = root
        for part in parts:
            if version(mount) == 2:
                _enable_controllers(folder)
            folder = folder / part
            folder.mkdir(exist_ok=True)
            if version(mount) == 1 and (folder / "cpuset.cpus").exists():
                _inherit_cpuset(folder)
        if version(mount) == 2:
            _enable_controllers(folder)


def _enable_controllers(folder: Path) -> None:
    """cgroup v2: children of the folder get every controller the folder has."""
    available = (folder / "cgroup.controllers").read_text(encoding="ascii").split()
    for controller in CONTROLLERS:
        if controller in available:
            # One at a time: a controller that the kernel refuses here must not take the others with it.
            with contextlib.suppress(OSError):
                (folder / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")


def _inherit_cpuset(folder: Path) -> None:
    """cgroup v1: a new cpuset is empty, and nothing can run in an empty one."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        value = (folder.parent / name).read_text(encoding="ascii").strip()
        if value and not (folder / name).read_text(encoding="ascii").strip():
            (folder / name).write_text(value, encoding="ascii")


def remove(name: str, timeout: float = 10.0, mount: Path = MOUNT) -> None:
    """Remove the group, everything below it, and its parent when that is left empty.

    Processes that are still dying hold a group for a moment; they are waited for up to ``timeout`` seconds.
    Raises OSError when something is left after that.
    """
    deadline = time.monotonic() + timeout
    parts = Path(name).relative_to("/").parts
    for root in hierarchies(mount):
        target = root.joinpath(*parts)
        for folder, _children, _files in os.walk(target, topdown=False):
            _remove_folder(Path(folder), deadline)
        if len(parts) > 1:
            with contextlib.suppress(OSError):  # another node of the same testbed still lives in it
                target.parent.rmdir()


def _remove_folder(folder: Path, deadline: float) -> None:
    while True:
        try:
            folder.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)
