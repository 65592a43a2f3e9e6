# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""An Ingress of a real cluster, from its annotations to who is let in: the emulator, a node, and a real Envoy."""
from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from testbed import leftovers
from testbed.certificates import Authority
from testbed.google.http_balancers import HttpBalancerObjects
from testbed.images import SAMPLE_APP_IMAGE
from testbed.kubernetes import build
from testbed.kubernetes.client import ApiClient, ApiError
from testbed.network.namespace import Namespace
from testbed.outside import Answer, call, speaks
from testbed.real_world import RealWorld
from testbed.state import State, cache_folder
from tests.testbed.google.conftest import COMPUTE, CONTAINER, PROJECT, Google, open_google

pytestmark = pytest.mark.testbed

FRIEND, STRANGER, STRANGER_6 = "192.0.2.7", "192.0.2.8", "2001:db8:e::1"
HEALTHY = {"type": "HTTP", "requestPath": "/healthz", "port": 8080}
PLACES = {"Namespace": "/api/v1/namespaces", "Deployment": "/apis/apps/v1/namespaces/shop/deployments",
          "Service": "/api/v1/namespaces/shop/services", "Event": "/api/v1/namespaces/shop/events",
          "Ingress": "/apis/networking.k8s.io/v1/namespaces/shop/ingresses",
          "Secret": "/api/v1/namespaces/shop/secrets",
          "BackendConfig": "/apis/cloud.google.com/v1/namespaces/shop/backendconfigs",
          "FrontendConfig": "/apis/networking.gke.io/v1beta1/namespaces/shop/frontendconfigs",
          "ManagedCertificate": "/apis/networking.gke.io/v1/namespaces/shop/managedcertificates",
          "GCPGatewayPolicy": "/apis/networking.gke.io/v1/namespaces/shop/gcpgatewaypolicies",
          "Gateway": "/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways",
          "HTTPRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes",
          "GCPBackendPolicy": "/apis/networking.gke.io/v1/namespaces/shop/gcpbackendpolicies",
          "HealthCheckPolicy": "/apis/networking.gke.io/v1/namespaces/shop/healthcheckpolicies"}
VERSIONS = {"Deployment": "apps/v1", "Ingress": "networking.k8s.io/v1", "BackendConfig": "cloud.google.com/v1",
            "Gateway": "gateway.networking.k8s.io/v1", "HTTPRoute": "gateway.networking.k8s.io/v1",
            "FrontendConfig": "networking.gke.io/v1beta1", "ManagedCertificate": "networking.gke.io/v1",
            "GCPGatewayPolicy": "networking.gke.io/v1", "GCPBackendPolicy": "networking.gke.io/v1",
            "HealthCheckPolicy": "networking.gke.io/v1"}
BOUND = {"cloud.google.com/neg": '{"ingress": true}', "cloud.google.com/backend-config": '{"default": "protected"}'}
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
        self.folder = state.home
        self.internet = Namespace(state.namespace("internet"))
        (running,) = world.clusters.running()
        #: A machine of the network.
        self.node, self.node_ip = running.namespace, running.spec.node_ip
        self._client = ApiClient(world.clusters._client(running, "admin"))

    async def apply(self, kind: str, name: str, annotations: dict[str, str] | None = None, **spec: Any) -> None:
        """Make an object, or bring it to this."""
        body = {"stringData": spec, "type": "kubernetes.io/tls"} if kind == "Secret" else {"spec": spec}
        item = {"apiVersion": VERSIONS.get(kind, "v1"), "kind": kind, **body,
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

    async def gone(self, kind: str, name: str) -> bool:
        return await self.get(kind, name) is None

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

    async def ask(self, source: str, address: str, path: str = "/", host: str = "shop.example", *,
                  ca: Path | None = None, inside: bool = False, timeout: float = 20) -> Answer:
        """Encrypted with ``ca``; ``inside``: from the machine of the network."""
        where = f"[{address}]" if ":" in address else address
        url = f"{'https' if ca else 'http'}://{where}{path}"
        return await asyncio.to_thread(call, self.node if inside else self.internet, url, source, host=host, ca=ca,
                                       timeout=timeout)

    async def speaks(self, address: str, version: ssl.TLSVersion) -> bool:
        """Whether an address accepts a version of TLS, however old."""
        return await asyncio.to_thread(speaks, self.internet, address, FRIEND, version, "shop.example")

    def endpoints(self, service: str) -> list[Any]:
        """Where the load balancer of a Service calls its pods."""
        key = "networkEndpointGroups/"
        found = [each for path, each in self.google.emulator.store.snapshot().items("compute/projects/")
                 if key in path and f"shop/{service}" in each["description"]]
        return [one for each in found for one in each["_endpoints"]]

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


async def done(google: Google, operation: dict[str, Any]) -> None:
    """Wait for an operation of Kubernetes Engine, which takes as long as a node does."""
    while operation["status"] != "DONE":
        await asyncio.sleep(0.2)
        operation = await google.call("GET", f"{CONTAINER}/operations/{operation['name']}")
    assert "error" not in operation, operation


async def cluster(google: Google) -> None:
    """Make a cluster, its network and a security policy."""
    await google.ready()
    await google.do("POST", f"{COMPUTE}/global/securityPolicies", {"name": "only-friends", "rules": RULES})
    body = google.cluster()
    body["cluster"]["networkConfig"]["gatewayApiConfig"] = {"channel": "CHANNEL_STANDARD"}
    await done(google, await google.call("POST", f"{CONTAINER}/clusters", body))


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
        await cluster(google)
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


async def test_ingresses_and_gateways_let_in_whom_their_policy_lets_in(place: Place) -> None:
    await an_ingress_from_its_beginning(place)
    await a_config_that_is_bound_late_or_says_less(place)
    await a_gateway(place)
    await internal_ones(place)
    await certificates_and_versions(place)
    await the_add_on(place)
    await a_node_that_serves_another_cluster(place)


async def an_ingress_from_its_beginning(place: Place) -> None:
    orders, rest = ({"service": {"name": name, "port": {"number": 80}}} for name in ("orders", "rest"))
    paths = [{"path": "/orders", "pathType": "Prefix", "backend": orders}]
    rules = [{"host": "shop.example", "http": {"paths": paths}}]
    await place.apply("Ingress", "shop", {"kubernetes.io/ingress.class": "gce"}, defaultBackend=rest, rules=rules)
    await place.apply("Ingress", "ours", defaultBackend=rest, ingressClassName="gce")

    async def complains() -> bool:
        return any(reason == "Translate" and 'could not find service "shop/' in message
                   for reason, message in await place.events("shop"))

    await eventually(complains)
    await place.apply("BackendConfig", "protected", securityPolicy={"name": "only-friends"}, healthCheck=HEALTHY)
    for name in ("orders", "rest"):
        await place.apply("Service", name, BOUND, selector={"app": name}, ports=[{"port": 80, "targetPort": 8080}])
    address = await place.address("shop")
    answer = await place.ask(FRIEND, address, "/orders/42?x=1")
    assert answer.status == 200
    seen = json.loads(answer.body)
    assert seen["pod"].startswith("orders-") and seen["peer"].startswith("35.191.0.1")
    assert json.loads((await place.ask(FRIEND, address, "/", "other.example")).body)["pod"].startswith("rest-")
    for path, host in (("/orders", "shop.example"), ("/", "shop.example"), ("/", "other.example")):
        assert (await place.ask(STRANGER, address, path, host)).status == 403
    annotations = (await place.get("Ingress", "shop"))["metadata"]["annotations"]
    assert annotations["ingress.kubernetes.io/url-map"].startswith("k8s2-um-")
    service = await place.get("Service", "orders")
    groups = json.loads(service["metadata"]["annotations"]["cloud.google.com/neg-status"])["network_endpoint_groups"]
    assert groups["80"] in json.loads(annotations["ingress.kubernetes.io/backends"])
    # The class in the spec alone: nobody's.
    assert "finalizers" not in (await place.get("Ingress", "ours"))["metadata"]
    assert ("IPChanged", f"IP is now {address}") in await place.events("shop")


async def a_config_that_is_bound_late_or_says_less(place: Place) -> None:
    """GKE's traps (other-systems.md 4.3)."""
    await place.apply("Service", "late", {"cloud.google.com/neg": '{"ingress": true}'}, selector={"app": "rest"},
                      ports=[{"port": 80, "targetPort": 8080}])
    late = {"service": {"name": "late", "port": {"number": 80}}}
    rules = [{"host": "late.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": late}]}}]
    await place.apply("Ingress", "late", rules=rules)

    async def open_() -> bool:
        found = (await place.get("Ingress", "late"))["status"].get("loadBalancer", {}).get("ingress")
        return bool(found) and (await place.ask(STRANGER, found[0]["ip"], "/", "late.example")).status == 200

    await eventually(open_)
    shown = await place.get("Ingress", "late")
    address = shown["status"]["loadBalancer"]["ingress"][0]["ip"]
    # Nobody named a default backend: pods of Google's own answer everybody.
    assert (await place.ask(STRANGER, address, "/", "other.example")).status == 404
    await place.apply("Service", "late", BOUND, selector={"app": "rest"}, ports=[{"port": 80, "targetPort": 8080}])

    async def annotated() -> bool:
        return (await place.get("Service", "late"))["metadata"]["annotations"].get(
            "cloud.google.com/backend-config") is not None

    await eventually(annotated)
    # Pods that come are followed, and yet the config has no effect.
    deployment = await place.get("Deployment", "rest")
    deployment["spec"]["replicas"] = 2
    await place.apply("Deployment", "rest", **deployment["spec"])

    async def two() -> bool:
        return len(place.endpoints("late")) == 2

    await eventually(two)
    assert "securityPolicy" not in (await place.backends())["shop/late"]
    await place.apply("Ingress", "late", {"touched": "once"}, rules=rules)

    async def protected() -> bool:
        return (await place.ask(STRANGER, address, "/", "late.example")).status == 403

    await eventually(protected)
    # To say nothing of the policy any more takes nothing away; an empty name does.
    await place.apply("BackendConfig", "protected", healthCheck=HEALTHY, timeoutSec=41)

    async def said() -> bool:
        return {each["timeoutSec"] for each in (await place.backends()).values()} == {41, 30}

    await eventually(said)
    assert await protected()
    await place.apply("BackendConfig", "protected", healthCheck=HEALTHY, securityPolicy={"name": ""})
    await eventually(open_)
    await place.delete("Ingress", "late")

    async def gone() -> bool:
        return await place.get("Ingress", "late") is None

    await eventually(gone)
    assert "shop/late" not in await place.backends()


async def a_gateway(place: Place) -> None:
    listeners = [{"name": "http", "protocol": "HTTP", "port": 80}]
    await place.apply("Gateway", "front", gatewayClassName="gke-l7-global-external-managed", listeners=listeners)
    await place.apply("HTTPRoute", "orders", parentRefs=[{"name": "front"}], hostnames=["shop.example"], rules=[
        {"matches": [{"path": {"type": "PathPrefix", "value": "/orders"}}],
         "backendRefs": [{"name": "orders", "port": 80}]}])
    target = {"group": "", "kind": "Service", "name": "orders"}
    check = {"config": {"type": "HTTP", "httpHealthCheck": {"requestPath": "/healthz", "port": 8080}}}
    await place.apply("HealthCheckPolicy", "orders", targetRef=target, default=check)
    await place.apply("GCPBackendPolicy", "orders", targetRef=target, default={"securityPolicy": "only-friends"})

    async def attached() -> bool:
        status = (await place.get("GCPBackendPolicy", "orders")).get("status", {})
        return [(each["type"], each["status"]) for each in status.get("conditions", [])] == [("Attached", "True")]

    await eventually(attached)
    gateway = await place.get("Gateway", "front")
    address = gateway["status"]["addresses"][0]["value"]
    assert {each["type"]: each["status"] for each in gateway["status"]["conditions"]} == {
        "Accepted": "True", "Programmed": "True"}

    async def served() -> bool:
        return (await place.ask(FRIEND, address, "/orders/1")).status == 200

    await eventually(served)
    assert (await place.ask(STRANGER, address, "/orders/1")).status == 403
    assert [(await place.ask(FRIEND, address, path, host)).status for path, host in (
        ("/", "shop.example"), ("/orders", "other.example"))] == [404, 404]
    route = await place.get("HTTPRoute", "orders")
    assert {each["status"] for each in route["status"]["parents"][0]["conditions"]} == {"True"}
    # A policy that goes takes its effect with it.
    await place.delete("GCPBackendPolicy", "orders")

    async def open_() -> bool:
        return (await place.ask(STRANGER, address, "/orders/1")).status == 200

    await eventually(open_)
    await place.delete("Gateway", "front")

    async def gone() -> bool:
        return await place.get("Gateway", "front") is None

    await eventually(gone)


async def internal_ones(place: Place) -> None:
    """Behind an address of the network: for callers there, and without a policy."""
    await place.apply("BackendConfig", "inner", healthCheck=HEALTHY)
    bound = {**BOUND, "cloud.google.com/backend-config": '{"default": "inner"}'}
    await place.apply("Service", "inside", bound, selector={"app": "rest"}, ports=[{"port": 80, "targetPort": 8080}])
    backend = {"service": {"name": "inside", "port": {"number": 80}}}
    internal = {"kubernetes.io/ingress.class": "gce-internal"}
    await place.apply("Ingress", "inside", internal, defaultBackend=backend)

    async def complains() -> bool:
        return any("proxy-only subnetwork is required" in message for _reason, message in await place.events("inside"))

    await eventually(complains)
    proxies = {"name": "proxies", "network": f"projects/{PROJECT}/global/networks/shop", "ipCidrRange": "10.12.0.0/23",
               "purpose": "REGIONAL_MANAGED_PROXY", "role": "ACTIVE"}
    await place.google.do("POST", f"{COMPUTE}/regions/europe-west1/subnetworks", proxies)
    await place.apply("Ingress", "inside", {**internal, "touched": "once"}, defaultBackend=backend)
    address = await place.address("inside")
    answer = await place.ask(place.node_ip, address, inside=True)
    seen = json.loads(answer.body)
    assert seen["pod"].startswith("rest-") and seen["peer"].startswith("10.12.0.2")
    with pytest.raises(OSError):
        await place.ask(FRIEND, address, timeout=1)
    # The same by a Gateway, whose notes name objects of the region.
    target = {"group": "", "kind": "Service", "name": "inside"}
    check = {"config": {"type": "HTTP", "httpHealthCheck": {"requestPath": "/healthz", "port": 8080}}}
    await place.apply("HealthCheckPolicy", "inside", targetRef=target, default=check)
    listeners = [{"name": "http", "protocol": "HTTP", "port": 80}]
    await place.apply("HTTPRoute", "inside", parentRefs=[{"name": "within"}], rules=[
        {"backendRefs": [{"name": "inside", "port": 80}]}])
    await place.apply("Gateway", "within", gatewayClassName="gke-l7-rilb", listeners=listeners)

    async def served() -> bool:
        given = (await place.get("Gateway", "within")).get("status", {}).get("addresses")
        return bool(given) and (await place.ask(place.node_ip, given[0]["value"], inside=True)).status == 200

    await eventually(served)
    notes = (await place.get("Gateway", "within"))["metadata"]["annotations"]
    assert "/regions/europe-west1/urlMaps/" in notes["networking.gke.io/url-maps"]
    for kind, name in (("Ingress", "inside"), ("Gateway", "within")):
        await place.delete(kind, name)

    async def gone() -> bool:
        return await place.get("Ingress", "inside") is None and await place.get("Gateway", "within") is None

    await eventually(gone)
    with pytest.raises(OSError):
        await place.ask(place.node_ip, address, inside=True, timeout=1)


async def certificates_and_versions(place: Place) -> None:
    """Certificates that Google manages, those of one's own in both places; and which versions of TLS are accepted."""
    mine = Authority.load_or_create(place.folder / "own", "of one's own")
    chain, key = (part.decode() for part in mine.issue(["shop.example"]))
    await place.apply("Secret", "own", **{"tls.crt": chain, "tls.key": key})
    shared = {"name": "shared", "certificate": chain, "privateKey": key}
    await place.google.do("POST", f"{COMPUTE}/global/sslCertificates", shared)
    managed = {"name": "googles", "type": "MANAGED", "managed": {"domains": ["shop.example"]}}
    await place.google.do("POST", f"{COMPUTE}/global/sslCertificates", managed)
    await place.google.do("POST", f"{COMPUTE}/global/sslPolicies", {"name": "new", "minTlsVersion": "TLS_1_2"})
    # A managed one, HTTPS alone, and the oldest versions as long as nobody says otherwise.
    backend = {"service": {"name": "rest", "port": {"number": 80}}}
    notes = {"kubernetes.io/ingress.allow-http": "false", "networking.gke.io/v1beta1.FrontendConfig": "safe",
             "networking.gke.io/managed-certificates": "googles"}
    await place.apply("FrontendConfig", "safe")
    await place.apply("ManagedCertificate", "googles", domains=["shop.example"])
    await place.apply("Ingress", "safe", notes, defaultBackend=backend)
    address = await place.address("safe")
    googles, own = place.world.authority.certificate_file, mine.certificate_file
    assert (await place.ask(FRIEND, address, ca=googles)).status == 200
    state = (await place.get("ManagedCertificate", "googles"))["status"]
    assert (state["certificateStatus"], state["domainStatus"]) == (
        "Active", [{"domain": "shop.example", "status": "Active"}])
    shown = (await place.get("Ingress", "safe"))["metadata"]["annotations"]
    assert shown["ingress.gcp.kubernetes.io/pre-shared-cert"] == state["certificateName"]
    assert await place.speaks(address, ssl.TLSVersion.TLSv1_1)
    await place.apply("FrontendConfig", "safe", sslPolicy="new")

    async def modern() -> bool:
        return not await place.speaks(address, ssl.TLSVersion.TLSv1_1)

    await eventually(modern)
    assert await place.speaks(address, ssl.TLSVersion.TLSv1_2)
    # Instead of it one's own: of Compute Engine, and of a Secret.
    del notes["networking.gke.io/managed-certificates"]
    for more, tls in (({"ingress.gcp.kubernetes.io/pre-shared-cert": "shared"}, []), ({}, [{"secretName": "own"}])):
        await place.delete("Ingress", "safe")
        await eventually(lambda: place.gone("Ingress", "safe"))
        await place.apply("Ingress", "safe", {**notes, **more}, defaultBackend=backend, tls=tls)
        address = await place.address("safe")
        assert (await place.ask(FRIEND, address, ca=own)).status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            await place.ask(FRIEND, address, ca=googles)
        assert await modern()
    await place.delete("Ingress", "safe")
    await eventually(lambda: place.gone("Ingress", "safe"))
    # A Gateway with one that Google manages, and the policy by its own kind.
    listeners = [{"name": "https", "protocol": "HTTPS", "port": 443, "tls": {
        "mode": "Terminate", "options": {"networking.gke.io/pre-shared-certs": "googles"}}}]
    target = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "safe"}
    await place.apply("GCPGatewayPolicy", "safe", targetRef=target, default={"sslPolicy": "new"})
    await place.apply("HTTPRoute", "safe", parentRefs=[{"name": "safe"}], rules=[
        {"backendRefs": [{"name": "inside", "port": 80}]}])
    await place.apply("Gateway", "safe", gatewayClassName="gke-l7-global-external-managed", listeners=listeners)

    async def served() -> bool:
        given = (await place.get("Gateway", "safe")).get("status", {}).get("addresses")
        return bool(given) and (await place.ask(FRIEND, given[0]["value"], ca=googles)).status == 200

    await eventually(served)
    gateway = await place.get("Gateway", "safe")
    assert not await place.speaks(gateway["status"]["addresses"][0]["value"], ssl.TLSVersion.TLSv1_1)
    (condition,) = (await place.get("GCPGatewayPolicy", "safe"))["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("Attached", "True")
    await place.delete("Gateway", "safe")
    await eventually(lambda: place.gone("Gateway", "safe"))


async def the_add_on(place: Place) -> None:
    """Without it nobody looks at Ingresses; what was made stays."""
    update = {"update": {"desiredAddonsConfig": {"httpLoadBalancing": {"disabled": True}}}}
    await done(place.google, await place.google.call("PUT", f"{CONTAINER}/clusters/shop", update))
    (running,) = place.world.clusters.running()
    assert running.http_controllers == []
    update["update"]["desiredAddonsConfig"]["httpLoadBalancing"]["disabled"] = False
    await done(place.google, await place.google.call("PUT", f"{CONTAINER}/clusters/shop", update))
    # It knows an Ingress of before, and takes away what it has.
    await place.delete("Ingress", "shop")

    async def gone() -> bool:
        return await place.get("Ingress", "shop") is None

    await eventually(gone)
    assert await place.backends() == {}


async def a_node_that_serves_another_cluster(place: Place) -> None:
    """What controllers keep from going, goes; the next cluster gets everything anew."""
    (before,) = place.world.clusters.running()
    rest = {"service": {"name": "rest", "port": {"number": 80}}}
    await place.apply("BackendConfig", "protected", securityPolicy={"name": "only-friends"}, healthCheck=HEALTHY)
    await place.apply("Ingress", "left", defaultBackend=rest)
    address = await place.address("left")
    assert (await place.ask(STRANGER, address)).status == 403
    await place.google.emulator.reset(keep_nodes=True)
    await cluster(place.google)
    (after,) = place.world.clusters.running()
    assert after.access.pid == before.access.pid
    with pytest.raises(OSError):
        await place.ask(FRIEND, address)
    assert await place.backends() == {}

    async def installed() -> bool:
        found = await place.get("BackendConfig")
        return found is not None and found["items"] == []

    await eventually(installed)
