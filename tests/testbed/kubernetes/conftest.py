# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place for a real node: two namespaces with a link between, and a client of its API server."""
from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.kubernetes import node
from testbed.kubernetes.spec import NodeSpec
from testbed.network.namespace import Namespace


@pytest.fixture
def place(tmp_path):
    """Two namespaces with a link between: (the node's, the peer's, the spec's values that follow from them)."""
    with linked(tmp_path) as found:
        yield found


@contextlib.contextmanager
def linked(folder: Path) -> Iterator[tuple[Namespace, Namespace, str]]:
    """What ``place`` gives, for as long as the caller wants. The names follow from the folder."""
    instance = hashlib.sha256(str(folder).encode()).hexdigest()[:6]
    inner, outer = Namespace(f"tb-{instance}-node-0"), Namespace(f"tb-{instance}-vpc")
    for each in (inner, outer):
        each.create()
    outer.run(["ip", "link", "add", "node0", "type", "veth", "peer", "name", "eth0", "netns", inner.name])
    for command in ("ip address add 10.10.0.1/24 dev node0", "ip link set node0 up",
                    "ip route add 10.20.0.0/16 via 10.10.0.2"):
        outer.run(command.split())
    for command in ("ip address add 10.10.0.2/24 dev eth0", "ip link set eth0 up",
                    "ip route add default via 10.10.0.1"):
        inner.run(command.split())
    yield inner, outer, f"/testbed-{instance}/node-0"
    for each in (inner, outer):
        each.delete()


def spec(cgroup: str, **changes) -> NodeSpec:
    return NodeSpec(**{
        "name": "gke-demo-default-pool-0", "node_ip": "10.10.0.2", "pod_range": "10.20.0.0/16",
        "service_range": "10.30.0.0/20", "cgroup": cgroup, "admin_principals": ("owner@example.test",),
        "labels": {"topology.kubernetes.io/region": "europe-west1", "cloud.google.com/gke-nodepool": "default-pool"},
        **changes})


class Kubectl:
    def __init__(self, namespace: Namespace, access: node.NodeAccess) -> None:
        self.namespace, self.access = namespace, access

    def __call__(self, *arguments: str, input: str | None = None) -> str:
        return self.namespace.run(
            [str(self.access.binaries / "kubectl"), "--kubeconfig", str(self.access.node_kubeconfig), *arguments],
            input=input)

    def json(self, *arguments: str):
        return json.loads(self(*arguments, "--output=json"))

    def pods(self) -> dict[str, str]:
        """Name and address of each ready pod of the application."""
        return {pod["metadata"]["name"]: pod["status"]["podIP"]
                for pod in self.json("get", "pods", "--selector=app=app")["items"]
                if any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"]["conditions"])}
