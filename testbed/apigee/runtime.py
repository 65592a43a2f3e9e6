# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtime as a whole: the configuration in force, what outlives it, and the switch from one to the next."""
from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from testbed.apigee import configuration as configurations
from testbed.apigee.bundle import BundleError, load_either
from testbed.apigee.configuration import AnyBundle, Configuration
from testbed.apigee.counters import Counters
from testbed.apigee.flow import FlowExecutor
from testbed.apigee.health import HealthChecks
from testbed.apigee.key_value_maps import KeyValueMaps
from testbed.apigee.policies.key_value_map_operations import KeyValueMapOperations
from testbed.apigee.pools import Pools
from testbed.apigee.resolver import Resolver
from testbed.apigee.target import TargetClient
from testbed.apigee.trace import Traces


@dataclass(frozen=True)
class Options:
    """``resolver`` is HOST or HOST:PORT; ``dns_cache_extra`` is in seconds; ``scale`` multiplies all times.

    ``source`` is the address from which targets are called; without it the kernel chooses.
    """

    resolver: str
    dns_cache_extra: float = 60.0
    scale: float = 1.0
    source: str = ""


class Runtime:
    """One message processor. Not thread-safe: one event loop."""

    def __init__(self, options: Options) -> None:
        host, _, port = options.resolver.partition(":")
        self.options = options
        self.resolver = Resolver(host, int(port or 53), extra_seconds=options.dns_cache_extra, scale=options.scale)
        self.pools = Pools(self.resolver, options.scale, options.source)
        self.executor = FlowExecutor(TargetClient(self.pools))
        self.health = HealthChecks(self.resolver, options.scale, options.source)
        self.counters = Counters()
        self.key_value_maps = KeyValueMaps(options.scale)
        self.traces = Traces()
        self.statuses: Counter[int] = Counter()
        self.faults: Counter[str] = Counter()
        self.configuration = Configuration.empty()
        self._retired: list[Configuration] = []
        self._bundles: dict[str, AnyBundle | list[str]] = {}
        self._pruning: set[asyncio.Task] = set()

    # Configuration -------------------------------------------------------------------------------------------------

    def add_bundle(self, digest: str, data: bytes) -> list[str]:
        """Keeps a bundle under its SHA-256; returns its violations. Raises ValueError when the digest is another."""
        actual = hashlib.sha256(data).hexdigest()
        if actual != digest.lower():
            raise ValueError(f"the content's SHA-256 is {actual}, not {digest}")
        try:
            self._bundles[actual] = load_either(data)
        except BundleError as error:
            self._bundles[actual] = error.violations
            return error.violations
        return []

    def missing_bundles(self, source: Mapping[str, Any]) -> list[str]:
        return configurations.missing_bundles(source, self._bundles)

    def configure(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """Builds the new configuration, then switches in one step: no request sees half of it, none is interrupted."""
        fresh = configurations.build(source, self._bundles, self.configuration)
        self._fill_maps(source, fresh)
        self._retired.append(self.configuration)
        self.configuration = fresh
        self._prune()
        self.health.watch(fresh.deployments)
        return fresh.report

    def _fill_maps(self, source: Mapping[str, Any], fresh: Configuration) -> None:
        """Key value maps from the configuration, and what policies of new deployments put into maps of their own."""
        self.key_value_maps.configure(source.get("key_value_maps", ()))
        for deployment in fresh.deployments:
            for policy in deployment.bundle.policies.values():
                if isinstance(policy, KeyValueMapOperations):
                    policy.initialise(deployment, self.key_value_maps)

    def enter(self) -> Configuration:
        """The configuration for a request that begins now; give it back with ``leave``."""
        self.configuration.in_flight += 1
        return self.configuration

    def leave(self, configuration: Configuration) -> None:
        configuration.in_flight -= 1
        if configuration is not self.configuration and configuration.in_flight == 0:
            self._prune()

    def _prune(self) -> None:
        """Closes pools that neither the current configuration nor one still in use by a request refers to."""
        self._retired = [each for each in self._retired if each.in_flight]
        live = (self.configuration, *self._retired)
        task = asyncio.ensure_future(self.pools.prune(lambda key: any(each.uses(key) for each in live)))
        self._pruning.add(task)
        task.add_done_callback(self._pruning.discard)

    # Observation ---------------------------------------------------------------------------------------------------

    def statistics(self) -> dict[str, Any]:
        return {
            "requests": sum(self.statuses.values()), "statuses": dict(self.statuses), "faults": dict(self.faults),
            "in_flight": self.configuration.in_flight + sum(each.in_flight for each in self._retired),
            "pools": self.pools.statistics(),
            "target_servers": [
                {"environment": deployment.environment, "proxy": deployment.proxy, "target_endpoint": name, **server}
                for deployment in self.configuration.deployments for name, balancer in deployment.balancers.items()
                for server in balancer.statistics()],
            "dns": {"queries": self.resolver.queries, "cache": self.resolver.cached()},
        }

    async def close(self) -> None:
        await self.health.close()
        if self._pruning:
            await asyncio.gather(*self._pruning)
        await self.pools.close()
