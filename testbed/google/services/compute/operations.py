# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute operations: polling, the long poll, and what happens when they end."""

from __future__ import annotations

from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.operations import Run
from testbed.google.service import Call, handles, on_failure, work
from testbed.google.services.compute.common import ComputeService, not_found

# The document says at most two minutes; a short wait is allowed ("may return early").
_PATIENCE = 120.0


class Operations(ComputeService):
    """globalOperations, regionOperations, zoneOperations."""

    collection = "operations"
    kind = "compute#operation"

    @handles("compute.globalOperations.get", "compute.regionOperations.get", "compute.zoneOperations.get")
    async def get(self, call: Call) -> dict[str, Any]:
        try:
            return await call.operations.poll(call, self.path(call))
        except GoogleError as exc:
            raise not_found(self.path(call)) from exc

    @handles("compute.globalOperations.wait", "compute.regionOperations.wait", "compute.zoneOperations.wait")
    async def wait(self, call: Call) -> dict[str, Any]:
        document = await call.operations.wait(call.operations.key("compute", self.path(call)), _PATIENCE)
        if document is None:
            raise not_found(self.path(call))
        return call.operations.render(document)

    @handles("compute.globalOperations.list", "compute.regionOperations.list", "compute.zoneOperations.list")
    def list(self, call: Call) -> dict[str, Any]:
        return self.listed(call, call.operations.list(call.store, "compute", self.scope(call)))

    @work("compute.change")
    async def change(self, run: Run) -> None:
        await self.emulator.apply_network()

    @work("compute.delete")
    async def delete(self, run: Run) -> None:
        async with run.transaction() as tx:
            path = run.arguments["path"]
            tx.delete(f"compute/{path}")
            if "/global/networks/" in path:
                # Peered DNS domains belong to the network's peering and cannot outlive it.
                project = self.emulator.project(tx, path.split("/")[1])
                tx.delete_under(
                    f"servicenetworking/projects/{project['number']}/global/networks/{path.split('/')[-1]}/"
                )
        await self.emulator.apply_network()

    @on_failure("compute.change")
    async def undo(self, run: Run, error: dict[str, Any]) -> None:
        key = f"compute/{run.arguments['path']}"
        async with run.transaction() as tx:
            if run.arguments["before"] is None:
                tx.delete(key)
            else:
                tx.put(key, run.arguments["before"])
        await self.emulator.apply_network()
