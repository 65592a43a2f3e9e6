# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""testbed reset: back to a freshly seeded Google, clusters and instances gone, without a restart."""
from __future__ import annotations

import argparse

from testbed.commands import common
from testbed.commands.common import mark
from testbed.state import State


def add(_parser: argparse.ArgumentParser) -> None:
    """It takes no options."""


def run(state: State, _options: argparse.Namespace) -> int:
    common.require_up(state)
    common.emulator(state, "POST", "reset")
    print(f" {mark(True)} reset: two projects, nothing in them")
    return 0
