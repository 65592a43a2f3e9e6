# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""testbed logs: of the daemon, the resolver, Apigee's runtimes and the components of every node."""
from __future__ import annotations

import argparse
import contextlib
import difflib
import sys
import time
from collections import deque
from pathlib import Path

from testbed.commands.common import CommandError
from testbed.state import State


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("component", nargs="?", help="which one; without it their names are listed")
    parser.add_argument("-f", "--follow", action="store_true", help="go on printing what comes")
    parser.add_argument("-n", "--lines", type=int, default=200, metavar="N", help="last lines (default %(default)d)")


def components(state: State) -> dict[str, Path]:
    """Log files by the name of what writes them: ``daemon``, ``cluster-0/kubelet``."""
    found = {path.stem: path for path in sorted(state.logs.glob("*.log"))}
    # Not deeper: the logs of pods are kubectl's business.
    for path in sorted(state.home.glob("clusters/*/logs/*.log")):
        found[f"cluster-{path.parts[-3]}/{path.stem}"] = path
    return found


def run(state: State, options: argparse.Namespace) -> int:
    found = components(state)
    if not found:
        raise CommandError(f"There are no logs in {state.home}: nothing was started.")
    if options.component is None:
        for name, path in found.items():
            print(f" {name:32} {path.stat().st_size // 1024:6} KiB   {path}")
        return 0
    if options.component not in found:
        near = difflib.get_close_matches(options.component, found, n=3, cutoff=0.4)
        raise CommandError(f"No component is called {options.component}. "
                           + (f"Did you mean {' or '.join(near)}?" if near else "See: testbed logs"))
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        _print(found[options.component], options.lines, options.follow)
    return 0


def _print(path: Path, lines: int, follow: bool) -> None:
    with path.open(encoding="utf-8", errors="replace") as log:
        sys.stdout.writelines(deque(log, maxlen=lines))
        sys.stdout.flush()
        while follow:
            new = log.read()
            sys.stdout.write(new)
            sys.stdout.flush()
            if not new:
                time.sleep(0.2)
