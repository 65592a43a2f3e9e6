# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkPolicies on a real node: who reaches which port of a pod, from outside the cluster and from other pods."""
from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from testbed.images import SAMPLE_APP_IMAGE
from testbed.kubernetes import node
from testbed.network.namespace import Namespace
from tests.testbed.kubernetes.conftest import Kubectl, spec

pytestmark = pytest.mark.testbed

PLAIN, TLS = 8080, 8443
#: Addresses of the namespace outside: of "Apigee", and of somebody else in the VPC.
APIGEE, NEIGHBOUR = "10.40.0.2", "10.10.0.1"
#: Seconds. A dropped packet is no refusal: the caller waits.
PATIENCE = 0.4
#: Seconds from a change to its effect, kubectl's own time included.
PROMPT = 2.0


def container(name: str, port: int, port_name: str) -> dict[str, Any]:
    return {"name": name, "image": SAMPLE_APP_IMAGE, "env": [{"name": "PORT", "value": str(port)}],
            "ports": [{"name": port_name, "containerPort": port}],
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": port}, "periodSeconds": 1}}


def deployment(namespace: str, name: str, *containers: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": namespace, "name": name}, "spec": {
        "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}}, "spec": {
            "terminationGracePeriodSeconds": 0, "containers": list(containers)}}}}


def policy(name: str, pods: dict[str, str], namespace: str = "shop", **sections: Any) -> dict[str, Any]:
    types = [each.capitalize() for each in sections]
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"namespace": namespace, "name": name},
            "spec": {"podSelector": {"matchLabels": pods}, "policyTypes": types, **sections}}


ONLY_TLS_FROM_APIGEE = policy("orders", {"app": "orders"}, ingress=[
    {"from": [{"ipBlock": {"cidr": "10.40.0.0/22"}}], "ports": [{"port": "https"}]}])

WORKLOADS = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "partners", "labels": {"trusted": "yes"}}},
    deployment("shop", "orders", container("app", PLAIN, "http"), container("tls", TLS, "https")),
    deployment("partners", "caller", container("app", PLAIN, "http")),
    {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "shop", "name": "orders"},
     "spec": {"selector": {"app": "orders"}, "ports": [{"port": 80, "targetPort": PLAIN}]}},
]


class Scene:
    """The cluster with its workloads, and calls that are answered or not."""

    def __init__(self, kubectl: Kubectl, outer: Namespace) -> None:
        self.kubectl = kubectl
        self.outer = outer

    def apply(self, *items: dict[str, Any]) -> None:
        self.kubectl("apply", "--filename=-", input=json.dumps(
            {"apiVersion": "v1", "kind": "List", "items": list(items)}))

    def address(self, namespace: str, app: str) -> str:
        pods = self.kubectl.json("get", "pods", f"--namespace={namespace}", f"--selector=app={app}")["items"]
        [address] = [each["status"]["podIP"] for each in pods if "deletionTimestamp" not in each["metadata"]]
        return address

    def outside(self, source: str, port: int, timeout: float = PATIENCE) -> bool:
        """Whether a connection from outside the cluster comes about."""
        try:
            asyncio.run(self.outer.connect(self.address("shop", "orders"), port, timeout, source)).close()
        except TimeoutError:
            return False
        return True

    def pod(self, host: str, port: int, caller: str = "partners/caller") -> bool:
        """Whether a pod's call is answered."""
        namespace, _, name = caller.partition("/")
        try:
            self.kubectl("exec", f"--namespace={namespace}", f"deployment/{name}", "--container=app", "--",
                         "/sample-app", "request", f"--url=http://{host}:{port}/", f"--timeout={PATIENCE}s")
        except OSError as error:
            assert "exit code 1" in str(error) or "deadline" in str(error).lower(), error
            return False
        return True


def soon(check: Callable[[], bool], began: float) -> None:
    """The check comes true within :data:`PROMPT` seconds of ``began``, not counting what a failed look waits."""
    while not check():
        assert time.monotonic() - began < PROMPT + PATIENCE
    print(f"in force {time.monotonic() - began:.2f} s after the change")


@pytest.fixture
def scene(place, tmp_path):
    inner, outer, cgroup = place
    outer.run(["ip", "address", "add", f"{APIGEE}/32", "dev", "lo"])
    state = tmp_path / "node"
    try:
        access = asyncio.run(node.start(spec(cgroup, network_policy="dataplane_v2"), inner, state))
        scene = Scene(Kubectl(inner, access), outer)
        scene.apply(*WORKLOADS)
        for namespace, name in (("shop", "orders"), ("partners", "caller")):
            scene.kubectl("rollout", "status", f"--namespace={namespace}", f"deployment/{name}", "--timeout=60s")
        yield scene
        assert node.status(state)["phase"] == "ready"
    finally:
        asyncio.run(node.stop(state))


def test_policies_decide_who_reaches_which_port(scene):
    without_a_policy_everything_is_open(scene)
    only_the_tls_port_is_open_to_apigee(scene)
    a_connection_ends_when_its_port_is_closed(scene)
    pods_are_admitted_by_namespace_and_label(scene)
    a_new_pod_is_never_open(scene)
    egress_is_enforced(scene)
    began = time.monotonic()
    scene.kubectl("delete", "networkpolicies", "--all", "--all-namespaces")
    soon(lambda: scene.outside(NEIGHBOUR, PLAIN), began)


def without_a_policy_everything_is_open(scene: Scene) -> None:
    assert all(scene.outside(source, port) for source in (APIGEE, NEIGHBOUR) for port in (PLAIN, TLS))
    assert scene.pod(scene.address("shop", "orders"), PLAIN)
    assert scene.pod("orders.shop", 80)


def only_the_tls_port_is_open_to_apigee(scene: Scene) -> None:
    began = time.monotonic()
    scene.apply(ONLY_TLS_FROM_APIGEE)
    soon(lambda: not scene.outside(APIGEE, PLAIN), began)
    assert scene.outside(APIGEE, TLS)
    assert not scene.outside(NEIGHBOUR, TLS)
    assert not scene.pod(scene.address("shop", "orders"), TLS)
    assert not scene.pod("orders.shop", 80), "a Service is no way round"
    assert scene.pod(scene.address("shop", "orders"), PLAIN, "shop/orders"), "a pod reaches itself"
    # The node probes the closed port and is answered; after three failures the pod would not be ready.
    time.sleep(4)
    scene.kubectl("wait", "--namespace=shop", "--for=condition=Ready", "pod", "--selector=app=orders", "--timeout=0")


def a_connection_ends_when_its_port_is_closed(scene: Scene) -> None:
    scene.kubectl("delete", "--namespace=shop", "networkpolicy", "orders")
    soon(lambda: scene.outside(NEIGHBOUR, PLAIN), time.monotonic())

    def asked() -> bytes:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: orders\r\n\r\n")
        return connection.recv(65536)

    connection = asyncio.run(scene.outer.connect(scene.address("shop", "orders"), PLAIN, 5, NEIGHBOUR))
    with connection:
        connection.settimeout(5)
        assert asked().startswith(b"HTTP/1.1 200")
        scene.apply(ONLY_TLS_FROM_APIGEE)
        soon(lambda: not scene.outside(NEIGHBOUR, PLAIN), time.monotonic())
        connection.settimeout(PATIENCE)
        with pytest.raises(TimeoutError):
            asked()


def pods_are_admitted_by_namespace_and_label(scene: Scene) -> None:
    host = scene.address("shop", "orders")
    scene.apply(policy("partners", {"app": "orders"}, ingress=[{
        "from": [{"namespaceSelector": {"matchLabels": {"trusted": "yes"}},
                  "podSelector": {"matchExpressions": [{"key": "role", "operator": "In", "values": ["caller"]}]}}],
        "ports": [{"port": 8000, "endPort": 8100}]}]))
    assert not scene.pod(host, PLAIN)
    for change, answered in (("role=caller", True), ("role-", False)):
        began = time.monotonic()
        scene.kubectl("label", "--namespace=partners", "pod", "--selector=app=caller", change)
        soon(lambda wanted=answered: scene.pod(host, PLAIN) is wanted, began)
    scene.kubectl("label", "--namespace=partners", "pod", "--selector=app=caller", "role=caller")
    soon(lambda: scene.pod(host, PLAIN), time.monotonic())
    assert not scene.pod(host, TLS)
    began = time.monotonic()
    scene.kubectl("label", "namespace", "partners", "trusted-")
    soon(lambda: not scene.pod(host, PLAIN), began)


def a_new_pod_is_never_open(scene: Scene) -> None:
    before = scene.address("shop", "orders")
    scene.kubectl("delete", "--namespace=shop", "pod", "--selector=app=orders", "--wait=false")
    deadline = time.monotonic() + 30
    tries = 0
    while not scene.kubectl.json("get", "deployment", "--namespace=shop", "orders")["status"].get("readyReplicas"):
        assert time.monotonic() < deadline
        # Addresses are handed out in order: the new pod's is one of the next.
        for step in (1, 2, 3):
            head, _, last = before.rpartition(".")
            try:
                asyncio.run(scene.outer.connect(f"{head}.{int(last) + step}", PLAIN, 0.1, NEIGHBOUR)).close()
            except (TimeoutError, OSError):
                tries += 1
            else:
                assert f"{head}.{int(last) + step}" == scene.address("partners", "caller")
    assert tries and scene.address("shop", "orders") != before
    assert scene.outside(APIGEE, TLS) and not scene.outside(NEIGHBOUR, PLAIN)


def egress_is_enforced(scene: Scene) -> None:
    host = scene.address("shop", "orders")
    scene.apply(policy("open", {"app": "orders"}, ingress=[{}]))
    soon(lambda: scene.pod(host, PLAIN), time.monotonic())
    began = time.monotonic()
    scene.apply(policy("caller", {"app": "caller"}, namespace="partners", egress=[
        {"to": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "orders"}}}],
         "ports": [{"port": "https"}]}]))
    soon(lambda: not scene.pod(host, PLAIN), began)
    assert scene.pod(host, TLS)
    assert not scene.pod("orders.shop", 80), "not even the node's resolver is asked"


def test_without_an_enforcer_policies_have_no_effect(place, tmp_path):
    inner, outer, cgroup = place
    outer.run(["ip", "address", "add", f"{APIGEE}/32", "dev", "lo"])
    state = tmp_path / "node"
    try:
        scene = Scene(Kubectl(inner, asyncio.run(
            node.start(spec(cgroup, network_policy="dataplane_v2"), inner, state))), outer)
        scene.apply(*WORKLOADS[:3], ONLY_TLS_FROM_APIGEE)
        scene.kubectl("rollout", "status", "--namespace=shop", "deployment/orders", "--timeout=60s")
        soon(lambda: not scene.outside(NEIGHBOUR, PLAIN), time.monotonic())
        asyncio.run(node.start(spec(cgroup), inner, state))
        scene.kubectl("rollout", "status", "--namespace=shop", "deployment/orders", "--timeout=60s")
        assert scene.kubectl.json("get", "networkpolicies", "--namespace=shop")["items"]
        assert scene.outside(NEIGHBOUR, PLAIN)
    finally:
        asyncio.run(node.stop(state))
