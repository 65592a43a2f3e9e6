# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ingress that admits Apigee alone, shown: through Apigee a pod answers, around it nobody does."""

from __future__ import annotations

import json
import subprocess

from tooling import gateway_call
from tooling.prepare import ROOT, VENV
from tooling.steps import StepFailed

TESTBED = str(VENV / "bin" / "testbed")
#: Of inventories/testbed.
URL, INGRESS, HOST = "https://api.acme.example/products", "shop", "shop.acme.example"
SOMEBODY = "192.0.2.7"


def call() -> None:
    """Call the API through Apigee, and the Ingress from elsewhere.

    :raises StepFailed: when a status is not the expected one.
    """
    print(f" $ testbed call --fresh {URL}\n", flush=True)
    if subprocess.run([TESTBED, "call", "--fresh", URL], cwd=ROOT, stdin=subprocess.DEVNULL).returncode:
        raise StepFailed("The Ingress was to serve Apigee, and no pod answered.")
    project = gateway_call.connection()["project"]
    address = gateway_call.google("compute", f"compute/v1/projects/{project}/global/addresses/{INGRESS}")["address"]
    print(f"\n The same Ingress, {address}, called from {SOMEBODY}:\n", flush=True)
    for what, path, host in (
        ("the API's own path", "/", HOST),
        ("any path", "/admin", HOST),
        ("another host, which the default backend answers", "/", "other.example"),
    ):
        command = [TESTBED, "outside", f"http://{address}{path}", "--from", SOMEBODY, "--host", host, "--json"]
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        status = json.loads(done.stdout or "{}").get("status")
        print(f" {status}  {what}")
        if status != 403:
            raise StepFailed(f"A call from elsewhere, {what}, was to be answered with 403.")
    print("\n Apigee calls from addresses that it reserved, and the security policy is on every backend service.")
