# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Internal load balancers of a real cluster: who reaches their address, and what Google shows of them."""

from __future__ import annotations

import asyncio
import errno
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.network.namespace import Namespace
from testbed.network.vpc import Vpc
from testbed.state import State
from tests.acceptance.cloud import Cloud, Run, until

pytestmark = pytest.mark.testbed

SCENE = "tests/acceptance/load_balancer.yml"
ROLE = "tests/acceptance/internal_load_balancer.yml"
REGION = "projects/{project}/regions/europe-west1"
ANNOTATION = "networking.gke.io/load-balancer-type"
GLOBAL_ACCESS = "networking.gke.io/internal-load-balancer-allow-global-access"
#: Machines in the network: in the cluster's region, in another, and one whose address is in no subnet of the network.
MACHINES = {
    "near": ("10.10.0.9", "10.10.0.1"),
    "far": ("10.11.0.9", "10.11.0.1"),
    "outside": ("10.99.0.9", "10.99.0.1"),
}
#: Seconds. A dropped packet is no refusal: the caller waits.
PATIENCE = 0.4
PROMPT = 20.0
PRODUCTS = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "shop", "name": "products"},
        "spec": {
            "selector": {"matchLabels": {"app": "products"}},
            "template": {
                "metadata": {"labels": {"app": "products"}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [
                        {
                            "name": "app",
                            "image": "docker.io/gatewayops/sample-app:1",
                            "env": [{"name": "PORT", "value": "3000"}],
                        }
                    ],
                },
            },
        },
    },
]


def service(name: str = "products", annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A Service with the annotation, unless it has a class."""
    marks = {} if "loadBalancerClass" in spec else {ANNOTATION: "Internal"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": "shop", "name": name, "annotations": {**marks, **(annotations or {})}},
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": "products"},
            "ports": [{"port": 80, "targetPort": 3000}],
            **spec,
        },
    }


class Scene:
    """The cluster, its Google, and machines in the network."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.place = REGION.format(project=cloud.connection["project"])
        self._environment = cloud.shell_environment()
        state = State(cloud.home, cloud.home)
        vpc = Vpc(Namespace(state.namespace("vpc")), Namespace(state.namespace("apigee")))
        self.machines = {name: Namespace(state.namespace(name)) for name in MACHINES}
        for name, machine in self.machines.items():
            vpc.attach_machine(name, machine, *MACHINES[name])

    def kubectl(self, *arguments: str, items: Any = None) -> str:
        done = subprocess.run(
            ["kubectl", *arguments], env=self._environment, capture_output=True, text=True, check=False,
            input=None if items is None else json.dumps({"apiVersion": "v1", "kind": "List", "items": items}),
        )  # fmt: skip
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def apply(self, *items: dict[str, Any]) -> None:
        self.kubectl("apply", "--filename=-", items=items)

    def found(self, name: str = "products") -> dict[str, Any]:
        return json.loads(self.kubectl("get", "service", "--namespace=shop", name, "--output=json"))

    def address(self, name: str = "products") -> str:
        ingress = self.found(name)["status"]["loadBalancer"].get("ingress") or [{}]
        return ingress[0].get("ip", "")

    def answers(self, machine: str, host: str) -> bool:
        """Whether a connection comes about, and what answers is the application.

        Raises ConnectionRefusedError where the node has the address already and its kube-proxy does not know of it yet.
        """

        async def asked() -> bytes:
            with await self.machines[machine].connect(host, 80, PATIENCE) as sock:
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(sock, b"GET / HTTP/1.0\r\n\r\n")
                return await asyncio.wait_for(loop.sock_recv(sock, 100), 5)

        try:
            assert asyncio.run(asked()).startswith(b"HTTP/1.")
        except TimeoutError:
            return False
        except ConnectionRefusedError:
            raise
        except OSError as error:
            # Of an address that nobody has the testbed's router says so, where Google's network is silent.
            assert error.errno == errno.ENETUNREACH
            return False
        return True

    def reached_from(self, host: str, *machines: str) -> None:
        """Exactly these machines reach the address, soon, and the others are not even refused."""

        def seen() -> bool:
            try:
                return [name for name in self.machines if self.answers(name, host)] == list(machines)
            except ConnectionRefusedError:
                return False

        until(seen, seconds=PROMPT, what=f"{host} answers {', '.join(machines) or 'nobody'}")

    def google(self, collection: str) -> list[dict[str, Any]]:
        return self.cloud.google("GET", "compute", f"compute/v1/{self.place}/{collection}").get("items", [])

    def events(self, reason: str) -> list[str]:
        items = json.loads(self.kubectl("get", "events", "--namespace=shop", "--output=json"))["items"]
        return [each["message"] for each in items if each["reason"] == reason]

    def remove(self, name: str = "products") -> None:
        self.kubectl("delete", "service", "--namespace=shop", name)


@pytest.fixture(scope="module")
def scene(running_cloud: Cloud) -> Iterator[Scene]:
    running_cloud.reset()
    running_cloud.play(SCENE)
    made = Scene(running_cloud)
    made.apply(*PRODUCTS)
    made.kubectl("rollout", "status", "--namespace=shop", "deployment/products", "--timeout=60s")
    yield made
    for machine in made.machines.values():
        machine.delete()


def test_an_address_in_the_network_answers_its_region_then_others_and_source_ranges_alone(scene: Scene) -> None:
    scene.apply(service())
    host = until(scene.address, seconds=PROMPT, what="an address")
    assert host.startswith("10.10.0.")
    scene.reached_from(host, "near")
    (rule,) = scene.google("forwardingRules")
    assert (rule["IPAddress"], rule["ports"], rule["loadBalancingScheme"]) == (host, ["80"], "INTERNAL")
    assert rule["backendService"] == scene.google("backendServices")[0]["selfLink"]
    assert scene.found()["metadata"]["annotations"]["service.kubernetes.io/tcp-forwarding-rule"] == rule["name"]

    scene.apply(service(annotations={GLOBAL_ACCESS: "true"}))
    scene.reached_from(host, "near", "far")
    assert scene.google("forwardingRules")[0]["allowGlobalAccess"] is True

    scene.apply(service(annotations={GLOBAL_ACCESS: "true"}, loadBalancerSourceRanges=["10.11.0.0/28"]))
    scene.reached_from(host, "far")

    scene.remove()
    scene.reached_from(host)
    assert not scene.google("forwardingRules") and not scene.google("backendServices")
    assert scene.events("SyncLoadBalancerSuccessful") and scene.events("DeletedLoadBalancer")


def test_a_reserved_address_is_taken_by_name_and_stays_as_long_as_it_is_used(scene: Scene) -> None:
    path = f"compute/v1/{scene.place}/addresses"
    reserved = {"name": "products", "addressType": "INTERNAL", "subnetwork": f"{scene.place}/subnetworks/shop-west1"}
    scene.cloud.google("POST", "compute", path, json={**reserved, "address": "10.10.0.80"})
    scene.apply(service(
        annotations={"networking.gke.io/load-balancer-ip-addresses": "products"},
        loadBalancerClass="networking.gke.io/l4-regional-internal",
    ))  # fmt: skip
    until(lambda: scene.address() == "10.10.0.80", seconds=PROMPT, what="the reserved address")
    (shown,) = scene.google("addresses")
    assert shown["status"] == "IN_USE" and "/forwardingRules/k8s2-tcp-" in shown["users"][0]
    with pytest.raises(AssertionError, match="already being used by"):
        scene.cloud.google("DELETE", "compute", f"{path}/products")

    # A second one that wants the same waits, says why, and gets it when it is free.
    scene.apply(service("second", loadBalancerIP="10.10.0.80"))
    (refusal,) = until(lambda: scene.events("SyncLoadBalancerFailed"), seconds=PROMPT, what="a refusal")
    assert "10.10.0.80 is already in use" in refusal and not scene.address("second")
    scene.remove()
    until(lambda: scene.address("second") == "10.10.0.80", seconds=PROMPT, what="the address that became free")
    scene.reached_from("10.10.0.80", "near")
    scene.remove("second")
    until(lambda: scene.google("addresses")[0]["status"] == "RESERVED", seconds=PROMPT, what="a free address")
    scene.cloud.google("DELETE", "compute", f"{path}/products")


def test_a_service_of_another_class_is_left_alone(scene: Scene) -> None:
    scene.apply(service("other", loadBalancerClass="example.com/own"), service("products"))
    until(scene.address, seconds=PROMPT, what="the address of the one that asks for it")
    other = scene.found("other")
    assert not other["status"]["loadBalancer"] and "finalizers" not in other["metadata"]
    scene.remove("other")
    scene.remove()


def declared(**fields: Any) -> dict[str, Any]:
    """A load balancer of the role for the pods that are there."""
    return {
        "name": "catalogue",
        "namespace": "shop",
        "cluster": "gke",
        "region": "europe-west1",
        "subnetwork": "shop-west1",
        "target_port": 3000,
        "selector": {"app": "products"},
        "host": "catalogue.shop.internal",
        **fields,
    }


def play(scene: Scene, *services: dict[str, Any], check: bool = True, **variables: Any) -> Run:
    given = {"internal_load_balancer_services": list(services), **variables}
    return scene.cloud.play(ROLE, "-e", json.dumps(given), check=check)


def test_the_role_makes_what_answers_changes_nothing_again_and_leaves_nothing(scene: Scene) -> None:
    scene.cloud.control("DELETE", "requests")
    far = declared(client_regions=["europe-west3"])
    refused = play(scene, far, declared(name="other", cluster="none", host=""), check=False)
    assert refused.code and "clients in europe-west3 would not reach it" in refused.output
    assert "is a cluster that is not known" in refused.output and not scene.cloud.counters()["mutating"]

    made = play(scene, {**far, "global_access": True})
    assert {(kind, action) for kind, _name, action in made.actions} == {
        ("compute_address", "created"), ("dns_managed_zone", "created"), ("dns_record_set", "created"),
        ("Service", "created"),
    }  # fmt: skip
    assert "Make the Job" in made.output, "its answer was asked for inside the network"
    host = scene.address("catalogue")
    scene.reached_from(host, "near", "far")
    (shown,) = scene.google("addresses")
    assert (shown["name"], shown["address"], shown["status"]) == ("catalogue", host, "IN_USE")
    assert scene.found("catalogue")["spec"]["loadBalancerClass"] == "networking.gke.io/l4-regional-internal"
    zone = f"dns/v1/projects/{scene.cloud.connection['project']}/managedZones/shop-internal/rrsets"
    records = scene.cloud.google("GET", "dns", zone)["rrsets"]
    assert [each["rrdatas"] for each in records if each["type"] == "A"] == [[host]]

    scene.cloud.control("DELETE", "requests")
    again = play(scene, {**far, "global_access": True})
    assert again.changed == 0 and not again.actions and not scene.cloud.counters()["mutating"]
    assert "Make the Job" not in again.output

    play(scene, declared(), internal_load_balancer_state="absent")
    assert not scene.google("addresses") and not scene.google("forwardingRules")
    assert not [name for name in scene.cloud.state()["objects"] if "managedZones/shop-internal" in name]
