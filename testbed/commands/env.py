# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""testbed env: what kubectl and gcloud need to work on the testbed as on the real thing."""
from __future__ import annotations

import argparse
import json
import os
import shlex

from testbed.commands import common
from testbed.state import State


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("shell", "json"), default="shell",
                        help="shell: eval \"$(testbed env)\"; json: for programs")


def run(state: State, options: argparse.Namespace) -> int:
    common.require_up(state)
    variables = common.control(state, "POST", "/environment")
    if options.format == "json":
        path = f"{variables['PATH']}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        print(json.dumps({**variables, "PATH": path}, indent=2))
    else:
        print(shell(variables))
    return 0


def shell(variables: dict[str, str]) -> str:
    """Export lines; the folder of kubectl goes before the caller's path."""
    lines = []
    for name, value in sorted(variables.items()):
        quoted = shlex.quote(value)
        lines.append(f'export PATH={quoted}:"$PATH"' if name == "PATH" else f"export {name}={quoted}")
    return "\n".join(lines)
