# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, shown: the site on the testbed, a request through it, and a second run that changes nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time

from tooling.prepare import ROOT, VENV
from tooling.steps import Step, StepFailed, duration, run

TESTBED = str(VENV / "bin" / "testbed")
SITE = [str(VENV / "bin" / "ansible-playbook"), "-i", "inventories/testbed", "site.yml"]
# What inventories/testbed publishes.
URL = "https://api.acme.example/orders/42"
SECOND_RUN = ROOT / "build" / "logs" / "second-run.log"
RECAP = re.compile(r"^\S+\s+: ok=\d+ +changed=(\d+) .*$", re.MULTILINE)


def main() -> None:
    """Run the demo.

    It is a test as well: exits with 1 when the site fails, nothing answers, or the second run changes something.
    """
    try:
        with Step("testbed") as step:
            run([TESTBED, "up"])
            step.detail("Google's APIs and an empty project")
        first()
        call()
        second()
    except StepFailed as failure:
        sys.exit(f"\n{failure}")


def first() -> None:
    """Run the site with its output shown, because this is what a user will see.

    :raises StepFailed: when the playbook fails.
    """
    print(f"\n $ {' '.join(['ansible-playbook', *SITE[1:]])}\n", flush=True)
    if subprocess.run(SITE, cwd=ROOT, stdin=subprocess.DEVNULL).returncode:
        raise StepFailed(
            f"The site did not converge. What the testbed saw: {TESTBED} logs; take it down with make down."
        )


def call() -> None:
    """Send the request from outside and show every hop.

    :raises StepFailed: when no pod answers.
    """
    print(f" $ testbed call --fresh {URL}\n", flush=True)
    if subprocess.run([TESTBED, "call", "--fresh", URL], cwd=ROOT, stdin=subprocess.DEVNULL).returncode:
        raise StepFailed("The site converged, and yet no pod answered the request.")
    print(" No load balancer, ingress or node port was involved.")


def second() -> None:
    """Converge again and hold the result to what was promised.

    :raises StepFailed: when anything changed or was written.
    """
    before = counters()
    started = time.monotonic()
    output = run(SITE, cwd=ROOT, log=SECOND_RUN)
    took = time.monotonic() - started
    after = counters()
    reads, writes = after["reads"] - before["reads"], after["writes"] - before["writes"]
    recap = RECAP.search(output)
    if not recap:
        raise StepFailed(f"The second run printed no recap: {SECOND_RUN}")
    print(f"\n Second run: changed={recap[1]}, {reads} reads, {writes} writes, {duration(took)}")
    if recap[1] != "0" or writes:
        raise StepFailed(f"The second run was to change nothing: {SECOND_RUN}")


def counters() -> dict[str, int]:
    """Return how many Google API calls the testbed has seen: ``{"reads": n, "writes": n}``."""
    return json.loads(run([TESTBED, "requests", "--json"]))["totals"]


if __name__ == "__main__":
    main()
