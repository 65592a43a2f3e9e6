# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A system, shown: the site on the testbed, a request through it, and a second run that changes nothing.

Without an argument the main job, Apigee to pods; with ``api_gateway`` a private service behind API Gateway; with
``ingress`` a GKE Ingress that admits Apigee alone; with ``microgateway`` Edge Microgateway before a Service, with
``microgateway_sidecar`` beside each application.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

from tooling import demo_api_gateway, demo_ingress, demo_microgateway, demo_microgateway_sidecar
from tooling.prepare import ROOT, VENV
from tooling.steps import Step, StepFailed, duration, run

TESTBED = str(VENV / "bin" / "testbed")
PLAY = [str(VENV / "bin" / "ansible-playbook"), "-i", "inventories/testbed"]
# What inventories/testbed publishes.
URL = "https://api.acme.example/orders/42"
SECOND_RUN = ROOT / "build" / "logs" / "second-run.log"
RECAP = re.compile(r"^\S+\s+: ok=\d+ +changed=(\d+) .*$", re.MULTILINE)


def main(name: str = "site") -> None:
    """Run the demo of a system.

    It is a test as well: exits with 1 when the site fails, nothing answers, or the second run changes something.
    """
    if name not in SYSTEMS:
        sys.exit(f"There is no system {name} to show. Known are: {', '.join(SYSTEMS)}.")
    *playbook, call = SYSTEMS[name]
    # What nodes need beside what all have; those of a testbed that is up are given it as well.
    os.environ.setdefault("TESTBED_IMAGES", IMAGES.get(name, ""))
    try:
        with Step("testbed") as step:
            run([TESTBED, "up"])
            step.detail("Google's APIs and an empty project")
        first([*PLAY, *playbook])
        call()
        second([*PLAY, *playbook])
    except StepFailed as failure:
        sys.exit(f"\n{failure}")


def first(site: list[str]) -> None:
    """Run the site with its output shown, because this is what a user will see.

    :raises StepFailed: when the playbook fails.
    """
    print(f"\n $ {' '.join(['ansible-playbook', *site[1:]])}\n", flush=True)
    if subprocess.run(site, cwd=ROOT, stdin=subprocess.DEVNULL).returncode:
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


def second(site: list[str]) -> None:
    """Converge again and hold the result to what was promised.

    :raises StepFailed: when anything changed or was written.
    """
    before = counters()
    started = time.monotonic()
    output = run(site, cwd=ROOT, log=SECOND_RUN)
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


#: What there is to show: the playbook with its arguments, and the request that proves it.
SYSTEMS = {
    "site": ("site.yml", call),
    "api_gateway": ("playbooks/api_gateway.yml", demo_api_gateway.call),
    "ingress": ("playbooks/ingress.yml", demo_ingress.call),
    "microgateway": ("playbooks/microgateway.yml", demo_microgateway.call),
    "microgateway_sidecar": (
        "playbooks/microgateway.yml", "-e", "edge_microgateway_mode=sidecar", demo_microgateway_sidecar.call,
    ),
}  # fmt: skip
IMAGES = dict.fromkeys(("microgateway", "microgateway_sidecar"), "edge-microgateway")

if __name__ == "__main__":
    main(*sys.argv[1:2])
