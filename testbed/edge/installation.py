# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine of Edge Microgateway on this machine: npm packages as the lock file has them, in the cache.

The lock file names no registry, so npm asks the one that its user has configured.
"""
from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from testbed.cache import made_once
from testbed.kubernetes.toolchain import BuildError, Progress, quiet
from testbed.node import Node, ensure_node
from testbed.state import cache_folder

#: The oldest Node that the packages of these versions were seen to run on.
OLDEST_NODE = (20,)
SOURCE = Path(__file__).parent / "engine"
INSTALL_SECONDS = 300


@dataclass(frozen=True)
class Engine:
    """``folder`` holds ``node_modules``; ``launcher`` is what Node runs."""

    node: Path
    folder: Path
    launcher: Path = SOURCE / "launch.js"

    @property
    def auth_bundle(self) -> Path:
        """The genuine proxy ``edgemicro-auth``: the folder that holds ``apiproxy``."""
        return self.folder / "node_modules" / "microgateway-edgeauth"


def ensure_engine(progress: Progress = quiet) -> Engine:
    """The engine, installed into the cache when it is not there: 60 MB, 10 to 30 seconds. Raises BuildError."""
    node = ensure_node(OLDEST_NODE, progress)

    def install(folder: Path) -> None:
        progress(None, "installing Edge Microgateway's packages from npm")
        _install(node, folder)

    return Engine(node.program, made_once(cache_folder() / "edge-microgateway" / _digest(), install))


def _install(node: Node, target: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCE / name, target)
    # No package has an install script that is needed, and what is not run can do no harm.
    command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--fetch-retries=5"]
    try:
        done = subprocess.run(
            command,
            cwd=target,
            env=node.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"npm could not install Edge Microgateway: {error}") from error
    if done.returncode:
        raise BuildError(f"npm could not install Edge Microgateway: {(done.stderr or done.stdout).strip()[-2000:]}")


def _digest() -> str:
    total = hashlib.sha256(platform.machine().encode())
    for name in ("package.json", "package-lock.json"):
        total.update((SOURCE / name).read_bytes())
    return total.hexdigest()[:16]
