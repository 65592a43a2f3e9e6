# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods come and go with no playbook run: DNS tells Apigee, and pods see who calls."""

from __future__ import annotations

import ipaddress
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.acceptance.cloud import APIGEE_SCALE, Cloud, until

# The time in which new connections have to reach exactly the ready pods: the records' TTL and what Apigee's cache
# adds to it, both scaled; and a second in which the API server tells the resolver.
DNS_SECONDS = (10 + 60) * APIGEE_SCALE + 1

BUNDLE = {
    "orders.xml": '<APIProxy name="orders" revision="1"/>',
    "proxies/default.xml": """<ProxyEndpoint name="default">
  <HTTPProxyConnection><BasePath>/orders</BasePath></HTTPProxyConnection>
  <RouteRule name="default"><TargetEndpoint>default</TargetEndpoint></RouteRule>
</ProxyEndpoint>""",
    "targets/default.xml": """<TargetEndpoint name="default">
  <HTTPTargetConnection>
    <LoadBalancer><Server name="orders"/></LoadBalancer>
    <Properties><Property name="keepalive.timeout.millis">0</Property></Properties>
  </HTTPTargetConnection>
</TargetEndpoint>""",
}


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


@pytest.fixture(scope="module")
def fresh_connections(running_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """A converged site whose proxy is a bundle of the user's own: it keeps no connection to the target.

    A connection that Apigee keeps open goes on leading to its pod. What DNS says is told by new ones.
    """
    apiproxy = tmp_path_factory.mktemp("orders") / "apiproxy"
    for name, text in BUNDLE.items():
        file = apiproxy / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    running_cloud.reset()
    proxy = {"name": "orders", "service": "orders", "bundle": str(apiproxy.parent)}
    running_cloud.play(declaration=running_cloud.declaration(proxies=[proxy]))
    return running_cloud


def answering_pods(cloud: Cloud, calls: int = 12) -> set[str]:
    """Who answers calls that each make a connection; "" stands for nobody."""
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: cloud.call(), range(calls)))
    assert all(hop["connection"] == "new" for answer in answers for hop in target_hops(answer))
    return {(answer.get("answered") or {}).get("pod", "") for answer in answers}


def target_hops(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The hops to the target that got a connection."""
    return [hop for hop in answer["trace"]["hops"] if hop["kind"] == "target" and hop.get("connected")]


def test_scaling_reaches_exactly_the_ready_pods(fresh_connections: Cloud) -> None:
    cloud = fresh_connections
    for replicas in (1, 3, 2):
        cloud.kubectl("scale", "deployment", "orders", "-n", "shop", f"--replicas={replicas}")
        wanted = until(
            lambda replicas=replicas: len(pods := ready_pods(cloud)) == replicas and pods,
            seconds=60,
            what=f"{replicas} ready pods",
        )
        time.sleep(DNS_SECONDS)
        answered = answering_pods(cloud)
        assert answered == wanted, f"with {replicas} ready pods"


def test_pods_see_an_address_of_the_instance(fresh_connections: Cloud) -> None:
    instances = fresh_connections.google("GET", "apigee", "v1/organizations/acme-shop/instances")["instances"]
    ranges = [ipaddress.ip_network(text) for text in instances[0]["ipRange"].split(",")]
    peer = json.loads(fresh_connections.call()["body"])["peer"]
    assert any(ipaddress.ip_address(peer) in network for network in ranges)
