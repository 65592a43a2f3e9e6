# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""An Ingress of a real cluster, from its annotations to who is let in: the emulator, a node, and a real Envoy."""
from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from testbed import leftovers
from testbed.google.http_balancers import HttpBalancerObjects
from testbed.images import SAMPLE_APP_IMAGE
from testbed.kubernetes import build
from testbed.kubernetes.client import ApiClient, ApiError
from testbed.network.namespace import Namespace
from testbed.outside import Answer, call
from testbed.real_world import RealWorld
from testbed.state import State, cache_folder
from tests.testbed.google.conftest import COMPUTE, CONTAINER, Google, open_google

pytestmark = pytest.mark.testbed

FRIEND, STRANGER, STRANGER_6 = "192.0.2.7", "192.0.2.8", "2001:db8:e::1"
HEALTHY = {"type": "HTTP", "requestPath": "/healthz", "port": 8080}
PLACES = {"Namespace": "/api/v1/namespaces", "Deployment": "/apis/apps/v1/namespaces/shop/deployments",
          "Service": "/api/v1/namespaces/shop/services", "Event": "/api/v1/namespaces/shop/events",
          "Ingress": "/apis/networking.k8s.io/v1/namespaces/shop/ingresses",
          "BackendConfig": "/apis/cloud.google.com/v1/namespaces/shop/backendconfigs"}
VERSIONS = {"Deployment": "apps/v1", "Ingress": "networking.k8s.io/v1", "BackendConfig": "cloud.google.com/v1"}
RULES = [
    {"priority": 1000, "action": "allow",
     "match": {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": [f"{FRIEND}/32"]}}},
    {"priority": 2147483647, "action": "deny(403)",
     "match": {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": ["*"]}}},
]


class Place:
    """A project with a network, a security policy and a cluster, and what a user of it does."""

    def __init__(self, google: Google, world: RealWorld, state: State) -> None:
        self.google = google
        self.world = world
        self.internet = Namespace(state.namespace("internet"))
        (running,) = world.clusters.running()
        self._client = ApiClient(world.clusters._client(running, "admin"))

    async def apply(self, kind: str, name: str, annotations: dict[str, str] | None = None, **spec: Any) -> None:
        """Make an object, or bring it to this."""
        item = {"apiVersion": VERSIONS.get(kind, "v1"), "kind": kind, "spec": spec,
                "metadata": {"name": name, "annotations": annotations or {}}}
        await asyncio.to_thread(self._client.apply, f"{PLACES[kind]}/{name}", item)

    async def delete(self, kind: str, name: str) -> None:
        await asyncio.to_thread(self._client.request, "DELETE", f"{PLACES[kind]}/{name}")

    async def get(self, kind: str, name: str = "") -> Any:
        """The object, all of the kind without a name, or None."""
        try:
            return await asyncio.to_thread(self._client.get, f"{PLACES[kind]}/{name}".rstrip("/"))
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    async def events(self, name: str) -> list[tuple[str, str]]:
        return [(each["reason"], each["message"]) for each in (await self.get("Event"))["items"]
                if each["involvedObject"]["name"] == name]

    async def address(self, name: str) -> str:
        """The address of an Ingress once all its backends are known to be healthy."""
        async def ready() -> str:
            found = await self.get("Ingress", name)
            annotations = found["metadata"].get("annotations") or {}
            states = json.loads(annotations.get("ingress.kubernetes.io/backends", "{}"))
            shown = found["status"].get("loadBalancer", {}).get("ingress") or []
            return shown[0]["ip"] if shown and states and set(states.values()) == {"HEALTHY"} else ""

        return await eventually(ready)

    async def ask(self, source: str, address: str, path: str = "/", host: str = "shop.example") -> Answer:
        where = f"[{address}]" if ":" in address else address
        return await asyncio.to_thread(call, self.internet, f"http://{where}{path}", source, host=host)

    async def backends(self) -> dict[str, dict[str, Any]]:
        """Backend services by the Service that they are for."""
        found = (await self.google.call("GET", f"{COMPUTE}/global/backendServices")).get("items", [])
        return {json.loads(each["description"])["kubernetes.io/service-name"]: each for each in found}


async def eventually(condition: Callable[[], Awaitable[Any]], timeout: float = 120) -> Any:
    deadline = asyncio.get_running_loop().time() + timeout
    while not (found := await condition()):
        assert asyncio.get_running_loop().time() < deadline, "it never came"
        await asyncio.sleep(0.1)
    return found


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    state = State(tmp_path / "home", cache_folder())
    state.prepare()
    monkeypatch.chdir(state.home)

    async def changed() -> None:
        pass

    world = RealWorld(state, build.ensure_binaries(), lambda _token: None, (), changed)
    try:
        await world.open()
        google = await open_google(state.google, world)  # type: ignore[arg-type]  # the real one, not the double
        world.clusters.http_balancers = HttpBalancerObjects(google.emulator)
        await google.ready()
        await google.do("POST", f"{COMPUTE}/global/securityPolicies", {"name": "only-friends", "rules": RULES})
        operation = await google.call("POST", f"{CONTAINER}/clusters", google.cluster())
        while operation["status"] != "DONE":
            await asyncio.sleep(0.2)
            operation = await google.call("GET", f"{CONTAINER}/operations/{operation['name']}")
        assert "error" not in operation, operation
        made = Place(google, world, state)
        await made.apply("Namespace", "shop")
        for name in ("orders", "rest"):
            container = {"name": "app", "image": SAMPLE_APP_IMAGE, "ports": [{"containerPort": 8080}]}
            await made.apply("Deployment", name, replicas=1, selector={"matchLabels": {"app": name}}, template={
                "metadata": {"labels": {"app": name}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}})
        yield made
        assert google.emulator.violations == []
        await google.client.close()
        await world.close()
        assert leftovers.namespaces(state) == []
    finally:
        leftovers.clean(state)


async def test_an_ingress_lets_in_whom_its_policy_lets_in(place: Place) -> None:
    await place.apply("BackendConfig", "protected", securityPolicy={"name": "only-friends"}, healthCheck=HEALTHY)
    bound = {"cloud.google.com/neg": '{"ingress": true}', "cloud.google.com/backend-config": '{"default": "protected"}'}
    for name in ("orders", "rest"):
        await place.apply("Service", name, bound, selector={"app": name}, ports=[{"port": 80, "targetPort": 8080}])
    orders, rest = ({"service": {"name": name, "port": {"number": 80}}} for name in ("orders", "rest"))
    paths = [{"path": "/orders", "pathType": "Prefix", "backend": orders}]
    rules = [{"host": "shop.example", "http": {"paths": paths}}]
    await place.apply("Ingress", "shop", {"kubernetes.io/ingress.class": "gce"}, defaultBackend=rest, rules=rules)
    address = await place.address("shop")
    answer = await place.ask(FRIEND, address, "/orders/42?x=1")
    assert answer.status == 200
    seen = json.loads(answer.body)
    assert seen["pod"].startswith("orders-") and seen["peer"].startswith("35.191.0.1")
    assert json.loads((await place.ask(FRIEND, address, "/", "other.example")).body)["pod"].startswith("rest-")
    for path, host in (("/orders", "shop.example"), ("/", "shop.example"), ("/", "other.example")):
        assert (await place.ask(STRANGER, address, path, host)).status == 403
