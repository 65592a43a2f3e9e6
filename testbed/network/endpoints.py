# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Private Service Connect between Apigee's network and the VPC: listeners there, connections here.

Only accepted endpoints are handed in. Google translates addresses (the target sees one of the NAT subnet); here the
target sees the router. The firewall's rules for NAT subnets are not applied.
"""
from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from testbed.network.forwarder import Forwarder
from testbed.network.namespace import Namespace
from testbed.world import Endpoint


class Endpoints:
    """The forwarders that run now; ``apply`` takes the whole picture."""

    def __init__(self, tenant: Namespace, vpc: Namespace) -> None:
        self._tenant = tenant
        self._vpc = vpc
        self._running: dict[tuple[str, str, int], Forwarder] = {}

    async def apply(self, endpoints: Iterable[Endpoint]) -> None:
        """Bring the forwarders to these endpoints. Their addresses must be in the tenant's namespace by then."""
        wanted = {(each.host, each.target, port) for each in endpoints for port in each.ports}
        for key in set(self._running) - wanted:
            await self._running.pop(key).stop()
        for host, target, port in sorted(wanted - set(self._running)):
            forwarder = Forwarder(self._tenant.listen(host, port), partial(self._vpc.connect, target, port))
            await forwarder.start()
            self._running[host, target, port] = forwarder
