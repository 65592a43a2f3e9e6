# Copyright: (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is this machine fit for the testbed? Every finding says what is missing and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

from tooling.steps import Step, StepFailed, run

# Tools only: none of these starts a daemon on the host (proxies and the like live in image roots).
# command that shows it is there -> Debian package
PACKAGES = {
    "ip": "iproute2",
    "nft": "nftables",
    "runc": "runc",
    "nsenter": "util-linux",
    "modprobe": "kmod",
    "git": "git",
}
MINIMUM_PYTHON = (3, 11)
MINIMUM_DISK = 15  # GiB in the cache folder: Go module and build caches are 9 GiB, the rest is images and state
MINIMUM_MEMORY = 4  # GiB: one control plane and node need 1.2, compiling Kubernetes 3


def cache_folder() -> Path:
    """Return the folder everything built is kept in (``TESTBED_CACHE``, else under ``XDG_CACHE_HOME``)."""
    if os.environ.get("TESTBED_CACHE"):
        return Path(os.environ["TESTBED_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "apigee-gke-testbed"


def check(step: Step) -> None:
    """Look at the machine and install missing system packages where apt can.

    :raises StepFailed: listing everything that is missing, not only the first thing.
    """
    missing: list[str] = []
    if platform.system() != "Linux":
        raise StepFailed(
            f"The testbed needs Linux (namespaces, runc); this is {platform.system()}. Use a virtual machine."
        )
    if sys.version_info < MINIMUM_PYTHON:
        missing.append(
            f"Python {'.'.join(map(str, MINIMUM_PYTHON))} or newer (this is {platform.python_version()}); "
            "name one with make PYTHON=python3.12"
        )
    if os.geteuid() != 0 and not shutil.which("sudo"):
        missing.append("root or sudo: network namespaces and containers need it")
    memory = _memory_gib()
    if memory < MINIMUM_MEMORY:
        missing.append(f"{MINIMUM_MEMORY} GiB of memory (there are {memory:.1f})")
    disk = _free_gib(cache_folder())
    # Once Kubernetes is built the room is already used.
    if disk < MINIMUM_DISK and not any(cache_folder().glob("kubernetes/*")):
        missing.append(
            f"{MINIMUM_DISK} GiB free for {cache_folder()} (there are {disk:.0f}); TESTBED_CACHE names another folder"
        )
    missing += _kernel()
    if missing:
        raise StepFailed("This machine lacks:\n" + "\n".join(f"   - {item}" for item in missing))
    _packages()
    step.detail(
        f"Linux {platform.release().split('-')[0]}, {os.cpu_count()} cores, {memory:.0f} GiB, cgroup {cgroup_version()}"
    )


def cgroup_version() -> str:
    """Return ``v1`` or ``v2``: v2 where the unified hierarchy is the one mounted at /sys/fs/cgroup."""
    return "v2" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "v1"


def _packages() -> None:
    wanted = [package for command, package in PACKAGES.items() if not _which(command)]
    if not _has_venv():
        wanted.append("python3-venv")
    if not wanted:
        return
    if not shutil.which("apt-get"):
        raise StepFailed(
            f"These tools are missing, and there is no apt here to install them: {', '.join(wanted)}. "
            "Install them with your package manager."
        )
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    # Recommended packages are left out: runc recommends a container daemon's policy tools.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run([*sudo, "apt-get", "update", "-qq"], env=environment)
    run([*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted], env=environment)


def _which(command: str) -> str | None:
    return shutil.which(command, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def _has_venv() -> bool:
    try:
        import ensurepip  # noqa: F401  (Debian ships it in python3-venv, and a venv needs it)
        import venv  # noqa: F401  (the same)
    except ImportError:
        return False
    return True


def _kernel() -> list[str]:
    wanted = {
        "/proc/self/ns/net": "network namespaces (CONFIG_NET_NS)",
        "/proc/self/ns/pid": "process namespaces (CONFIG_PID_NS)",
        "/sys/fs/cgroup": "cgroups",
    }
    missing = [f"a kernel with {what}" for path, what in wanted.items() if not Path(path).exists()]
    filesystems = Path("/proc/filesystems").read_text() if Path("/proc/filesystems").exists() else ""
    modules = Path("/lib/modules") / platform.release()
    if "overlay" not in filesystems and not list(modules.glob("kernel/fs/overlayfs/*")):
        missing.append("a kernel with overlayfs")
    return missing


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _free_gib(folder: Path) -> float:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 2**30
