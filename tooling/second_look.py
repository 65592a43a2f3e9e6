# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a failed gate is run once more, alone, at the end: it tells what is broken from what is unstable.

Ansible's own CI does so for tests on real systems (``ansible-test integration --retry-on-error``). A test that passes
the second time is named at the end of the run all the same: unstable, and a defect of its own.
"""

from __future__ import annotations

import re

#: Of more than so many files that failed, none is looked at again: that is no accident.
FILES = 3

_FAILED = re.compile(r"^(?:FAILED|ERROR|SUBFAILED\S*) (tests/[^:\s]+\.py)\b")


def command(group: str, once: list[str], output: str) -> list[str] | None:
    """Return the command for what failed of a gate, or None where there is nothing to be learned from a second run.

    :param group: the gate's group; only tests are run again, as linters say the same twice.
    :param once: the command of the gate.
    :param output: what it printed.
    """
    if group == "molecule":
        return once
    if "pytest" not in once:
        return None
    failed = sorted({found[1] for line in output.splitlines() if (found := _FAILED.match(line))})
    if not failed or len(failed) > FILES:
        return None
    # Whole files: their tests share a site and build on each other.
    return [word for word in once if not word.startswith("tests")] + failed
