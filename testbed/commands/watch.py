# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""testbed watch: call through Apigee all the time, while something is changed, and show every call that fails."""
from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from testbed.callers import calling
from testbed.commands import common
from testbed.commands.common import CommandError
from testbed.state import State

LOOK_SECONDS = 0.2


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL", help="https://HOST/PATH; any answer but 200 counts as failed")
    parser.add_argument("--callers", type=int, default=3, metavar="N", help="how many call at the same time (3)")
    parser.add_argument("--pause", type=float, default=0.1, metavar="SECONDS", help="of each, between two calls (0.1)")
    parser.add_argument("--while", type=Path, dest="file", metavar="FILE",
                        help="end when this file is gone, instead of by Ctrl-C")
    parser.add_argument("--json", action="store_true", help="one object at the end, for programs")


def run(state: State, options: argparse.Namespace) -> int:
    """0 when no call failed, else 1."""
    common.require_up(state)
    if not options.url.startswith("https://"):
        raise CommandError(f"{options.url}: Apigee is called by https://HOST/PATH.")
    if options.file and not options.file.exists():
        raise CommandError(f"--while {options.file}: there is no such file.")
    connection = state.connection()
    assert connection is not None  # require_up has seen it
    shown = 0
    try:
        with calling(connection, options.url, options.callers, options.pause) as seen:
            while options.file is None or options.file.exists():
                time.sleep(LOOK_SECONDS)
                if not options.json:
                    for text in seen.failed[shown:]:
                        shown += 1
                        print(f" {common.mark(False)} {text}", flush=True)
    except KeyboardInterrupt:
        pass
    if options.json:
        print(json.dumps({"calls": seen.done, "failed": seen.failed}))
    else:
        print(f" {common.mark(not seen.failed)} {seen.done} calls, {len(seen.failed)} failed")
    return 1 if seen.failed else 0
