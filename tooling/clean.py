# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove what make has made: the virtual environment, collections, build output and this project's cache folder."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from testbed.state import cache_folder
from tooling.prepare import ROOT


def main() -> None:
    """Remove the folders; nothing outside the checkout and the project's own cache folder is touched."""
    for name in (
        ".venv",
        ".ansible",
        "build",
        ".pytest_cache",
        ".ruff_cache",
        ".hypothesis",
        "testbed/apigee_gke_testbed.egg-info",
    ):
        _remove(ROOT / name)
    _remove(cache_folder())


def _remove(folder: Path) -> None:
    if not folder.exists():
        return
    # Go keeps its module cache read-only.
    for path, folders, _files in os.walk(folder):
        for name in folders:
            inner = Path(path) / name
            if not inner.is_symlink():
                inner.chmod(inner.stat().st_mode | stat.S_IWUSR)
    shutil.rmtree(folder)
    print(f" removed {folder}")


if __name__ == "__main__":
    main()
