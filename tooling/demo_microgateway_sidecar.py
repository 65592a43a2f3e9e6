# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edge Microgateway beside applications, shown: one asks for keys, the other does not; Edge has a proxy for neither."""

from __future__ import annotations

import json

from tooling import demo_microgateway
from tooling.steps import StepFailed

#: Of inventories/testbed: the Services before the gateways of both workloads.
SERVICES = {name: f"/api/v1/namespaces/shop/services/{name}-gateway" for name in ("orders", "menu")}


def call() -> None:
    """Call both applications through their gateways, with and without a key.

    :raises StepFailed: when a status is not the expected one.
    """
    known = {"x-api-key": demo_microgateway.key()}
    for name, path, headers, wanted, what in (
        ("orders", "/orders/42", known, 200, "with a key"),
        ("orders", "/orders/42", {}, 401, "without a key"),
        ("orders", "/orders/42", {"x-api-key": "nobodys"}, 403, "with a key that does not exist"),
        ("menu", "/today", {}, 200, "without a key, as its own policy says"),
    ):
        status, body = demo_microgateway.ask(SERVICES[name], path, headers)
        answered = f": pod {json.loads(body)['pod']} answers" if status == 200 else ""
        print(f" {status}  http://{name}-gateway.shop.svc:8000{path} {what}{answered}", flush=True)
        if status != wanted:
            raise StepFailed(f"A call to {name} {what} was to be answered with {wanted}: {body.decode()}")
    print("\n The engine is the real one, in the pods; Edge, which it asks about keys, is a double.")
