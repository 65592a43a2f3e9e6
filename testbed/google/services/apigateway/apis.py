# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""APIs: global, each with a managed service of its own."""

from __future__ import annotations

from typing import Any

from testbed.google.errors import precondition
from testbed.google.gate import service_enabled
from testbed.google.operations import Run
from testbed.google.rules import Pattern, Required, Said
from testbed.google.service import Call, handles, now, work
from testbed.google.services.apigateway.base import (
    DOCUMENT,
    IDENTIFIER,
    LIMITS,
    MASK,
    ONLY,
    SEEN,
    ApiGatewayService,
    code,
    key,
)
from testbed.google.services.servicemanagement import managed_key

_NEEDED = ("servicemanagement.googleapis.com", "servicecontrol.googleapis.com")
MOST_APIS = 50


class Apis(ApiGatewayService):
    """projects.locations.apis.*"""

    kind, title, listed = "Api", "API", "apis"

    @handles(
        "apigateway.projects.locations.apis.create",
        rules=[
            Required("apiId", query=True, source=f"{DOCUMENT}: apis.create, apiId"),
            Pattern("apiId", IDENTIFIER, query=True, source="API Gateway documentation, Creating an API"),
            Said("APIs are global", source=SEEN),
            Said(f"at most {MOST_APIS} in a project", source=LIMITS),
            Said("Service Management and Service Control must be enabled", source="API Gateway documentation, set-up"),
        ],
    )
    def create(self, call: Call) -> dict[str, Any]:
        parent = self.location(call, "parent", ("global",))
        project = call.project()
        for needed in _NEEDED:
            if not service_enabled(call.store, project["number"], needed):
                raise precondition(f"{needed} must be enabled in project {project['projectId']} to use API Gateway.")
        identifier = call.query["apiId"]
        name = self.fresh(call, parent, "apis", identifier)
        self.count(call, parent, "apis", MOST_APIS)
        made = f"{identifier}-{code(name, 13)}.apigateway.{project['projectId']}.cloud.goog"
        fields = {field: call.body[field] for field in ("displayName", "labels") if field in call.body}
        managed = call.body.get("managedService") or made
        stamp = now()
        call.store.put(
            key(name), {"name": name, **fields, "managedService": managed, "createTime": stamp, "updateTime": stamp}
        )
        call.store.put(managed_key(managed), {"serviceName": managed, "producerProjectId": project["projectId"]})
        return self.start(call, name, "create", "apigateway.api", "apigateway.api", "CREATING")

    @handles("apigateway.projects.locations.apis.patch", rules=[MASK, ONLY])
    def patch(self, call: Call) -> dict[str, Any]:
        name, changes = self.patched(call)
        return self.start(call, name, "update", "apigateway.api", "apigateway.api", "UPDATING", changes=changes)

    @work("apigateway.api")
    async def ready(self, run: Run) -> dict[str, Any]:
        return await self.finished(run, **run.arguments.get("changes", {}))

    @handles("apigateway.projects.locations.apis.get")
    def get(self, call: Call) -> dict[str, Any]:
        return self.require(call.store, self.full(call, call.path["name"]))

    @handles("apigateway.projects.locations.apis.list")
    def list(self, call: Call) -> dict[str, Any]:
        return self.page(call, self.full(call, call.path["parent"]), "apis")

    @handles(
        "apigateway.projects.locations.apis.delete",
        rules=[Said("not while it has configs", source="assumed: as configs")],
    )
    def delete(self, call: Call) -> dict[str, Any]:
        name = self.full(call, call.path["name"])
        self.require(call.store, name)
        configs = call.store.children(key(f"{name}/configs"))
        if configs:
            raise precondition(f"{name} still has {len(configs)} API configs; delete them first.")
        return self.start(call, name, "delete", "apigateway.api", "apigateway.api.delete", "DELETING")

    @work("apigateway.api.delete")
    async def deleted(self, run: Run) -> dict[str, Any]:
        async with run.transaction() as tx:
            tx.delete(managed_key(self.require(tx, run.arguments["target"])["managedService"]))
        return await self.gone(run)

    @handles("apigateway.projects.locations.operations.get", permission="apigateway.operations.get")
    async def operation(self, call: Call) -> dict[str, Any]:
        return await call.operations.poll(call, self.full(call, call.path["name"]))

    @handles("apigateway.projects.locations.operations.list", permission="apigateway.operations.list")
    def operations(self, call: Call) -> dict[str, Any]:
        return {"operations": call.operations.list(call.store, self.prefix, self.full(call, call.path["name"]))}
