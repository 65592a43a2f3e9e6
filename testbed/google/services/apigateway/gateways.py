# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gateways: regional, each serving one config at a time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from testbed.google import gateway_picture
from testbed.google.errors import GoogleError, field_violation, precondition
from testbed.google.operations import Run
from testbed.google.rules import Immutable, Pattern, Required, Said
from testbed.google.service import Call, handles, now, on_failure, work
from testbed.google.services.apigateway.base import (
    DOCUMENT,
    IDENTIFIER,
    LIMITS,
    MASK,
    ONLY,
    ApiGatewayService,
    code,
    key,
)
from testbed.google.services.apigateway.configs import gateways

if TYPE_CHECKING:
    from testbed.google.store import Transaction

MOST_GATEWAYS = 50
#: Source: API Gateway documentation, "Deploying an API to a gateway" (regions); the codes of host names are assumed.
REGIONS = {
    "asia-northeast1": "an", "australia-southeast1": "ts", "europe-west1": "ew", "europe-west2": "nw",
    "us-central1": "uc", "us-east1": "ue", "us-east4": "uk", "us-west2": "wl",
    "us-west3": "wm", "us-west4": "wn",
}  # fmt: skip
_CONFIG = r"projects/([^/]+)/locations/global/apis/([^/]+)/configs/([^/]+)"
_USABLE = Said("the config exists and is ACTIVE", source="assumed: nothing else could be served")


class Gateways(ApiGatewayService):
    """projects.locations.gateways.*"""

    kind, title, listed = "Gateway", "gateway", "gateways"
    mutable = ("apiConfig", "displayName", "labels")

    @handles(
        "apigateway.projects.locations.gateways.create",
        rules=[
            Required("gatewayId", query=True, source=f"{DOCUMENT}: gateways.create, gatewayId"),
            Pattern("gatewayId", IDENTIFIER, query=True, source="API Gateway documentation, Deploying an API"),
            Required("apiConfig", source=f"{DOCUMENT}: Gateway.apiConfig"),
            Pattern("apiConfig", _CONFIG, source=f"{DOCUMENT}: Gateway.apiConfig"),
            Said("gateways are regional, in the regions that API Gateway has", source="API Gateway documentation"),
            Said(f"at most {MOST_GATEWAYS} in a region", source=LIMITS),
            _USABLE,
        ],
    )
    def create(self, call: Call) -> dict[str, Any]:
        parent = self.location(call, "parent", tuple(REGIONS))
        config = self._config(call, call.body["apiConfig"])
        identifier = call.query["gatewayId"]
        name = self.fresh(call, parent, "gateways", identifier)
        self.count(call, parent, "gateways", MOST_GATEWAYS)
        stamp = now()
        fields = {f: call.body[f] for f in ("displayName", "labels", "streamingMode") if f in call.body}
        host = f"{identifier}-{code(name, 8)}.{REGIONS[parent.split('/')[3]]}.gateway.dev"
        call.store.put(
            key(name),
            {"name": name, **fields, "apiConfig": config, "host": host, "createTime": stamp, "updateTime": stamp},
        )
        return self.start(call, name, "create", "apigateway.gateway", "apigateway.gateway", "CREATING")

    @handles(
        "apigateway.projects.locations.gateways.patch",
        rules=[MASK, ONLY, _USABLE, Immutable(("streamingMode",), source=f"{DOCUMENT}: Gateway.streamingMode")],
    )
    def patch(self, call: Call) -> dict[str, Any]:
        name, changes = self.patched(call)
        if "apiConfig" in changes:
            if not changes["apiConfig"]:
                raise field_violation("apiConfig", "Required field 'apiConfig' not specified")
            changes["apiConfig"] = self._config(call, changes["apiConfig"])
        duration = "apigateway.gateway_update" if "apiConfig" in changes else "apigateway.api"
        return self.start(call, name, "update", duration, "apigateway.gateway", "UPDATING", changes=changes)

    def _config(self, call: Call, text: str) -> str:
        """Return the name of a config that can be served. Raises GoogleError 400 or 404."""
        if not re.fullmatch(_CONFIG, text):
            raise field_violation("apiConfig", f"Invalid API config name '{text}'.")
        name = self.full(call, text)
        state = self.require(call.store, name)["state"]
        if state not in ("ACTIVE", "UPDATING"):
            raise precondition(f"API config {name} is not ACTIVE, its state is {state}.")
        return name

    @work("apigateway.gateway")
    async def ready(self, run: Run) -> dict[str, Any]:
        async with run.transaction() as tx:
            stored = self.require(tx, run.arguments["target"])
            wanted = run.arguments.get("changes", {}).get("apiConfig") or stored["apiConfig"]
            if not tx.exists(key(wanted)):
                raise GoogleError(400, f"API config {wanted} was deleted meanwhile.", status="FAILED_PRECONDITION")
        done = await self.finished(run, **run.arguments.get("changes", {}), defaultHostname=stored["host"])
        await gateway_picture.push(self.emulator)
        return done

    @on_failure("apigateway.gateway")
    async def failed(self, run: Run, error: dict[str, Any]) -> None:
        """One that was being made is FAILED (apigateway.v1: Gateway.state); one that served goes on as before."""
        async with run.transaction() as tx:
            stored = self.require(tx, run.arguments["target"])
            state = "ACTIVE" if "changes" in run.arguments else "FAILED"
            tx.put(key(run.arguments["target"]), {**stored, "state": state})

    @handles("apigateway.projects.locations.list", permission="apigateway.locations.list")
    def locations(self, call: Call) -> dict[str, Any]:
        parent = f"projects/{call.project()['projectId']}/locations"
        return {"locations": [{"name": f"{parent}/{place}", "locationId": place} for place in ("global", *REGIONS)]}

    @handles("apigateway.projects.locations.gateways.get")
    def get(self, call: Call) -> dict[str, Any]:
        return self.shown(call.store, self.require(call.store, self.full(call, call.path["name"])))

    def shown(self, tx: Transaction, stored: dict[str, Any]) -> dict[str, Any]:
        """As Google shows it: the config's project by its number (google-apis.md 2)."""
        found = {field: value for field, value in stored.items() if field != "host"}
        project = stored["apiConfig"].split("/")[1]
        number = self.emulator.project(tx, project)["number"]
        return found | {"apiConfig": stored["apiConfig"].replace(f"projects/{project}/", f"projects/{number}/", 1)}

    @handles(
        "apigateway.projects.locations.gateways.list",
        rules=[Said("the location - means all", source="gcloud api-gateway gateways list")],
    )
    def list(self, call: Call) -> dict[str, Any]:
        parent = self.full(call, call.path["parent"])
        if parent.endswith("/-"):
            return self.listing(call, gateways(call.store, call.project()["projectId"]))
        return self.page(call, parent, "gateways")

    @handles("apigateway.projects.locations.gateways.delete")
    def delete(self, call: Call) -> dict[str, Any]:
        name = self.full(call, call.path["name"])
        self.require(call.store, name)
        return self.start(call, name, "delete", "apigateway.gateway", "apigateway.gateway.delete", "DELETING")

    @work("apigateway.gateway.delete")
    async def deleted(self, run: Run) -> dict[str, Any]:
        done = await self.gone(run)
        await gateway_picture.push(self.emulator)
        return done

    async def restore(self) -> None:
        """Start the gateways again, after a restart."""
        await gateway_picture.push(self.emulator)
