# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Clusters made real: each a node in its own namespace, linked to the VPC, its API server on the loopback."""
from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import json
import logging
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from testbed import publishing, token_review
from testbed.http_balancing.asked import AskedBalancer, BalancerMaker, MadeBalancer
from testbed.images.cert_manager import built_cert_manager
from testbed.kubernetes import emptying, node
from testbed.kubernetes.client import ApiClient, ApiError
from testbed.kubernetes.identities import client_files
from testbed.kubernetes.ingress.controller import Controller as IngressController
from testbed.kubernetes.ingress.gateway_controller import GatewayController
from testbed.kubernetes.ingress.loop import Loop, Maker
from testbed.kubernetes.load_balancer.controller import Controller
from testbed.kubernetes.spec import API_PORT, ClientFiles, NodeAccess, NodeError, NodeSpec
from testbed.network.firewall import Machine
from testbed.network.forwarder import Forwarder
from testbed.network.namespace import Namespace, listening_socket
from testbed.network.resolver import ClusterZone
from testbed.network.vpc import Vpc, node_link
from testbed.state import API_SERVER_PORT, MAX_CLUSTERS, State
from testbed.world import BalancedAddress, BalancedService, Balancers, Cluster, ClusterAccess, Record, WorldError

log = logging.getLogger("testbed.clusters")

#: Seconds that a load balancer's objects may take; the network follows them.
GOOGLE_PATIENCE = 60.0

Key = tuple[str, str, str]


def publishes_to_vpc(cluster: Cluster) -> tuple[str, bool] | None:
    """The domain under which a cluster's names are seen in its VPC, and whether headless ones only; or None."""
    if cluster.dns_provider == "CLOUD_DNS" and cluster.dns_scope == "VPC_SCOPE":
        return cluster.dns_domain or "cluster.local", False
    if cluster.additive_domain:
        return cluster.additive_domain, True
    return None


def node_address(cluster: Cluster) -> tuple[str, str]:
    """The node's address and its gateway: the subnet's first address is the gateway, as at Google."""
    subnet = ipaddress.ip_network(cluster.node_range)
    # Google keeps two addresses at either end of a range.
    usable = subnet.num_addresses - 4
    if usable < 1:
        raise WorldError(f"subnet range {cluster.node_range} of cluster {cluster.name} has no room for a node")
    return str(subnet[2 + cluster.number % usable]), str(subnet[1])


def node_spec(cluster: Cluster, state: State, admin_principals: Sequence[str]) -> NodeSpec:
    """What the node of a cluster must be. In VPC scope the cluster's own domain is the one seen in the VPC."""
    published = publishes_to_vpc(cluster)
    vpc_scope = published is not None and not published[1]
    region = cluster.location if cluster.location.count("-") == 1 else cluster.location.rpartition("-")[0]
    zone = cluster.location if cluster.location != region else f"{region}-b"
    pool = "default-pool"
    if cluster.node_pools:
        first = cluster.node_pools[0]
        pool = first if isinstance(first, str) else first.get("name", pool)
    suffix = hashlib.sha256("/".join(cluster.key).encode()).hexdigest()
    cert_manager = built_cert_manager()
    return NodeSpec(
        name=f"gke-{cluster.name[:19]}-{pool[:19]}-{suffix[:8]}-{suffix[8:12]}",
        node_ip=node_address(cluster)[0],
        pod_range=cluster.pod_range,
        service_range=cluster.service_range,
        cgroup=f"{state.cgroup}/node-{cluster.number}",
        cluster_domain=published[0] if published and vpc_scope else "cluster.local",
        cluster_dns="vpc" if vpc_scope else "local",
        network_policy=cluster.network_policy,
        token_review_url=token_review.URL,
        admin_principals=tuple(admin_principals),
        api_addresses=(state.api_server_address(cluster.number),),
        api_port=API_SERVER_PORT,
        labels={
            "cloud.google.com/gke-nodepool": pool,
            "topology.kubernetes.io/region": region,
            "topology.kubernetes.io/zone": zone,
        },
        images=(str(cert_manager.images),) if cert_manager else (),
    )


@dataclass
class Running:
    """A cluster that runs, and what the daemon holds for it."""

    cluster: Cluster
    spec: NodeSpec
    access: NodeAccess
    namespace: Namespace
    forwarder: Forwarder
    reviews: web.AppRunner
    #: Seconds of the epoch when the node of a new cluster was ready; None for a cluster that was resumed.
    new_at: float | None = None
    load_balancers: Controller | None = None
    http_controllers: list[Loop] = field(default_factory=list)

    @property
    def machine(self) -> Machine:
        return Machine(network=self.cluster.network, node_ip=self.spec.node_ip,
                       node_range=self.cluster.node_range, pod_range=self.spec.pod_range, tags=tuple(self.cluster.tags),
                       link=node_link(self.cluster.number))

    @property
    def zone(self) -> ClusterZone | None:
        published = publishes_to_vpc(self.cluster)
        if published is None:
            return None
        client = self.access.dns_client
        return ClusterZone(domain=published[0], api_server=f"https://{self.spec.node_ip}:{API_PORT}",
                           ca_file=client.ca, certificate_file=client.certificate, key_file=client.key,
                           service_range=self.cluster.service_range, headless_only=published[1])


class Clusters:
    """Starts and stops nodes; one of the same cluster at a time, different ones at once.

    ``changed`` is awaited whenever the set of running clusters or what they publish has changed.
    """

    def __init__(self, state: State, vpc: Vpc, reviewer: token_review.Reviewer, admin_principals: Sequence[str],
                 changed: Callable[[], Any]) -> None:
        self._state = state
        self._vpc = vpc
        self._reviewer = reviewer
        self._admins = tuple(admin_principals)
        self._changed = changed
        #: Who makes Google's part of load balancers; without it Services that ask for one wait.
        self.balancers: Balancers | None = None
        #: The same for Ingresses.
        self.http_balancers: BalancerMaker | None = None
        self._running: dict[Key, Running] = {}
        #: Emptied nodes of clusters that are gone, by number.
        self._spare: dict[int, Running] = {}
        self._locks: dict[Key, asyncio.Lock] = {}
        self._starting: set[Key] = set()

    def running(self) -> list[Running]:
        """In order of number."""
        return sorted(self._running.values(), key=lambda each: each.cluster.number)

    async def start(self, cluster: Cluster) -> ClusterAccess:
        """Return when the node is Ready; at once when this very cluster runs. Raises WorldError."""
        if not 0 <= cluster.number < MAX_CLUSTERS:
            raise WorldError(f"cluster {cluster.name}: the testbed has room for {MAX_CLUSTERS} clusters")
        self._starting.add(cluster.key)
        try:
            async with self._lock(cluster.key):
                return await self._bring_to(cluster)
        finally:
            self._starting.discard(cluster.key)

    async def settled(self) -> None:
        """Return when no cluster is being started."""
        # Tasks that were made just now get their turn first.
        await asyncio.sleep(0.02)
        while self._starting:
            await asyncio.sleep(0.02)

    async def update(self, cluster: Cluster) -> None:
        """Bring a running cluster to a changed description.

        Only a change of the cluster's own DNS restarts the node, as Google re-creates node pools for it.
        """
        async with self._lock(cluster.key):
            if cluster.key not in self._running:
                raise WorldError(f"cluster {cluster.name} is not running")
            await self._bring_to(cluster)

    async def stop(self, key: Key) -> None:
        """Stop a cluster and remove everything it left. Does nothing when there is none."""
        async with self._lock(key):
            running = self._running.pop(key, None)
            if running is not None:
                # First its names, so that nobody is sent to a machine that is going.
                await self._changed()
                await self._end(running)
                await self._clear(running.cluster)

    async def set_aside(self) -> None:
        """End all clusters, and keep their nodes, emptied, for clusters that are to be the same.

        A node that cannot be emptied is stopped.
        """
        await self.drop_spares()
        going, self._running = self.running(), {}
        await self._changed()
        await asyncio.gather(*(self._set_aside(each) for each in going))

    async def forget_folders(self) -> None:
        """Remove the folders of clusters that are gone, also of those that never came up."""
        kept = {self._state.cluster_folder(number) for number in
                (*self._spare, *(each.cluster.number for each in self._running.values()))}
        for folder in self._state.cluster_folder(0).parent.glob("*"):
            if folder not in kept:
                await asyncio.to_thread(shutil.rmtree, folder, True)

    async def close(self) -> None:
        """Stop all nodes and keep their folders, from which they start again."""
        await self.drop_spares()
        running, self._running = self.running(), {}
        await asyncio.gather(*(self._end(each) for each in running))

    async def add_images(self, archives: Sequence[Path]) -> None:
        """Give every node that runs images that only later ones would have. Raises WorldError."""
        try:
            await asyncio.gather(*(node.add_images(each.access, archives)
                                   for each in (*self._running.values(), *self._spare.values())))
        except NodeError as error:
            raise WorldError(str(error)) from error

    async def published(self, cluster: Cluster) -> list[Record]:
        """What GKE's DNS controller publishes now; nothing for a cluster that does not run. Raises WorldError."""
        running = self._running.get(cluster.key)
        domain = publishes_to_vpc(cluster)
        if running is None or domain is None:
            return []
        try:
            services, slices = await asyncio.gather(
                self._list(running, "/api/v1/services"),
                self._list(running, "/apis/discovery.k8s.io/v1/endpointslices"))
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise WorldError(f"the API server of cluster {cluster.name} does not answer: {error}") from error
        return publishing.records(services, slices, domain[0], headless_only=domain[1])

    # -- inside -----------------------------------------------------------------------------------------------
    def _lock(self, key: Key) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    async def _bring_to(self, cluster: Cluster) -> ClusterAccess:
        running = self._running.get(cluster.key)
        spec = node_spec(cluster, self._state, self._admins)
        if running is not None and running.spec != spec:
            del self._running[cluster.key]
            await self._end(running)
            running = None
        if running is None:
            self._refuse_collision(cluster, spec)
            running = await self._from_spare(cluster, spec) or await self._begin(cluster, spec)
            self._running[cluster.key] = running
            await self._changed()
        elif running.cluster != cluster:
            running.cluster = cluster
            await self._changed()
        self._set_http_controllers(running)
        return ClusterAccess(endpoint=self._state.api_server_address(cluster.number),
                             ca_certificate_pem=running.access.ca_certificate_pem, node_ip=spec.node_ip)

    def _refuse_collision(self, cluster: Cluster, spec: NodeSpec) -> None:
        """Networks of the testbed share one router, so ranges of clusters that run together must differ."""
        pods = ipaddress.ip_network(spec.pod_range)
        for other in self._running.values():
            if other.spec.node_ip == spec.node_ip or pods.overlaps(ipaddress.ip_network(other.spec.pod_range)):
                raise WorldError(f"cluster {cluster.name}: ranges overlap those of running cluster "
                                 f"{other.cluster.name}, which the testbed cannot run at the same time")

    async def _begin(self, cluster: Cluster, spec: NodeSpec) -> Running:
        namespace = Namespace(self._state.namespace(f"node-{cluster.number}"))
        folder = self._state.cluster_folder(cluster.number)
        address, gateway = node_address(cluster)
        reviews: web.AppRunner | None = None
        forwarder: Forwarder | None = None
        try:
            new = await asyncio.to_thread(self._prepare_folder, cluster)
            await asyncio.to_thread(self._vpc.attach_node, cluster.number, namespace, address, gateway,
                                    cluster.pod_range)
            reviews = await token_review.serve(namespace.listen(*token_review.ADDRESS), self._reviewer)

            async def connect() -> socket.socket:
                return await namespace.connect(spec.node_ip, API_PORT)

            listener = listening_socket(self._state.api_server_address(cluster.number), API_SERVER_PORT)
            forwarder = Forwarder(listener, connect)
            await forwarder.start()
            access = await node.start(spec, namespace, folder)
        except (OSError, NodeError) as error:
            await self._abandon(cluster, namespace, forwarder, reviews)
            raise WorldError(f"cluster {cluster.name} did not start: {error}") from error
        except BaseException:
            await self._abandon(cluster, namespace, forwarder, reviews)
            raise
        running = Running(cluster, spec, access, namespace, forwarder, reviews, time.time() if new else None)
        self._start_load_balancers(running)
        return running

    def _start_load_balancers(self, running: Running) -> None:
        """Give Services their load balancers from now on, until the node ends."""
        if self.balancers is None:
            return
        balancers, loop = self.balancers, asyncio.get_running_loop()

        def balance(service: BalancedService) -> BalancedAddress:
            return asyncio.run_coroutine_threadsafe(balancers.balance(service), loop).result(GOOGLE_PATIENCE)

        def unbalance(service: BalancedService) -> None:
            asyncio.run_coroutine_threadsafe(balancers.unbalance(service), loop).result(GOOGLE_PATIENCE)

        running.load_balancers = Controller(
            running.cluster.key, self._client(running, "load-balancer"),
            lambda: running.cluster.load_balancer_classes, balance, unbalance)
        running.load_balancers.start()

    def _set_http_controllers(self, running: Running) -> None:
        """Give Ingresses and Gateways their load balancers as long as the cluster has the add-ons."""
        kinds: list[type[Loop]] = []
        if self.http_balancers is not None and running.cluster.http_load_balancing:
            kinds = [IngressController, *([GatewayController] if running.cluster.gateway_api else [])]
        if [type(each) for each in running.http_controllers] == kinds:
            return
        for controller in running.http_controllers:
            controller.stop()
        maker, loop = self.http_balancers, asyncio.get_running_loop()
        if maker is None:
            return

        def ensure(asked: AskedBalancer) -> MadeBalancer:
            return asyncio.run_coroutine_threadsafe(maker.ensure(asked), loop).result(GOOGLE_PATIENCE)

        def remove(asked: AskedBalancer) -> None:
            asyncio.run_coroutine_threadsafe(maker.remove(asked), loop).result(GOOGLE_PATIENCE)

        def health(made: MadeBalancer, asked: AskedBalancer) -> Mapping[str, str]:
            return asyncio.run_coroutine_threadsafe(maker.health(made, asked), loop).result(GOOGLE_PATIENCE)

        files = self._client(running, "ingress")
        running.http_controllers = [each(running.cluster.key, files, Maker(ensure, remove, health)) for each in kinds]
        for controller in running.http_controllers:
            controller.start()

    def _client(self, running: Running, name: str) -> ClientFiles:
        """Files of a client of the cluster that calls from the host."""
        server = f"https://{self._state.api_server_address(running.cluster.number)}:{API_SERVER_PORT}"
        return client_files(running.access.dns_client.ca.parent, name, server)

    def _prepare_folder(self, cluster: Cluster) -> bool:
        """A folder left by another cluster of the same number must not be continued. Whether there is nothing in it."""
        folder = self._state.cluster_folder(cluster.number)
        mark = folder / "cluster.json"
        identity = json.dumps(cluster.key)
        if folder.exists() and (not mark.exists() or mark.read_text(encoding="utf-8") != identity):
            shutil.rmtree(folder)
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        mark.write_text(identity, encoding="utf-8")
        return new

    async def _set_aside(self, running: Running) -> None:
        admin = self._client(running, "admin")
        try:
            if running.new_at is None:
                raise emptying.NotEmpty("it is not known since when the node is in use")
            await asyncio.to_thread(lambda: emptying.empty(ApiClient(admin), running.new_at or 0.0))
        except (emptying.NotEmpty, ApiError, OSError) as error:
            log.warning("the node of cluster %s is not used again: %s", running.cluster.name, error)
            await self._end(running)
            await self._clear(running.cluster)
        else:
            # What they installed is gone, too; the next cluster gets it anew.
            for controller in running.http_controllers:
                controller.stop()
            running.http_controllers = []
            self._spare[running.cluster.number] = running

    async def _from_spare(self, cluster: Cluster, spec: NodeSpec) -> Running | None:
        """The spare node that is the one wanted. Any other that stands in its way is stopped."""
        spare = self._spare.get(cluster.number)
        if spare is None or spare.spec != spec or spare.cluster.key != cluster.key:
            await self.drop_spares()
            return None
        del self._spare[cluster.number]
        spare.cluster = cluster
        return spare

    async def drop_spares(self) -> None:
        """Stop the nodes that wait for a cluster to be made again."""
        spares, self._spare = list(self._spare.values()), {}
        for spare in spares:
            await self._end(spare)
            await self._clear(spare.cluster)

    async def _end(self, running: Running) -> None:
        if running.load_balancers is not None:
            running.load_balancers.stop()
        for controller in running.http_controllers:
            controller.stop()
        await self._abandon(running.cluster, running.namespace, running.forwarder, running.reviews)

    async def _abandon(self, cluster: Cluster, namespace: Namespace, forwarder: Forwarder | None,
                       reviews: web.AppRunner | None) -> None:
        with contextlib.suppress(NodeError, OSError):
            await node.stop(self._state.cluster_folder(cluster.number), keep=True)
        if forwarder is not None:
            await forwarder.stop()
        if reviews is not None:
            await reviews.cleanup()
        await asyncio.to_thread(self._vpc.detach_node, cluster.number, namespace)

    async def _clear(self, cluster: Cluster) -> None:
        await asyncio.to_thread(shutil.rmtree, self._state.cluster_folder(cluster.number), True)

    async def _list(self, running: Running, path: str) -> list[dict[str, Any]]:
        client = running.access.dns_client
        context = ssl.create_default_context(cafile=str(client.ca))
        context.load_cert_chain(client.certificate, client.key)
        url = f"https://{self._state.api_server_address(running.cluster.number)}:{API_SERVER_PORT}{path}"
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url, ssl=context) as response:
            response.raise_for_status()
            return (await response.json())["items"]
