# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private service for a partner outside, shown: with a key the pod answers, without one nobody does."""

from __future__ import annotations

import json

from tooling import gateway_call
from tooling.steps import StepFailed

#: Of inventories/testbed.
GATEWAY, KEY, PATH = "shop", "partner", "/products"


def call() -> None:
    """Call the gateway with and without its key.

    :raises StepFailed: when a status is not the expected one.
    """
    host = gateway_call.host(GATEWAY)
    key = {"x-api-key": gateway_call.key(KEY)}
    print(f" $ curl https://{host}{PATH} --header 'x-api-key: ...'\n", flush=True)
    status, body = gateway_call.call(host, PATH, key)
    if status != 200:
        raise StepFailed(f"The gateway was to pass the call on to a pod, and answered {status}: {body.decode()}")
    answer = json.loads(body)
    print(f" {status}  pod {answer['pod']} answers {answer['path']}")
    for what, wanted, status in (
        ("without a key", 401, gateway_call.call(host, PATH)[0]),
        ("with a key that does not exist", 400, gateway_call.call(host, PATH, {"x-api-key": "AIza-nobody"})[0]),
        ("a path that is not declared", 404, gateway_call.call(host, "/admin", key)[0]),
        ("a method that is not declared", 405, gateway_call.call(host, PATH, key, "DELETE")[0]),
    ):
        print(f" {status}  {what}")
        if status != wanted:
            raise StepFailed(f"A call {what} was to be answered with {wanted}.")
    print("\n The pods are private: the gateway calls a function, and that a load balancer inside the network.")
