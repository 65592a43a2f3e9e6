# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""testbed down: end everything; leave nothing."""
from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time

from testbed import leftovers
from testbed.commands import common
from testbed.commands.common import CommandError, mark
from testbed.state import State


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep-state", action="store_true",
                        help="keep what was created; the next up goes on from there")


def run(state: State, options: argparse.Namespace) -> int:
    if os.geteuid() != 0 and (state.home.exists() or leftovers.namespaces(state)):
        argv = [sys.executable, "-m", "testbed.cli", "down", *(["--keep-state"] if options.keep_state else [])]
        return subprocess.run(common.as_root(state, argv), check=False).returncode
    there = state.home.exists() or bool(leftovers.namespaces(state))
    try:
        if there:
            stop(state)
        if not options.keep_state:
            leftovers.remove_files(state)
    except OSError as error:
        raise CommandError(f"Something is left: {error}") from error
    print(f" {mark(True)} {'down' if there else 'nothing was up'}")
    return 0


def stop(state: State, patience: float = 60.0) -> None:
    """End the daemon and remove everything it holds on the host. Needs root. Raises OSError."""
    identity = leftovers.daemon(state)
    if identity is not None:
        identity.signal(signal.SIGTERM)
        deadline = time.monotonic() + patience
        while identity.alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        identity.signal(signal.SIGKILL)
        while identity.alive():
            time.sleep(0.02)
    state.pid_file.unlink(missing_ok=True)
    leftovers.clean(state)
