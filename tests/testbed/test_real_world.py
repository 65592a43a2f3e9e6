# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Consequences of clusters and instances, without the emulator. Starts a real node; needs root."""
from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import ssl
import subprocess
import uuid

import dns.message
import dns.rcode
import pytest

from testbed import leftovers, processes
from testbed.kubernetes import build
from testbed.network.firewall import RESOLVER
from testbed.network.namespace import Namespace
from testbed.real_world import RealWorld
from testbed.state import NORTHBOUND_PORT, State
from testbed.world import Cluster, Instance, Network, PeeredDomain, WorldError, Zone

pytestmark = pytest.mark.testbed

CLUSTER = Cluster("acme-shop", "europe-west1-b", "shop", 0, "shop-vpc", "shop", "10.10.0.0/24", "10.20.0.0/16",
                  "10.40.0.0/20", "CLOUD_DNS", tags=("gke-shop",))
ADDITIVE = dataclasses.replace(CLUSTER, additive_domain="add.acme.internal")
VPC_SCOPE = dataclasses.replace(CLUSTER, dns_scope="VPC_SCOPE", dns_domain="gke.acme.internal")
NETWORK = Network("shop-vpc", peered_to_apigee=True, zones=(
    Zone("corp", "corp.example.", (("a.corp.example.", "A", 30, ("10.0.0.1",)),)),), peered_domains=(
    PeeredDomain("add", "acme.internal.", "shop-vpc"), PeeredDomain("corp", "corp.example.", "shop-vpc")))
#: A headless Service whose address stands in an EndpointSlice, so that no pod is needed.
SERVICES = [
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "headless"},
     "spec": {"clusterIP": "None", "ports": [{"name": "http", "port": 80}]}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "plain"}, "spec": {"ports": [{"port": 80}]}},
    {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
     "metadata": {"name": "headless-1", "labels": {"kubernetes.io/service-name": "headless"}},
     "ports": [{"name": "http", "port": 80}],
     "endpoints": [{"addresses": ["10.20.0.9"], "conditions": {"ready": True}}]},
]
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "orders"}}
#: A pod that no node takes, and that would not go by itself either.
POD_THAT_STAYS = {
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": "waits", "namespace": "orders"},
    "spec": {"nodeSelector": {"nobody": "has"}, "containers": [{"name": "c", "image": "none"}]}}


class Place:
    """A world, and questions to Apigee's resolver."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.tenant = Namespace(state.namespace("apigee"))
        self.published = 0
        self.world = RealWorld(state, build.ensure_binaries(), lambda _token: None, (), self.count)

    async def count(self) -> None:
        self.published += 1

    async def resolve(self, name: str, source: Namespace | None = None) -> list[str]:
        """Addresses as Apigee sees them, or another namespace; empty where the name does not exist."""
        loop = asyncio.get_running_loop()
        with (source or self.tenant).udp("0.0.0.0", 0) as sock:
            await loop.sock_connect(sock, (RESOLVER, 53))
            await loop.sock_sendall(sock, dns.message.make_query(name, "A").to_wire())
            reply = dns.message.from_wire(await asyncio.wait_for(loop.sock_recv(sock, 4096), 6))
        assert reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
        return [item.address for rrset in reply.answer for item in rrset]

    async def apply(self, documents: list[dict]) -> None:
        """kubectl apply, in a process of its own: this one forwards its connection."""
        (running,) = self.world.clusters.running()
        items = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
        done = await asyncio.to_thread(
            subprocess.run, [str(running.access.binaries / "kubectl"), "apply", "-f", "-"], text=True,
            env={**os.environ, "KUBECONFIG": str(running.access.admin_kubeconfig)}, input=items, capture_output=True,
            check=False)
        assert done.returncode == 0, done.stderr

    async def everything(self) -> set[str]:
        """Names of all objects that a user may care for."""
        (running,) = self.world.clusters.running()
        kinds = "namespaces,services,endpointslices,pods,configmaps,secrets,serviceaccounts,clusterroles"
        done = await asyncio.to_thread(
            subprocess.run, [str(running.access.binaries / "kubectl"), "get", kinds, "-A", "-o", "json"],
            env={**os.environ, "KUBECONFIG": str(running.access.admin_kubeconfig)}, capture_output=True, check=True)
        found = ((item["kind"].lower() + "s", item["metadata"]) for item in json.loads(done.stdout)["items"])
        return {"/".join(part for part in (kind, metadata.get("namespace"), metadata["name"]) if part)
                for kind, metadata in found}


@pytest.fixture
async def place(tmp_path, monkeypatch):
    state = State(tmp_path / "home", tmp_path)
    state.prepare()
    monkeypatch.chdir(state.home)
    made = Place(state)
    try:
        await made.world.open()
        yield made
        await made.world.close()
        assert leftovers.namespaces(state) == []
    finally:
        leftovers.clean(state)


async def eventually(condition, timeout: float = 10):
    deadline = asyncio.get_running_loop().time() + timeout
    while not await condition() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.1)
    assert await condition()


async def test_what_a_cluster_publishes_follows_its_dns_mode(place: Place):
    world = place.world
    await world.apply_network([NETWORK])
    assert await place.resolve("a.corp.example.") == ["10.0.0.1"]
    access, again = await asyncio.gather(world.start_cluster(CLUSTER), world.start_cluster(CLUSTER))
    assert access == again
    await place.apply(SERVICES)
    # Cluster scope: nothing is seen in the VPC.
    assert await world.published_records(CLUSTER) == []
    assert await place.resolve("headless.default.svc.add.acme.internal.") == []
    # Additive scope, without a new node: headless names only.
    node = world.clusters.running()[0].access.pid
    await world.update_cluster(ADDITIVE)
    assert world.clusters.running()[0].access.pid == node

    async def seen() -> bool:
        return await place.resolve("headless.default.svc.add.acme.internal.") == ["10.20.0.9"]

    await eventually(seen)
    assert await place.resolve("plain.default.svc.add.acme.internal.") == []
    assert await place.resolve("kubernetes.default.svc.add.acme.internal.") == []
    names = {record.name for record in await world.published_records(ADDITIVE) if record.type == "A"}
    assert names == {"headless.default.svc.add.acme.internal."}
    # VPC scope renames the cluster's own domain: a new node with the same objects, every Service visible.
    await world.update_cluster(VPC_SCOPE)
    assert world.clusters.running()[0].access.pid != node
    assert await place.resolve("headless.default.svc.add.acme.internal.") == []
    assert await place.resolve("headless.default.svc.gke.acme.internal.") == ["10.20.0.9"]
    assert len(await place.resolve("plain.default.svc.gke.acme.internal.")) == 1
    inside = Namespace(place.state.namespace("node-0"))
    assert await place.resolve("headless.default.svc.gke.acme.internal.", inside) == ["10.20.0.9"]
    assert await place.resolve("a.corp.example.", inside) == ["10.0.0.1"]
    # Another network's Apigee peering sees none of it, whatever its domain says.
    other = Network("other-vpc", peered_to_apigee=True, peered_domains=(
        PeeredDomain("gke", "gke.acme.internal.", "other-vpc"),))
    await world.apply_network([dataclasses.replace(NETWORK, peered_to_apigee=False), other])
    assert await place.resolve("headless.default.svc.gke.acme.internal.") == []
    await world.apply_network([NETWORK])
    # Names go with the cluster, at once.
    await world.stop_cluster(*CLUSTER.key)
    await world.stop_cluster(*CLUSTER.key)
    assert await place.resolve("headless.default.svc.gke.acme.internal.") == []
    assert not place.state.cluster_folder(0).exists()
    assert place.published >= 4


async def test_ranges_that_cannot_run_together_are_refused(place: Place):
    await place.world.start_cluster(CLUSTER)
    other = dataclasses.replace(CLUSTER, name="other", number=1)
    with pytest.raises(WorldError, match="overlap those of running cluster shop"):
        await place.world.start_cluster(other)
    assert [each.cluster.name for each in place.world.clusters.running()] == ["shop"]


async def test_instances_come_configured_and_go(place: Place):
    world = place.world
    await world.apply_network([NETWORK])
    first = Instance("acme", "euw1", "europe-west1", "10.30.0.0/22", "shop-vpc", "10.30.0.2")
    second = Instance("acme", "use1", "us-east1", "10.30.4.0/22", "shop-vpc", "10.30.4.2")
    empty = {"organization": "acme", "environment_groups": [], "environments": {}, "products": [], "developers": [],
             "apps": []}
    assert await world.configure_runtime(empty, {}) == {}
    await asyncio.gather(world.start_instance(first), world.start_instance(second))
    await world.start_instance(first)
    assert (await world.configure_runtime(empty, {}))["deployments"] == []
    assert {each.host for each in world.instances.running()} == {"10.30.0.2", "10.30.4.2"}
    own = {each: world.northbound.address("acme", each) for each in ("euw1", "use1")}
    assert len({*own.values(), place.state.northbound_address, None}) == 4
    await world.stop_instance("acme", "euw1")
    assert [each.host for each in world.instances.running()] == ["10.30.4.2"]
    assert world.northbound.address("acme", "euw1") is None
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(own["euw1"], NORTHBOUND_PORT)
    await world.reset()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(own["use1"], NORTHBOUND_PORT)


async def test_a_request_reaches_the_instance_that_has_its_environment(place: Place):
    world = place.world
    await world.apply_network([NETWORK])
    for name, location, part in (("euw1", "europe-west1", 0), ("use1", "us-east1", 4)):
        await world.start_instance(
            Instance("acme", name, location, f"10.30.{part}.0/22", "shop-vpc", f"10.30.{part}.2"))
    groups = [
        {"name": "shop", "hostnames": ["shop.acme.example"], "environments": ["blue"]},
        {"name": "desk", "hostnames": ["*.desk.acme.example"], "environments": ["blue", "green"],
         "routing_rules": [{"basepath": "/in", "environment": "blue"}, {"basepath": "/out", "environment": "green"}]}]
    await world.configure_runtime({
        "organization": "acme", "environment_groups": groups, "products": [], "developers": [], "apps": [],
        "environments": {"blue": {"instances": ["euw1"], "target_servers": [], "deployments": []},
                         "green": {"instances": ["use1"], "target_servers": [], "deployments": []}}}, {})
    euw1, use1 = (world.northbound.address("acme", each) for each in ("euw1", "use1"))
    assert world.northbound.way("shop.acme.example", "/any") == euw1
    assert world.northbound.way("a.desk.acme.example", "/in/x") == euw1
    assert world.northbound.way("a.desk.acme.example", "/out") == use1
    assert world.northbound.way("elsewhere.example", "/") == place.state.northbound_address

    async def answered_by(address: str, host: str) -> str:
        """Which instance serves a request; its runtime says so when asked for the trace."""
        trust = ssl.create_default_context(cafile=world.authority.certificate_file)
        reader, writer = await asyncio.open_connection(address, NORTHBOUND_PORT, ssl=trust, server_hostname=host)
        name = uuid.uuid4().hex
        writer.write(f"GET /x HTTP/1.1\r\nHost: {host}\r\nX-Testbed-Trace: {name}\r\n"
                     "Connection: close\r\n\r\n".encode())
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 404 ")
        writer.close()
        return (await world.instances.trace(name))["instance"]

    # Before all instances: always the one behind the host name, in turn where there are several.
    common = place.state.northbound_address
    assert [await answered_by(common, "shop.acme.example") for _ in range(4)] == ["euw1"] * 4
    assert {await answered_by(common, "a.desk.acme.example") for _ in range(4)} == {"euw1", "use1"}
    # At its own address each answers, also for what it does not have.
    assert await answered_by(use1, "a.desk.acme.example") == "use1"


async def test_what_ends_by_itself_is_started_again(place: Place):
    world = place.world
    await world.apply_network([NETWORK])
    await world.start_instance(Instance("acme", "euw1", "europe-west1", "10.30.0.0/22", "shop-vpc", "10.30.0.2"))
    victims = processes.inside([place.tenant.path, Namespace(place.state.namespace("vpc")).path])
    assert len(victims) == 2
    for victim in victims:
        victim.signal(signal.SIGKILL)

    async def resolver_is_back() -> bool:
        try:
            return await place.resolve("a.corp.example.") == ["10.0.0.1"]
        except AssertionError:
            return False

    async def apigee_is_back() -> bool:
        try:
            (await world.instances.connect("acme", "euw1")).close()
        except ConnectionRefusedError:
            return False
        return True

    await eventually(resolver_is_back)
    await eventually(apigee_is_back)
    # And it takes new pictures.
    await world.apply_network([dataclasses.replace(NETWORK, zones=())])
    assert await place.resolve("a.corp.example.") == []


async def test_a_kept_node_serves_a_new_cluster_as_if_it_were_new(place: Place):
    world = place.world
    await world.apply_network([NETWORK])
    access = await world.start_cluster(VPC_SCOPE)
    (running,) = world.clusters.running()
    before = await place.everything()
    await asyncio.sleep(1.1)  # creation times are whole seconds
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "user"},
            "rules": []}
    await place.apply([*SERVICES, NAMESPACE, POD_THAT_STAYS, role])

    await world.reset(keep_nodes=True)
    assert world.clusters.running() == []
    await world.apply_network([NETWORK])
    assert await place.resolve("headless.default.svc.gke.acme.internal.") == []

    # The same cluster again: the same process, the same way in, and nothing of what users made.
    assert await world.start_cluster(VPC_SCOPE) == access
    (again,) = world.clusters.running()
    assert again.access.pid == running.access.pid
    assert await place.everything() == before
    await place.apply([NAMESPACE, POD_THAT_STAYS])
    assert "pods/orders/waits" in await place.everything()
    await place.apply(SERVICES)

    async def seen() -> bool:
        return await place.resolve("headless.default.svc.gke.acme.internal.") == ["10.20.0.9"]

    await eventually(seen)

    # Another cluster gets a node of its own.
    await world.reset(keep_nodes=True)
    await world.apply_network([NETWORK])
    await world.start_cluster(ADDITIVE)
    (other,) = world.clusters.running()
    assert other.access.pid != running.access.pid

    # And without asking, nothing is kept.
    await world.reset()
    assert not (place.state.home / "clusters" / "0").exists()
