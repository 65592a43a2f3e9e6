# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The world of a running testbed: every picture that the emulator pushes becomes namespaces, rules and processes."""
from __future__ import annotations

import asyncio
import dataclasses
import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed.api_gateways import ApiGateways
from testbed.apigee_instances import ApigeeInstances
from testbed.certificates import Authority
from testbed.clusters import Clusters, Running
from testbed.edge import front
from testbed.function_front import FunctionFront, Judge
from testbed.functions import Functions
from testbed.http_balancing.balancers import HttpBalancers
from testbed.http_balancing.model import HttpBalancer
from testbed.network import firewall
from testbed.network.dns_peering import DnsPeering
from testbed.network.endpoints import Endpoints
from testbed.network.internet import Internet
from testbed.network.namespace import Namespace
from testbed.network.proxies import Proxies
from testbed.network.resolver import Resolver, View
from testbed.network.vpc import Vpc
from testbed.northbound import Northbound
from testbed.state import State
from testbed.token_review import Reviewer
from testbed.world import (
    Cluster,
    ClusterAccess,
    Function,
    Gateway,
    Instance,
    LoadBalancer,
    Network,
    Record,
    WorldError,
)


async def _nobody(_service: str, _token: str, _audiences: Sequence[str]) -> int:
    return 403


class RealWorld:
    """Implements :class:`testbed.world.World`.

    Whatever changes, the network is brought to the whole present picture: networks pushed last, running clusters,
    running instances. One such step at a time; starting nodes and runtimes goes on beside it.
    """

    def __init__(self, state: State, binaries: Path, reviewer: Reviewer, admin_principals: Sequence[str],
                 access_changed: Callable[[], Awaitable[None]], judge: Judge = _nobody) -> None:
        self._state = state
        self.authority = Authority.load_or_create(state.certificates)
        router, tenant = Namespace(state.namespace("vpc")), Namespace(state.namespace("apigee"))
        self._vpc = Vpc(router, tenant)
        self._internet = Internet(Namespace(state.namespace("internet")), router, tenant)
        self._proxies = Proxies(Namespace(state.namespace("proxies")), router)
        self._resolver = Resolver(router, binaries / "coredns", state.network / "resolver",
                                  state.logs / "vpc-resolver.log")
        self._dns_peering = DnsPeering(tenant, router, firewall.RESOLVER)
        self._endpoints = Endpoints(tenant, router)
        self.clusters = Clusters(state, self._vpc, reviewer, admin_principals, self._clusters_changed)
        self.instances = ApigeeInstances(state, tenant, self.authority)
        self._access_changed = access_changed
        self.northbound = Northbound(state, self.instances)
        self.functions = Functions(state, self._vpc, self._bring_network)
        self._front = FunctionFront(state, self.authority, self.functions, judge)
        self.gateways = ApiGateways(state, self.authority, self._front.backends, self.authority.certificate_file)
        self.balancers = HttpBalancers(state, self._internet.namespace, self._proxies.namespace)
        self.edge = front.EdgeFront(state, self.authority, router)
        self._networks: tuple[Network, ...] = ()
        #: Internal load balancers for HTTP, whose addresses are in the network.
        self._internal: tuple[HttpBalancer, ...] = ()
        self._views: dict[str, str] = {}
        #: Instances whose address and range are in the network, running or just starting.
        self._placed: dict[tuple[str, str], Instance] = {}
        self._step = asyncio.Lock()

    @property
    def internet(self) -> Namespace:
        """Where callers outside and external load balancers are."""
        return self._internet.namespace

    async def open(self) -> None:
        """Make the namespaces, the resolvers and the way in to Apigee. Raises OSError or WorldError."""
        await asyncio.to_thread(self._vpc.create)
        await asyncio.to_thread(self._internet.create)
        await asyncio.to_thread(self._proxies.create)
        await self._bring_network()
        await self._dns_peering.start()
        await self.northbound.open()
        await self._front.open()
        await self.gateways.open()
        await self.edge.open()

    async def close(self) -> None:
        """End everything that runs; folders stay, so that the next daemon can go on from them."""
        await self.balancers.close()
        await self.edge.close()
        await self.gateways.close()
        await self._front.close()
        await self.functions.close()
        await self.northbound.close()
        await asyncio.gather(self.clusters.close(), self.instances.close())
        await self._endpoints.apply(())
        await self._dns_peering.stop()
        await self._resolver.stop()
        await asyncio.to_thread(self._internet.delete)
        await asyncio.to_thread(self._proxies.delete)
        await asyncio.to_thread(self._vpc.delete)

    # -- the protocol -----------------------------------------------------------------------------------------
    async def apply_network(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        await self._bring_network()

    async def start_cluster(self, cluster: Cluster) -> ClusterAccess:
        return await self.clusters.start(cluster)

    async def update_cluster(self, cluster: Cluster) -> None:
        await self.clusters.update(cluster)

    async def stop_cluster(self, project: str, location: str, name: str) -> None:
        await self.clusters.stop((project, location, name))

    async def published_records(self, cluster: Cluster) -> list[Record]:
        return await self.clusters.published(cluster)

    async def start_instance(self, instance: Instance) -> None:
        self._placed[instance.organization, instance.name] = instance
        await self._bring_network()
        try:
            await self.northbound.add(instance)
            await self.instances.start(instance)
        except BaseException:
            await self.northbound.remove(instance.organization, instance.name)
            self._placed.pop((instance.organization, instance.name), None)
            raise

    async def stop_instance(self, organization: str, name: str) -> None:
        await self.northbound.remove(organization, name)
        await self.instances.stop(organization, name)
        self._placed.pop((organization, name), None)
        await self._bring_network()

    async def configure_runtime(self, configuration: dict[str, Any], bundles: Mapping[str, bytes]) -> dict[str, Any]:
        return await self.instances.configure(configuration, bundles)

    async def apply_functions(self, functions: Sequence[Function], sources: Mapping[str, bytes]) -> dict[str, str]:
        failed = await self.functions.apply(functions, sources)
        # Where they are called may be new to the gateways.
        await self.gateways.refresh()
        return failed

    async def apply_gateways(self, gateways: Sequence[Gateway]) -> None:
        await self.gateways.apply(gateways)

    async def apply_balancers(self, balancers: Sequence[HttpBalancer]) -> None:
        internal = tuple(each for each in balancers if each.network is not None)
        if internal != self._internal:
            self._internal = internal
            await self._bring_network()
        await self.balancers.apply(balancers)

    async def backend_health(self) -> Mapping[str, Mapping[tuple[str, int], bool]]:
        return await self.balancers.health()

    async def apply_egress(self, addresses: Mapping[str, Sequence[str]]) -> None:
        try:
            await asyncio.to_thread(self._internet.set_egress, addresses)
        except OSError as error:
            raise WorldError(f"Apigee's NAT addresses could not be brought to what was asked: {error}") from error

    def authority_certificate(self) -> bytes:
        return self.authority.certificate_file.read_bytes()

    def issue_certificate(self, names: Sequence[str]) -> tuple[bytes, bytes]:
        return self.authority.issue(names)

    async def reset(self, keep_nodes: bool = False) -> None:
        if keep_nodes:
            await self.clusters.set_aside()
        else:
            await self.clusters.drop_spares()
        for running in self.clusters.running():
            await self.clusters.stop(running.cluster.key)
        await self.balancers.apply(())
        await asyncio.to_thread(self._internet.set_egress, {})
        await self.gateways.apply(())
        await self.edge.reset()
        await self.functions.close()
        await self.northbound.clear()
        await self.instances.close()
        self._placed.clear()
        self._networks, self._internal = (), ()
        await self._bring_network()
        await self.clusters.forget_folders()

    # -- inside -----------------------------------------------------------------------------------------------
    async def _clusters_changed(self) -> None:
        await self._bring_network()
        await self._access_changed()

    async def _bring_network(self) -> None:
        """Bring routes, firewall and names to the present picture."""
        async with self._step:
            running = self.clusters.running()
            instances = list(self._placed.values())
            peered = {network.name for network in self._networks if network.peered_to_apigee}
            ranges: dict[str, list[str]] = {}
            for instance in instances:
                ranges.setdefault(instance.network, []).append(instance.ip_range.split(",")[0].strip())
            views = self._views = self._addresses_of_views()
            balancers = [each for network in self._networks for each in network.load_balancers]
            machines = [dataclasses.replace(
                each.machine, view=views.get(each.machine.network, ""),
                load_balancers=tuple(one for one in balancers if one.cluster == each.cluster.key)) for each in running]
            machines += [dataclasses.replace(each, view=views.get(each.network, ""))
                         for each in self.functions.machines()]
            regions = {instance.ip_range.split(",")[0].strip(): instance.location for instance in instances}
            proxies = _proxies(self._internal)
            machines += proxies
            script = firewall.render(self._networks, machines, ranges, regions)
            delivered = {each.cluster.number: (each.namespace, each.spec.node_ip,
                                               [one.address for one in machine.load_balancers])
                         for each, machine in zip(running, machines, strict=False)}
            routed = [each for network in sorted(peered) for each in ranges.get(network, ())]

            endpoints = [each for network in self._networks for each in network.endpoints]

            def bring() -> None:
                self._vpc.set_views(views.values())
                self._vpc.set_firewall(script)
                self._vpc.set_load_balancers(delivered)
                self._proxies.set_addresses(address for each in proxies for address in each.addresses)
                self._vpc.set_instances(instance.host for instance in instances)
                self._vpc.set_endpoints(endpoint.host for endpoint in endpoints)
                self._vpc.peer(routed)

            try:
                await asyncio.to_thread(bring)
            except OSError as error:
                raise WorldError(f"the network could not be brought to what was asked: {error}") from error
            await self._endpoints.apply(endpoints)
            await self._resolver.apply([self._seen_in(name, address, running) for name, address in views.items()])
            # All tenants share one resolver here: of two networks with one suffix, the one with an instance is meant.
            self._dns_peering.set_suffixes({
                domain.suffix: views[network.name]
                for network in sorted(self._networks, key=lambda each: each.name in ranges)
                for domain in (network.peered_domains if network.name in peered else ()) + network.apigee_zones})

    def _seen_in(self, network: str, address: str, running: Sequence[Running]) -> View:
        """What the machines of a network can resolve."""
        zones = dict.fromkeys(zone for each in self._networks if each.name == network for zone in each.zones)
        clusters = (each.zone for each in running if each.machine.network == network)
        return View(address, (*zones, *front.ZONES), tuple(zone for zone in clusters if zone is not None))

    def _addresses_of_views(self) -> dict[str, str]:
        """Per network the address at which its names are answered, the same as long as the network exists.

        Raises WorldError when there are more networks than addresses.
        """
        names = dict.fromkeys(network.name for network in self._networks)
        kept = {name: self._views[name] for name in names if name in self._views}
        free = (str(each) for each in ipaddress.ip_network(firewall.VIEWS).hosts() if str(each) not in kept.values())
        try:
            return {name: kept.get(name) or next(free) for name in names}
        except (StopIteration, RuntimeError) as error:
            raise WorldError(f"the testbed has room for 254 networks, not for {len(names)}") from error


def _proxies(balancers: Sequence[HttpBalancer]) -> list[firewall.Machine]:
    """What the firewall has to know of the proxies: those of a region have one address in their subnet."""
    found: dict[tuple[str, str], dict[str, LoadBalancer]] = {}
    for each in balancers:
        # Rules for two ports have one address.
        one = LoadBalancer(each.name, each.address, each.region, ("", "", ""), each.global_access)
        found.setdefault((each.network or "", each.proxy), {}).setdefault(each.address, one)
    return [firewall.Machine(network, proxy, "", "", link=firewall.PROXIES_LINK, proxies=True,
                             load_balancers=tuple(served.values()))
            for (network, proxy), served in found.items() if proxy]
