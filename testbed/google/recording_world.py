# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A documented double of testbed.world.World: nothing happens, everything is written down.

For tests of the emulator and of its clients, which need no root. It answers at once, as a world does in which every
node becomes ready; failures and slowness can be asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from testbed.http_balancing.model import HttpBalancer
from testbed.world import Cluster, ClusterAccess, Function, Gateway, Instance, Network, WorldError


class RecordingWorld:
    """Remembers the last picture of each kind (networks, clusters, instances, configuration) and every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.networks: list[Network] = []
        self.clusters: dict[tuple[str, str, str], Cluster] = {}
        self.instances: dict[tuple[str, str], Instance] = {}
        self.gateways: list[Gateway] = []
        self.functions: list[Function] = []
        self.balancers: list[HttpBalancer] = []
        self.egress: dict[str, tuple[str, ...]] = {}
        self.sources: dict[str, bytes] = {}
        self.unfit: dict[str, str] = {}
        """Why functions do not start, by name: what apply_functions answers."""
        self.configuration: dict[str, Any] = {}
        self.bundles: dict[str, bytes] = {}
        self.records: list[Any] = []
        """What published_records answers."""
        self.fail: dict[str, str] = {}
        """Method name to the text of the WorldError that it raises."""
        self.delay: dict[str, float] = {}
        """Method name to the seconds it takes."""
        self.report: dict[str, Any] | None = None
        """What configure_runtime answers; None: every deployment is READY."""

    async def _called(self, name: str, argument: Any) -> None:
        self.calls.append((name, argument))
        if name in self.delay:
            await asyncio.sleep(self.delay[name])
        if name in self.fail:
            raise WorldError(self.fail[name])

    async def apply_network(self, networks: Sequence[Network]) -> None:
        """Remember the picture."""
        await self._called("apply_network", list(networks))
        self.networks = list(networks)

    async def start_cluster(self, cluster: Cluster) -> ClusterAccess:
        """Remember the cluster and answer addresses that nothing listens on."""
        await self._called("start_cluster", cluster)
        self.clusters[(cluster.project, cluster.location, cluster.name)] = cluster
        return ClusterAccess(
            endpoint=f"127.0.0.{10 + cluster.number}",
            ca_certificate_pem="-----BEGIN CERTIFICATE-----\nrecording world\n-----END CERTIFICATE-----\n",
            node_ip=cluster.node_range.split("/")[0].rsplit(".", 1)[0] + ".2",
        )

    async def update_cluster(self, cluster: Cluster) -> None:
        """Remember the cluster as it is now."""
        await self._called("update_cluster", cluster)
        self.clusters[(cluster.project, cluster.location, cluster.name)] = cluster

    async def stop_cluster(self, project: str, location: str, name: str) -> None:
        """Forget the cluster."""
        await self._called("stop_cluster", (project, location, name))
        self.clusters.pop((project, location, name), None)

    async def published_records(self, cluster: Cluster) -> list[Any]:
        """Return self.records."""
        await self._called("published_records", cluster)
        return self.records

    async def start_instance(self, instance: Instance) -> None:
        """Remember the instance."""
        await self._called("start_instance", instance)
        self.instances[(instance.organization, instance.name)] = instance

    async def stop_instance(self, organization: str, name: str) -> None:
        """Forget the instance."""
        await self._called("stop_instance", (organization, name))
        self.instances.pop((organization, name), None)

    async def configure_runtime(self, configuration: dict[str, Any], bundles: dict[str, bytes]) -> dict[str, Any]:
        """Remember the configuration; answer self.report, or that every deployment is READY."""
        await self._called("configure_runtime", configuration)
        self.configuration, self.bundles = configuration, dict(bundles)
        if self.report is not None:
            return self.report
        return {
            listed: [
                {"environment": environment, named: d[named], "revision": d["revision"], "state": "READY", "errors": []}
                for environment, content in configuration.get("environments", {}).items()
                for d in content.get(listed, [])
            ]
            for listed, named in (("deployments", "proxy"), ("shared_flows", "shared_flow"))
        }

    async def apply_functions(self, functions: Sequence[Function], sources: dict[str, bytes]) -> dict[str, str]:
        """Remember the picture; answer self.unfit."""
        await self._called("apply_functions", list(functions))
        self.functions, self.sources = list(functions), dict(sources)
        return self.unfit

    async def apply_gateways(self, gateways: Sequence[Gateway]) -> None:
        """Remember the picture."""
        await self._called("apply_gateways", list(gateways))
        self.gateways = list(gateways)

    async def apply_balancers(self, balancers: Sequence[HttpBalancer]) -> None:
        """Remember the picture."""
        await self._called("apply_balancers", list(balancers))
        self.balancers = list(balancers)

    async def backend_health(self) -> Mapping[str, Mapping[tuple[str, int], bool]]:
        """Every endpoint is healthy."""
        found = {each.name: each for balancer in self.balancers for each in balancer.backends}
        return {name: dict.fromkeys(backend.endpoints, True) for name, backend in found.items()}

    async def apply_egress(self, addresses: Mapping[str, Sequence[str]]) -> None:
        """Remember the picture."""
        await self._called("apply_egress", dict(addresses))
        self.egress = {host: tuple(found) for host, found in addresses.items()}

    def authority_certificate(self) -> bytes:
        return b"-----BEGIN CERTIFICATE-----\nrecorded\n-----END CERTIFICATE-----\n"

    def issue_certificate(self, names: Sequence[str]) -> tuple[bytes, bytes]:
        return f"certificate of {', '.join(names)}".encode(), b"its key"

    async def reset(self, keep_nodes: bool = False) -> None:
        """Forget everything but the list of calls."""
        await self._called("reset", None)
        self.networks, self.clusters, self.instances, self.configuration, self.gateways = [], {}, {}, {}, []
        self.functions, self.sources = [], {}
        self.balancers, self.egress = [], {}
