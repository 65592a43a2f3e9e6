# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods come and go with no playbook run: DNS tells Apigee, and pods see who calls."""

from __future__ import annotations

import ipaddress
import json

from tests.acceptance.cloud import Cloud, until


def ready_pods(cloud: Cloud) -> set[str]:
    """Names of the ready pods of the workload."""
    pods = json.loads(cloud.kubectl("get", "pods", "-n", "shop", "-o", "json"))["items"]
    return {
        pod["metadata"]["name"]
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp")
        and pod["metadata"]["name"].startswith("orders-")
        and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
    }


def answering_pods(cloud: Cloud, calls: int = 12) -> set[str]:
    """Who answers; "" stands for nobody."""
    return {(cloud.call().get("answered") or {}).get("pod", "") for _ in range(calls)}


def test_scaling_reaches_exactly_the_ready_pods(converged: Cloud) -> None:
    for replicas in (1, 3, 2):
        converged.kubectl("scale", "deployment", "orders", "-n", "shop", f"--replicas={replicas}")
        wanted = until(
            lambda replicas=replicas: len(pods := ready_pods(converged)) == replicas and pods,
            seconds=60,
            what=f"{replicas} ready pods",
        )
        until(
            lambda wanted=wanted: answering_pods(converged) == wanted,
            seconds=60,
            what=f"exactly the {replicas} ready pods answering",
        )


def test_pods_see_an_address_of_the_instance(converged: Cloud) -> None:
    instances = converged.google("GET", "apigee", "v1/organizations/acme-shop/instances")["instances"]
    ranges = [ipaddress.ip_network(text) for text in instances[0]["ipRange"].split(",")]
    peer = json.loads(converged.call()["body"])["peer_address"]
    assert any(ipaddress.ip_address(peer) in network for network in ranges)
