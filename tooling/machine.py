# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is this machine fit? What the testbed needs is the testbed's to say; here apt gets it, and room is looked at."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from pathlib import Path

from testbed.commands.machine import TOOLS, missing
from testbed.state import cache_folder
from tooling.steps import Step, StepFailed, run

# What setting up needs beyond the testbed's own tools: command that shows it is there -> Debian package.
# Tools only: nothing here starts a daemon on the host.
SETUP_TOOLS = {"git": "git"}
MINIMUM_DISK = 15  # GiB: Go's module and build caches are 9, the rest is images and state
MINIMUM_MEMORY = 4  # GiB: a control plane with its node needs 1.2, compiling Kubernetes 3


def check(step: Step) -> None:
    """Look at the machine and install missing system packages where apt can.

    :raises StepFailed: listing everything that is missing, not only the first thing.
    """
    if platform.system() == "Linux":
        _packages()
    lacking = missing()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    if memory < MINIMUM_MEMORY:
        lacking.append(f"{MINIMUM_MEMORY} GiB of memory (there are {memory:.1f}).")
    disk = _free_gib(cache_folder())
    # Once Kubernetes is built the room is already used.
    if disk < MINIMUM_DISK and not any(cache_folder().glob("kubernetes/*")):
        lacking.append(f"{MINIMUM_DISK} GiB free for {cache_folder()} (there are {disk:.0f}); or set TESTBED_CACHE.")
    if lacking:
        raise StepFailed("This machine lacks:\n" + "\n".join(f"   - {item}" for item in lacking))
    step.detail(
        f"Linux {platform.release().split('-')[0]}, {cores()} cores, {memory:.0f} GiB, cgroup {cgroup_version()}"
    )


def cores() -> int:
    """Return how many cores this process may use: fewer than the machine's under taskset or in a container."""
    return len(os.sched_getaffinity(0))


def cgroup_version() -> str:
    """Return ``v1`` or ``v2``: v2 where the unified hierarchy is the one mounted at /sys/fs/cgroup."""
    return "v2" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "v1"


def _packages() -> None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    tools = {**TOOLS, **SETUP_TOOLS}
    wanted = sorted({package for tool, package in tools.items() if not shutil.which(tool, path=path)})
    # Debian ships ensurepip, which a virtual environment needs, in a package of its own.
    if not importlib.util.find_spec("ensurepip"):
        wanted.append("python3-venv")
    if not wanted:
        return
    if not shutil.which("apt-get"):
        raise StepFailed(f"Missing, and there is no apt here to get it: {', '.join(wanted)}. Use your package manager.")
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run([*sudo, "apt-get", "update", "-qq"], env=environment)
    # Recommended packages are left out: they bring daemons.
    run([*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted], env=environment)


def _free_gib(folder: Path) -> float:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 2**30
